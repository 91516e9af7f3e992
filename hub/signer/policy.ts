import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'

/** What a signer may sign at all: a file of its own, that nobody online can change. */
export interface SignerPolicy {
  /** URLs of repositories, as configured without credentials; `*` alone for any. */
  readonly repositories: readonly string[]
  /** `apps/Deployment`, `ConfigMap`, `apps/*`; `*` for any. */
  readonly kinds: readonly string[]
  /** Names of clusters, beside members of `groups`; `*` for any. */
  readonly clusters: readonly string[]
  readonly groups: readonly string[]
  /** How many of the newest contents of an application on a cluster may run: how far back a rollback may go. */
  readonly history: number
  /** `attested`: only what Git does not ask for any more, or a first rollout's way back. */
  readonly removals: 'attested' | 'never'
}

export const openPolicy: SignerPolicy = {
  repositories: ['*'],
  kinds: ['*'],
  clusters: ['*'],
  groups: [],
  history: 20,
  removals: 'attested',
}

const lists = ['repositories', 'kinds', 'clusters', 'groups'] as const

/**
 * A parsed policy file → the policy. What it leaves out is as open as without a file, but a file
 * that names groups and no clusters means those groups.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parsePolicy(value: unknown, where: string): SignerPolicy {
  const faults: string[] = []
  if (!isRecord(value)) throw new HubError('config_invalid', `${where}: not a map`)
  const known = [...lists, 'history', 'removals']
  for (const member of Object.keys(value)) {
    if (!known.includes(member)) {
      faults.push(`unknown member ${member}; there are ${known.join(', ')}`)
    }
  }
  for (const member of lists) {
    const list = value[member]
    const isList = Array.isArray(list) && list.every((item) => typeof item === 'string' && item)
    if (list !== undefined && !isList) faults.push(`${member}: a list of texts`)
  }
  const { history = openPolicy.history, removals = openPolicy.removals } = value
  if (!Number.isSafeInteger(history) || (history as number) < 1 || (history as number) > 50) {
    faults.push('history: a number from 1 to 50')
  }
  if (removals !== 'attested' && removals !== 'never') faults.push('removals: attested or never')
  if (faults.length > 0) {
    throw new HubError('config_invalid', faults.map((fault) => `${where}: ${fault}`).join('\n'))
  }
  const given = value as Partial<SignerPolicy>
  return {
    ...openPolicy,
    ...(given.groups && !given.clusters ? { clusters: [] } : {}),
    ...given,
  }
}

export function allowsRepository(policy: SignerPolicy, url: string): boolean {
  return policy.repositories.includes('*') || policy.repositories.includes(url)
}

/** Of `kinds`, those that are not allowed. */
export function listForbiddenKinds(policy: SignerPolicy, kinds: readonly string[]): string[] {
  const allowed = new Set(policy.kinds)
  if (allowed.has('*')) return []
  return kinds.filter((kind) => {
    const group = kind.includes('/') ? kind.slice(0, kind.indexOf('/')) : ''
    return !allowed.has(kind) && !(group !== '' && allowed.has(`${group}/*`))
  })
}

export function allowsCluster(
  policy: SignerPolicy,
  cluster: string,
  groups: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  if (policy.clusters.includes('*') || policy.clusters.includes(cluster)) return true
  return policy.groups.some((group) => groups.get(group)?.has(cluster))
}
