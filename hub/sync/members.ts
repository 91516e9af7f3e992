import { HubError } from '../errors.ts'
import type { Decision, Enrolment, JoinTokenRecord } from '../ledger/entry.ts'
import { findBar, listSharing, type Membership } from '../ledger/membership.ts'
import type { EnrolmentRecord } from './enrol.ts'

export interface MembersDeps {
  readonly membership: Membership
  readonly append: (actor: string, decisions: readonly Decision[]) => Promise<unknown>
  /** Takes a token for itself, among all hubs of the fleet. */
  readonly take: (tokenId: string) => Promise<boolean>
  readonly giveBack: (tokenId: string) => Promise<void>
}

/** The record that enrolment reads and writes: the ledger, and one taker for each token. */
export function createMembers({
  membership,
  append,
  take,
  giveBack,
}: MembersDeps): EnrolmentRecord {
  const taken = new Set<string>()

  return {
    token: (tokenId) => membership.tokens.get(tokenId),

    formerIds: (clusterUid) => membership.agentIds.get(clusterUid) ?? [],

    objection(token, clusterUid) {
      if (token.clusterUid !== undefined && token.clusterUid !== clusterUid) {
        return 'the join token was made for another cluster'
      }
      if (token.replace) return undefined
      const [twin] = listSharing(membership, clusterUid)
      if (twin) return `this cluster is already enrolled as ${twin.cluster}; ${toReplace(token)}`
      const mine = membership.enrolments.get(token.cluster)
      if (!mine || membership.revoked.has(token.cluster)) return undefined
      return `another cluster is already enrolled as ${token.cluster}; ${toReplace(token)}`
    },

    async enrol(token, enrolment) {
      const { tokenId } = token
      if (taken.has(tokenId) || !membership.tokens.has(tokenId)) return false
      taken.add(tokenId)
      try {
        if (!(await take(tokenId))) return false
        const ousted = token.preApproved ? oustedBy(membership, enrolment) : []
        const type = token.preApproved ? 'cluster.enrolled' : 'cluster.pending'
        await append(`agent/${token.cluster}`, [...ousted, { type, enrolment, tokenId }])
        return true
      } catch (error) {
        await giveBack(tokenId).catch(() => {})
        throw error
      } finally {
        taken.delete(tokenId)
      }
    },

    async spend({ tokenId, cluster }) {
      if (!membership.tokens.has(tokenId)) return
      await append('hub', [{ type: 'token.spent', tokenId, cluster }])
    },

    standing(clusterId) {
      const cluster = membership.clusterIds.get(clusterId)
      const enrolment = cluster === undefined ? undefined : membership.enrolments.get(cluster)
      if (enrolment) {
        const why = findBar(membership, enrolment)
        return why === undefined
          ? { state: 'enrolled', enrolment }
          : { state: 'barred', enrolment, why }
      }
      for (const waiting of membership.pending.values()) {
        if (waiting.clusterId === clusterId) return { state: 'pending', enrolment: waiting }
      }
      return undefined
    },

    async recover({ cluster, clusterId }, series, key) {
      const type = 'cluster.recovered'
      await append(`agent/${cluster}`, [{ type, cluster, clusterId, series, key }])
      const now = membership.enrolments.get(cluster)
      if (now?.clusterId === clusterId && findBar(membership, now) === undefined) return
      throw new HubError('token_refused', 'the cluster was revoked or replaced meanwhile')
    },
  }
}

/** Who has to go when a cluster joins under another name: two identities of one cluster never live. */
export function oustedBy(membership: Membership, joining: Enrolment): Decision[] {
  return listSharing(membership, joining.clusterUid)
    .filter(({ cluster }) => cluster !== joining.cluster)
    .map(({ cluster }) => ({
      type: 'cluster.revoked',
      cluster,
      reason: `it joined as ${joining.cluster}`,
    }))
}

function toReplace({ cluster }: JoinTokenRecord): string {
  return `to replace it, make a token with \`swell cluster token ${cluster} --replace\``
}
