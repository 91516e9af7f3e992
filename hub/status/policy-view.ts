import type { PolicyView } from '../api/survey-view.ts'
import type { Declared } from '../fleet/fleet.ts'
import type { PolicySpec } from '../fleet/kinds/policy.ts'

/** A policy as people are told of it. */
export function viewPolicy({ name, spec }: Declared<PolicySpec>): PolicyView {
  return {
    name,
    description: spec.description ?? '',
    action: spec.action ?? 'deny',
    judges: listRules(spec),
    applies: listScopes(spec),
    exceptions: (spec.exceptions ?? []).map(({ reason, ...fit }) => {
      const fitting = Object.entries(fit).map(([field, glob]) => `${field} ${glob}`)
      return `${fitting.join(', ') || 'everything'}: ${reason}`
    }),
  }
}

function listRules({ files = [], images, secrets, removedApis, schema }: PolicySpec): string[] {
  return [
    ...files,
    ...(images?.requireDigest ? ['images are named by digest'] : []),
    ...(images?.allowedRegistries
      ? [`images come from ${images.allowedRegistries.join(', ')}`]
      : []),
    ...(images?.signatures ? ['images are signed'] : []),
    ...(images?.kyverno ? ['images as rules of Kyverno ask'] : []),
    ...(secrets ? ['no secrets in plain text'] : []),
    ...(removedApis ? ['no APIs that the cluster serves no more'] : []),
    ...(schema ? ['objects fit their schemas'] : []),
  ]
}

function listScopes(spec: PolicySpec): string[] {
  const { projects, clusterGroup, clusters, applicationSelector, clusterSelector } = spec
  return [
    ...(projects ? [`projects ${projects.join(', ')}`] : []),
    ...(applicationSelector ? ['applications by label'] : []),
    ...(clusterSelector ? ['clusters by label'] : []),
    ...(clusterGroup === undefined ? [] : [`group ${clusterGroup}`]),
    ...(clusters ? [`clusters ${clusters.join(', ')}`] : []),
  ]
}
