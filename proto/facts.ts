import { type Digest, digestOf } from './digest.ts'

/** What an agent may tell of its cluster; the hub keeps it in its ledger, so it has bounds. */
export const factsLimits = { apis: 4_000, text: 256 * 1024, version: 100 } as const

/** What a cluster is: its version as the API server spells it, and what it serves, sorted. */
export interface ToldFacts {
  readonly kubernetesVersion: string
  /** `v1`, `apps/v1`, `apps/v1/Deployment`. */
  readonly apis: readonly string[]
}

/** Names facts, so that what the other side has need not be told again. */
export function factsDigest({ kubernetesVersion, apis }: ToldFacts): Digest {
  return digestOf(JSON.stringify([kubernetesVersion, apis]))
}

const api = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?v[a-z0-9]{1,62}(\/[A-Za-z0-9]{1,63})?$/

/** Whether facts are within the bounds and spelled as facts are. */
export function areFacts({ kubernetesVersion, apis }: ToldFacts): boolean {
  const isVersion = /^v?\d{1,3}\.\d{1,4}[0-9A-Za-z.+-]*$/.test(kubernetesVersion)
  if (!isVersion || kubernetesVersion.length > factsLimits.version) return false
  if (apis.length === 0 || apis.length > factsLimits.apis) return false
  if (apis.reduce((sum, name) => sum + name.length, 0) > factsLimits.text) return false
  return apis.every((name, at) => api.test(name) && (at === 0 || apis[at - 1]! < name))
}
