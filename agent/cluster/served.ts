import { areFacts } from '@groundswell/proto/facts.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { readFault } from './fault.ts'
import type { Answer } from './http.ts'

/** All groups with their kinds in one answer; a server before 1.26 gives a list of groups instead. */
const aggregated = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat('application/json')
  .join(',')

type Get = (path: string, signal: AbortSignal, accept: string) => Promise<Answer>

/**
 * What the API server serves, as Helm lists it: versions, and kinds of versions. Sorted. Where the
 * list with kinds is longer than may be told, it is versions alone.
 *
 * @throws AgentError `cluster_unreachable`
 */
export async function readServed(get: Get, signal: AbortSignal): Promise<string[]> {
  const versions = new Set<string>()
  const kinds = new Set<string>()
  for (const path of ['/api', '/apis']) {
    const answer = await get(path, signal, aggregated)
    if (answer.status !== 200) throw readFault(`discovery of ${path}`, answer)
    collect(JSON.parse(answer.body) as unknown, versions, kinds)
  }
  const all = [...versions, ...kinds].sort()
  return areFacts({ kubernetesVersion: 'v1.0', apis: all }) ? all : [...versions].sort()
}

function collect(list: unknown, versions: Set<string>, kinds: Set<string>): void {
  if (!isRecord(list)) return
  if (list['kind'] === 'APIVersions') for (const name of texts(list['versions'])) versions.add(name)
  for (const group of records(list['groups'])) {
    for (const { groupVersion } of records(group['versions'])) {
      if (typeof groupVersion === 'string') versions.add(groupVersion)
    }
  }
  for (const group of records(list['items'])) {
    const metadata = isRecord(group['metadata']) ? group['metadata'] : {}
    const name = typeof metadata['name'] === 'string' ? metadata['name'] : ''
    for (const { version, resources } of records(group['versions'])) {
      if (typeof version !== 'string') continue
      const groupVersion = name === '' ? version : `${name}/${version}`
      versions.add(groupVersion)
      for (const resource of records(resources)) {
        for (const each of [resource, ...records(resource['subresources'])]) {
          const { responseKind } = each
          const kind = isRecord(responseKind) ? responseKind['kind'] : undefined
          if (typeof kind === 'string' && kind !== '') kinds.add(`${groupVersion}/${kind}`)
        }
      }
    }
  }
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
