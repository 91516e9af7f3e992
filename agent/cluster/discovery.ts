import { groupOf } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../errors.ts'
import { groupPath, groupVersionPath } from './api-path.ts'
import { readFault } from './fault.ts'
import type { Answer } from './http.ts'
import type { Resource } from './port.ts'

type Get = (path: string, signal: AbortSignal) => Promise<Answer>

interface Entry {
  readonly readAt: number
  readonly kinds: Promise<ReadonlyMap<string, Resource>>
}

/** A kind that is not there is asked for again only after this long, so unknown kinds cannot flood. */
const unknownAgainMs = 1_000

/** Which kinds the API server serves, read a group-version at a time and kept. */
export function createDiscovery(get: Get, now: () => number) {
  const entries = new Map<string, Entry>()

  const read = (apiVersion: string, signal: AbortSignal): Entry => {
    const entry = { readAt: now(), kinds: readGroupVersion(get, apiVersion, signal) }
    entries.set(apiVersion, entry)
    entry.kinds.catch(() => {
      if (entries.get(apiVersion) === entry) entries.delete(apiVersion)
    })
    return entry
  }

  return {
    /** @throws AgentError `kind_unknown`, or `cluster_unreachable` when discovery itself failed. */
    async resource(apiVersion: string, kind: string, signal: AbortSignal): Promise<Resource> {
      const entry = entries.get(apiVersion) ?? read(apiVersion, signal)
      let found = (await entry.kinds).get(kind)
      if (!found && now() - entry.readAt >= unknownAgainMs) {
        found = (await read(apiVersion, signal).kinds).get(kind)
      }
      if (!found) {
        throw new AgentError('kind_unknown', `${apiVersion} ${kind} is not served by this cluster`)
      }
      return found
    },
    /**
     * A kind in any version its group is served in, the preferred one first; undefined when it is served in
     * none. @throws AgentError `cluster_unreachable` when discovery itself failed
     */
    async servedAs(
      group: string,
      kind: string,
      signal: AbortSignal,
    ): Promise<Resource | undefined> {
      for (const apiVersion of await readVersions(get, group, signal)) {
        const found = (await read(apiVersion, signal).kinds).get(kind)
        if (found) return found
      }
      return undefined
    },
    forget: () => entries.clear(),
  }
}

async function readVersions(
  get: Get,
  group: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (group === '') return ['v1']
  const answer = await get(groupPath(group), signal)
  if (answer.status === 404) return []
  if (answer.status !== 200) throw readFault(`discovery of ${group}`, answer)
  const { versions = [], preferredVersion } = JSON.parse(answer.body) as {
    versions?: readonly { groupVersion: string }[]
    preferredVersion?: { groupVersion: string }
  }
  const first = preferredVersion ? [preferredVersion] : []
  return [...new Set([...first, ...versions].map(({ groupVersion }) => groupVersion))]
}

async function readGroupVersion(
  get: Get,
  apiVersion: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Resource>> {
  const answer = await get(groupVersionPath(apiVersion), signal)
  // Not served at all. Whoever asks learns `kind_unknown`; a broken aggregated API answers 503.
  if (answer.status === 404) return new Map()
  if (answer.status !== 200) throw readFault(`discovery of ${apiVersion}`, answer)
  const list = JSON.parse(answer.body) as {
    resources?: readonly { name: string; kind: string; namespaced: boolean }[]
  }
  const group = groupOf(apiVersion)
  const version = group ? apiVersion.slice(group.length + 1) : apiVersion
  const kinds = new Map<string, Resource>()
  for (const { name, kind, namespaced } of list.resources ?? []) {
    if (name.includes('/') || kinds.has(kind)) continue
    kinds.set(kind, { group, version, kind, plural: name, namespaced })
  }
  return kinds
}
