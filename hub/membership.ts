import { formatJoinToken, isSameFingerprint, secretKey } from '@groundswell/proto/enrol.ts'
import type { Principal } from './access/principal.ts'
import type { TokenRequest } from './api/hub.ts'
import type { AuthorityView, PendingView, TokenView } from './api/views.ts'
import { HubError } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { Decision, Enrolment } from './ledger/entry.ts'
import { recoverableOf, seriesOf } from './ledger/membership.ts'
import type { Register } from './ledger/register.ts'
import type { AuthorityLife } from './sync/ca/plan.ts'
import { oustedBy } from './sync/members.ts'
import type { TokenKeys } from './sync/token-key.ts'

const dayMs = 24 * 3_600_000

export interface MembershipDeps {
  readonly fleet: () => Fleet | null
  readonly register: Pick<Register, 'state' | 'append'>
  readonly enrolAddress: () => string
  /** Of the hub's certificate authorities those that are trusted, the issuing one first. */
  readonly authorities: () => readonly (AuthorityLife & { readonly pin: string })[]
  readonly rootDigest: string
  /** The key of a join token as the ledger may have it. */
  readonly closeKey: TokenKeys['close']
  readonly clock: () => number
  /** That many bytes nobody can guess. */
  readonly random: (bytes: number) => Buffer
}

/** What operators do about who belongs to the fleet. Each is a decision in the ledger. */
export function createMembership(deps: MembershipDeps) {
  const { register } = deps
  const { state } = register

  async function decide(by: Principal, ...decisions: readonly Decision[]): Promise<void> {
    await register.append(by.actor, decisions)
  }

  function enrolled(cluster: string): Enrolment {
    const found = state.enrolments.get(cluster)
    if (!found) throw new HubError('not_found', `no agent of cluster ${cluster} is enrolled`)
    return found
  }

  return {
    async createToken(cluster: string, request: TokenRequest, by: Principal): Promise<TokenView> {
      const fleet = deps.fleet()
      if (!fleet) throw new HubError('not_ready', 'the fleet repository was not read yet')
      const declared = fleet.clusters.get(cluster)
      if (!declared) {
        throw new HubError(
          'not_found',
          `cluster ${cluster} is not declared in the fleet repository; add a Cluster for it first`,
        )
      }
      const { ttl, preApproved, replace, clusterUid, labels, project } = request
      for (const [label, value] of Object.entries(labels ?? {})) {
        if (declared.labels[label] === value) continue
        throw new HubError(
          'conflict',
          `cluster ${cluster} does not have the label ${label}=${value} in Git`,
        )
      }
      const tokenId = [...deps.random(10)].map((byte) => (byte % 36).toString(36)).join('')
      const secret = deps.random(16).toString('base64url')
      const expiresAt = deps.clock() + ttl
      const token = {
        tokenId,
        cluster,
        key: deps.closeKey(tokenId, secretKey(secret)),
        expiresAt,
        ...(preApproved ? { preApproved } : {}),
        ...(replace ? { replace } : {}),
        ...(clusterUid === undefined ? {} : { clusterUid }),
        ...(labels === undefined ? {} : { labels }),
        ...(project === undefined ? {} : { project }),
      }
      await decide(by, { type: 'token.created', token })
      const { rootDigest } = deps
      const caPin = deps.authorities()[0]!.pin
      return {
        cluster,
        token: formatJoinToken({ tokenId, secret, caPin, rootDigest }),
        expiresAt: new Date(expiresAt).toISOString(),
        address: deps.enrolAddress(),
        preApproved: preApproved === true,
      }
    },

    authorities(): readonly AuthorityView[] {
      const now = deps.clock()
      return deps.authorities().map(({ pin, from, to }, at) => ({
        pin,
        state: at === 0 ? 'Issuing' : from > deps.authorities()[0]!.from ? 'Announced' : 'Retiring',
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        daysLeft: Math.max(0, Math.floor((to - now) / dayMs)),
      }))
    },

    pendingClusters(): readonly PendingView[] {
      return [...state.pending.values()]
        .map((enrolment) => ({
          cluster: enrolment.cluster,
          clusterId: enrolment.clusterId,
          clusterUid: enrolment.clusterUid,
          fingerprint: enrolment.fingerprint ?? '',
          since: new Date(enrolment.enrolledAt).toISOString(),
          replaces:
            state.enrolments.has(enrolment.cluster) && !state.revoked.has(enrolment.cluster),
        }))
        .sort((one, other) => (one.cluster < other.cluster ? -1 : 1))
    },

    /** Only for the agent whose fingerprint was compared: another may have joined meanwhile. */
    async approveCluster(cluster: string, fingerprint: string, by: Principal): Promise<void> {
      const waiting = state.pending.get(cluster)
      if (!waiting) {
        throw new HubError('not_found', `no agent of cluster ${cluster} waits for approval`)
      }
      if (!isSameFingerprint(fingerprint, waiting.fingerprint ?? '')) {
        throw new HubError(
          'conflict',
          `the agent that waits for ${cluster} has another fingerprint; compare it with the one in the agent's log`,
        )
      }
      const { clusterId } = waiting
      await decide(by, ...oustedBy(state, waiting), {
        type: 'cluster.approved',
        cluster,
        clusterId,
      })
    },

    async revokeCluster(cluster: string, by: Principal, reason: string): Promise<void> {
      if (!state.pending.has(cluster)) enrolled(cluster)
      await decide(by, { type: 'cluster.revoked', cluster, reason })
    },

    /** Certificates from before are dead: the agent takes a new one by its bound key. */
    async unlockCluster(cluster: string, by: Principal, reason: string): Promise<void> {
      const enrolment = enrolled(cluster)
      if (!state.locked.has(cluster)) throw new HubError('conflict', `${cluster} is not locked`)
      const { clusterId } = enrolment
      const series = seriesOf(enrolment) + 1
      const recoverable = Math.max(recoverableOf(enrolment), series + 1)
      const type = 'cluster.unlocked'
      await decide(by, { type, cluster, clusterId, series, recoverable, reason })
    },

    /** Lets the bound key take one more certificate. */
    async recoverCluster(cluster: string, by: Principal, reason: string): Promise<void> {
      const enrolment = enrolled(cluster)
      if (state.revoked.has(cluster)) {
        throw new HubError('conflict', `${cluster} is revoked; join it again with a new token`)
      }
      const { clusterId } = enrolment
      const recoverable = Math.max(recoverableOf(enrolment), seriesOf(enrolment) + 1)
      await decide(by, { type: 'recovery.granted', cluster, clusterId, recoverable, reason })
    },
  }
}
