import { Document } from 'yaml'
import { type Fault, HubError } from '../errors.ts'
import { loadFleet } from '../fleet/load/load.ts'
import { apiVersion } from '../fleet/kinds.ts'
import { convertArgocd } from './argocd.ts'
import { convertFleet } from './fleet.ts'
import { convertFlux } from './flux.ts'
import { convertJenkinsX } from './jenkins-x.ts'
import type { Convert, Converted, ForeignFile, Migration } from './migration.ts'

/** What can be migrated from. */
export const migrations: Readonly<Record<string, { convert: Convert; what: string }>> = {
  fleet: {
    convert: convertFleet,
    what: 'GitRepo, ClusterGroup, Cluster and fleet.yaml of Rancher Fleet',
  },
  argocd: { convert: convertArgocd, what: 'Application, ApplicationSet and AppProject of Argo CD' },
  flux: { convert: convertFlux, what: 'GitRepository, Kustomization and HelmRelease of Flux' },
  'jenkins-x': { convert: convertJenkinsX, what: 'an environment repository of Jenkins X' },
}

const shared: Readonly<Partial<Record<Converted['kind'], string>>> = {
  Repository: 'repositories.yaml',
  Cluster: 'clusters.yaml',
  ClusterGroup: 'groups.yaml',
  Project: 'projects.yaml',
}

/** A migration as files of a fleet repository: one for each kind, one for each application. */
export function toFleetFiles({ documents }: Migration): ForeignFile[] {
  const files = Map.groupBy(
    documents,
    ({ kind, name }) => shared[kind] ?? `applications/${name}.yaml`,
  )
  return [...files].map(([path, together]) => ({
    path,
    text: together.map(formatDocument).join('---\n'),
  }))
}

/** What the hub would say of these files. */
export function findFleetFaults(files: readonly ForeignFile[]): readonly Fault[] {
  const fleet = files.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }))
  try {
    loadFleet('migration', fleet)
    return []
  } catch (error) {
    if (error instanceof HubError) return error.faults
    throw error
  }
}

function formatDocument({ kind, name, labels, spec }: Converted): string {
  const value = { apiVersion, kind, metadata: { name, ...(labels && { labels }) }, spec }
  const document = new Document(value, {
    aliasDuplicateObjects: false,
    // Text that an older reader would take for a boolean or a number is quoted.
    compat: 'yaml-1.1',
  })
  return document.toString({ lineWidth: 0 })
}
