import { type Digest, parseDigest } from '@groundswell/proto/digest.ts'
import type { Contents } from '../render/contents.ts'
import type { Content } from '../rollout/rollout.ts'
import { parseFault } from './message.ts'
import { parseList, parseNumber, parseObject, parseText } from './parse.ts'

/** Contents as they travel: a content once, with all clusters that it is for. */
export interface ContentsWire {
  readonly applications: readonly {
    readonly name: string
    readonly contents: readonly {
      readonly digest: Digest | null
      readonly size: number
      readonly revision: string
      readonly clusters: readonly string[]
      readonly fingerprint?: string
    }[]
  }[]
  readonly skipped: readonly { readonly name: string; readonly clusters: readonly string[] }[]
  readonly faults: Contents['faults']
  readonly warnings: Contents['warnings']
  readonly againMs?: number
}

export function formatContents({
  applications,
  skipped,
  faults,
  warnings,
  againMs,
  fingerprints,
}: Contents): ContentsWire {
  return {
    applications: [...applications].map(([name, byCluster]) => {
      const alike = new Map<string, Content & { clusters: string[]; fingerprint?: string }>()
      for (const [cluster, content] of byCluster) {
        const { digest, size, revision } = content
        const key = `${digest} ${size} ${revision}`
        const known = alike.get(key)
        if (known) known.clusters.push(cluster)
        else {
          const fingerprint = digest === null ? undefined : fingerprints?.get(digest)
          alike.set(key, {
            ...{ digest, size, revision, clusters: [cluster] },
            ...(fingerprint !== undefined && { fingerprint }),
          })
        }
      }
      return { name, contents: [...alike.values()] }
    }),
    skipped: [...skipped].map(([name, clusters]) => ({ name, clusters: [...clusters] })),
    faults,
    warnings,
    ...(againMs === undefined ? {} : { againMs }),
  }
}

/** @throws TypeError */
export function parseContents(value: unknown): Contents {
  const { applications, skipped, faults, warnings, againMs } = parseObject(value)
  const fingerprints = new Map<Digest, string>()
  return {
    applications: new Map(
      parseList(applications).map((one) => parseApplication(one, fingerprints)),
    ),
    fingerprints,
    skipped: new Map(
      parseList(skipped).map((one) => {
        const { name, clusters } = parseObject(one)
        return [parseText(name), new Set(parseList(clusters).map(parseText))]
      }),
    ),
    faults: parseList(faults).map(parseFault),
    warnings: parseList(warnings).map(parseFault),
    ...(againMs === undefined ? {} : { againMs: parseNumber(againMs) }),
  }
}

function parseApplication(
  value: unknown,
  fingerprints: Map<Digest, string>,
): [string, Map<string, Content>] {
  const { name, contents } = parseObject(value)
  const byCluster = new Map<string, Content>()
  for (const one of parseList(contents)) {
    const { digest, size, revision, clusters, fingerprint } = parseObject(one)
    const content: Content = {
      digest: parseDigest(digest),
      size: parseNumber(size),
      revision: parseText(revision),
    }
    if (content.digest && fingerprint !== undefined) {
      fingerprints.set(content.digest, parseText(fingerprint))
    }
    for (const cluster of parseList(clusters)) byCluster.set(parseText(cluster), content)
  }
  return [parseText(name), byCluster]
}
