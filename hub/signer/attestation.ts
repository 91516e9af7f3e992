import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { hasExactly, isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'

/**
 * What the renderer made of a fleet revision. A level: each application named replaces what was
 * attested of it before, one that is not named stays as it was.
 */
export interface Attestation {
  /** Of the fleet repository: `main@sha1:…`. */
  readonly fleetRevision: string
  /** Names of declared clusters. */
  readonly clusters: readonly string[]
  /** Names of every application in the fleet, those that failed to render too. */
  readonly names: readonly string[]
  /** Group → names of its clusters; of all groups. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly applications: readonly AttestedApplication[]
}

export interface AttestedApplication {
  readonly name: string
  readonly contents: readonly AttestedContent[]
  /** Clusters it is neither wanted nor unwanted on: suspended ones. */
  readonly keep: readonly string[]
}

/** One manifest that the renderer made, of what, and for whom. */
export interface AttestedContent {
  readonly digest: Digest
  readonly repository: string
  readonly url: string
  readonly revision: string
  /** `apps/Deployment`, `ConfigMap`; sorted, each once. */
  readonly kinds: readonly string[]
  readonly clusters: readonly string[]
}

const limits = { names: 20_000, contents: 20_000, kinds: 1_000, text: 2_048 } as const
export const namePattern = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** @throws HubError `invalid` naming the member that is not as it must be */
export function parseAttestation(value: unknown): Attestation {
  const found = members(value, ['applications', 'clusters', 'fleetRevision', 'groups', 'names'])
  need(isRecord(found['groups']), 'groups')
  const groups = Object.entries(found['groups']).map(([name, clusters]) => {
    need(namePattern.test(name), 'groups')
    return [name, parseNames(clusters, 'groups')] as const
  })
  need(groups.length <= limits.names, 'groups')
  return {
    fleetRevision: parseText(found['fleetRevision'], 'fleetRevision'),
    clusters: parseNames(found['clusters'], 'clusters'),
    names: parseNames(found['names'], 'names'),
    groups: Object.fromEntries(groups),
    applications: parseList(found['applications'], limits.names, 'applications').map(
      parseApplication,
    ),
  }
}

function parseApplication(value: unknown): AttestedApplication {
  const found = members(value, ['contents', 'keep', 'name'])
  return {
    name: parseName(found['name'], 'name'),
    keep: parseNames(found['keep'], 'keep'),
    contents: parseList(found['contents'], limits.contents, 'contents').map(parseContent),
  }
}

function parseContent(value: unknown): AttestedContent {
  const found = members(value, ['clusters', 'digest', 'kinds', 'repository', 'revision', 'url'])
  need(isDigest(found['digest']), 'digest')
  return {
    digest: found['digest'],
    repository: parseName(found['repository'], 'repository'),
    url: parseText(found['url'], 'url'),
    revision: parseText(found['revision'], 'revision'),
    kinds: parseList(found['kinds'], limits.kinds, 'kinds').map((kind) => parseText(kind, 'kinds')),
    clusters: parseNames(found['clusters'], 'clusters'),
  }
}

function members(value: unknown, names: readonly string[]): Record<string, unknown> {
  need(isRecord(value) && hasExactly(value, names), names.join(', '))
  return value
}

function parseNames(value: unknown, what: string): string[] {
  return parseList(value, limits.names, what).map((name) => parseName(name, what))
}

function parseName(value: unknown, what: string): string {
  need(typeof value === 'string' && namePattern.test(value), what)
  return value
}

function parseText(value: unknown, what: string): string {
  need(typeof value === 'string' && value.length <= limits.text, what)
  return value
}

function parseList(value: unknown, most: number, what: string): unknown[] {
  need(Array.isArray(value) && value.length <= most, what)
  return value
}

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new HubError('invalid', `attestation: ${what}`)
}
