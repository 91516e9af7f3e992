import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { ClusterFacts, FleetFacts, ServedApis } from './cluster-facts.ts'

/** Facts as they travel and lie in files: a list once, for all clusters that serve it. */
export interface FactsWire {
  readonly apis: readonly ServedApis[]
  readonly clusters: readonly {
    readonly name: string
    readonly kubernetesVersion: string
    /** Digest of one of `apis`. */
    readonly apis: Digest | null
  }[]
}

export function formatFacts(facts: FleetFacts): FactsWire {
  const apis = new Map<Digest, ServedApis>()
  const clusters = [...facts].map(([name, { kubernetesVersion, apis: list }]) => {
    if (list) apis.set(list.digest, list)
    return { name, kubernetesVersion, apis: list?.digest ?? null }
  })
  return { apis: [...apis.values()], clusters }
}

/** @throws TypeError saying where it is not what `formatFacts` makes */
export function parseFacts(value: unknown): FleetFacts {
  const { apis, clusters } = record(value, 'facts')
  const lists = new Map(
    list(apis, 'apis').map((one, at) => {
      const { digest, names } = record(one, `apis[${at}]`)
      const where = `apis[${at}].names`
      const found = {
        digest: name(digest, `apis[${at}].digest`),
        names: list(names, where).map((each) => text(each, where)),
      }
      return [found.digest, found] as const
    }),
  )
  return new Map(
    list(clusters, 'clusters').map((one, at): [string, ClusterFacts] => {
      const where = `clusters[${at}]`
      const { name: cluster, kubernetesVersion, apis: digest } = record(one, where)
      const served = digest === null ? undefined : lists.get(name(digest, `${where}.apis`))
      if (digest !== null && !served) throw new TypeError(`${where}.apis is none of \`apis\``)
      return [
        text(cluster, `${where}.name`),
        {
          kubernetesVersion: text(kubernetesVersion, `${where}.kubernetesVersion`),
          ...(served && { apis: served }),
        },
      ]
    }),
  )
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeError(`${where} is no object`)
  return value
}

function list(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${where} is no list`)
  return value
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new TypeError(`${where} is no text`)
  return value
}

function name(value: unknown, where: string): Digest {
  const found = text(value, where)
  if (!isDigest(found)) throw new TypeError(`${where} is no digest`)
  return found
}
