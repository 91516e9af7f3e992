import { type Fault, formatFault } from '../errors.ts'
import type { EventGap, EventView } from '../api/views.ts'
import { shortRevision } from '@groundswell/proto/revision.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { ClusterStatus } from './status.ts'

/** Something that happened, in words. `subject` is kind/name. */
export interface HubEvent {
  readonly type: string
  readonly actor: string
  readonly subject: string
  readonly message: string
}

/** Whether what comes next in a stream of events is that some are missing. */
export function isGap(item: EventView | EventGap): item is EventGap {
  return !('id' in item)
}

/** Events after an id are kept no more; `oldest` is the first that is, null of an empty log. */
export function describeGap(after: string, oldest: string | null): EventGap {
  const which = /^0+(-0+)?$/.test(after) ? 'the oldest events' : `events after ${after}`
  const message = `${which} are kept no more: read anew what they told of`
  return { after, oldest, message }
}

/** What is wrong with what Git asks for, or should be known of it, as people read it. */
export function describeFault(kind: 'fault' | 'warning', fault: Fault): HubEvent {
  const application = /^Application (\S+)$/.exec(fault.object ?? '')?.[1]
  const subject = application ? `application/${application}` : 'fleet/fleet'
  const message = formatFault(fault).slice(0, longestMessage)
  return {
    type: `${application ? 'application' : 'fleet'}.${kind}`,
    actor: 'hub',
    subject,
    message,
  }
}

const longestMessage = 2_000

/** A decision as people read it. */
export function describeEntry(entry: LedgerEntry): HubEvent {
  const { actor, decision } = entry
  const { type } = decision
  switch (decision.type) {
    case 'fleet.accepted':
      return event(type, actor, 'fleet/fleet', `accepted ${shortRevision(decision.revision)}`)
    case 'rollout.created': {
      const { id, application, targets, revision } = decision.plan
      const count = Object.keys(targets).length
      const message = `${application}: ${shortRevision(revision)} to ${count} clusters`
      return event(type, actor, `rollout/${id}`, message)
    }
    case 'rollout.moved': {
      const { phase, message } = decision.change
      const text = message ?? decision.reason ?? decision.cause
      return event(type, actor, `rollout/${decision.rollout}`, phase ? `${phase}: ${text}` : text)
    }
    case 'rollout.overruled': {
      const message = `Git asks for something else on ${decision.clusters.length} of its clusters: what did not come there comes again once it asks for that again`
      return event(type, actor, `rollout/${decision.rollout}`, message)
    }
    case 'hold.set': {
      const { application, revision, reason } = decision.hold
      const message = `${shortRevision(revision)} is held: ${reason}`
      return event(type, actor, `application/${application}`, message)
    }
    case 'hold.released':
      return event(type, actor, `application/${decision.application}`, decision.reason)
    case 'token.created':
      return event(type, actor, `cluster/${decision.token.cluster}`, 'a join token was made')
    case 'cluster.enrolled':
      return event(type, actor, `cluster/${decision.enrolment.cluster}`, 'joined')
    case 'root.published':
      return event(type, actor, 'trust/root', `root version ${decision.version} was published`)
    case 'approval.recorded': {
      const { application, content, clusters } = decision.approval
      const what = content === 'removed' ? 'its removal' : content.slice(0, 19)
      const message = `${what} was approved for ${clusters.join(', ')}`
      return event(type, actor, `application/${application}`, message)
    }
    case 'token.spent':
      return event(
        type,
        actor,
        `cluster/${decision.cluster}`,
        'a join token met too many wrong proofs',
      )
    case 'cluster.pending': {
      const { cluster, fingerprint } = decision.enrolment
      const message = `joined and waits for approval: ${fingerprint ?? ''}`
      return event(type, actor, `cluster/${cluster}`, message)
    }
    case 'cluster.approved':
      return event(type, actor, `cluster/${decision.cluster}`, 'approved')
    case 'cluster.locked':
      return event(type, actor, `cluster/${decision.cluster}`, `locked: ${decision.reason}`)
    case 'cluster.unlocked':
      return event(type, actor, `cluster/${decision.cluster}`, `unlocked: ${decision.reason}`)
    case 'cluster.recovered': {
      const message = decision.series === 1 ? 'took its first certificate' : 'recovered by its key'
      return event(type, actor, `cluster/${decision.cluster}`, message)
    }
    case 'recovery.granted':
      return event(type, actor, `cluster/${decision.cluster}`, 'may recover once more')
    case 'apiToken.created': {
      const { name, role, groups, expiresAt } = decision.token
      const rights = [role ?? [], ...groups.map((group) => `group ${group}`)].flat().join(', ')
      const until = new Date(expiresAt).toISOString()
      return event(type, actor, `token/${name}`, `made for ${rights}; good until ${until}`)
    }
    case 'apiToken.revoked':
      return event(type, actor, `token/${decision.name}`, 'revoked')
    case 'facts.reported': {
      const { cluster, kubernetesVersion } = decision
      const message = `is Kubernetes ${kubernetesVersion}, or serves other APIs than before`
      return event(type, actor, `cluster/${cluster}`, message)
    }
    case 'receipts.kept': {
      const clusters = new Set(decision.receipts.map(({ cluster }) => cluster))
      const message = `${decision.receipts.length} receipts of ${clusters.size} clusters`
      return event(type, actor, 'fleet/fleet', message)
    }
    case 'alerts.told': {
      const providers = Object.keys(decision.through).join(', ')
      return event(type, actor, 'fleet/fleet', `${providers} know what was decided so far`)
    }
    case 'revert.proposed': {
      const { application, repository, commit, url } = decision
      const message = `the revert of ${commit.slice(0, 12)} in ${repository} is proposed: ${url}`
      return event(type, actor, `application/${application}`, message)
    }
    case 'lease.taken':
      return event(type, actor, `replica/${decision.replica}`, `leads in term ${decision.term}`)
    case 'cluster.revoked':
      return event(type, actor, `cluster/${decision.cluster}`, `revoked: ${decision.reason}`)
  }
}

/** What a change of status is worth telling: connections, refusals, failures, drift and its end. */
export function describeChange(before: ClusterStatus, next: ClusterStatus): HubEvent[] {
  const { cluster } = next
  const subject = `cluster/${cluster}`
  const events: HubEvent[] = []
  if (before.connection.state !== next.connection.state) {
    const connected = next.connection.state === 'Connected'
    const type = connected ? 'cluster.connected' : 'cluster.disconnected'
    events.push(event(type, cluster, subject, connected ? 'connected' : 'disconnected'))
  }
  if (next.refusal && next.refusal.code !== before.refusal?.code) {
    const { code, message } = next.refusal
    events.push(event('snapshot.refused', cluster, subject, `${code}: ${message}`))
  }
  const [was, now] = [before.holds ?? [], next.holds ?? []]
  // Nothing is on hold nearly always, and each heartbeat comes by here.
  if (was.length + now.length > 0 && JSON.stringify(was) !== JSON.stringify(now)) {
    const [first] = now
    const words = first
      ? `${first.refuse ? 'refuses' : 'postpones'} updates: ${first.fault || first.reason || first.source}`
      : 'takes updates again'
    events.push(event(first ? 'cluster.vetoed' : 'cluster.released', cluster, subject, words))
  }
  for (const found of next.equivocations ?? []) {
    if (before.equivocations?.some(({ refused }) => refused === found.refused)) continue
    const message = `two snapshots of epoch ${found.epoch}, sequence ${found.sequence}: ${found.accepted} and ${found.refused}`
    events.push(event('snapshot.equivocated', cluster, subject, message))
  }
  for (const [was, now] of [
    [before.auditFault, next.auditFault],
    [before.ledgerFault, next.ledgerFault],
  ]) {
    if (!now || now.message === was?.message) continue
    events.push(event('audit.contradicted', cluster, subject, `${now.code}: ${now.message}`))
  }
  for (const [name, now] of Object.entries(next.applications)) {
    const was = before.applications[name]
    if (now === was) continue
    const of = `application/${name}`
    const seen = new Set(was?.drift.map(({ object }) => object))
    const fresh = now.drift.filter(({ object }) => !seen.has(object))
    if (fresh.length > 0 || now.driftedObjects > (was?.driftedObjects ?? 0)) {
      const first = fresh[0] ?? now.drift[0]
      const more = fresh.length > 1 ? ` and ${fresh.length - 1} more` : ''
      const { path = '', manager = '' } = first?.fields[0] ?? {}
      const by = manager && ` by ${manager}`
      const message = `${cluster}: ${first?.object ?? 'an object'} ${first?.missing ? 'is missing' : `drifted ${path}${by}`}${more}`
      events.push(event('drift.detected', cluster, of, message))
    }
    for (const { object, contestedBy } of now.drift) {
      const told = was?.drift.some(
        (one) => one.object === object && one.contestedBy === contestedBy,
      )
      if (contestedBy === undefined || told) continue
      const message = `${cluster}: ${contestedBy} undoes repairs of ${object}; one a minute is made`
      events.push(event('drift.contested', cluster, of, message))
    }
    if (now.healed > (was?.healed ?? now.healed)) {
      events.push(event('drift.healed', cluster, of, `${cluster}: put right`))
    }
    if (now.phase === 'Failed' && was?.phase !== 'Failed') {
      const [error] = now.errors
      const words = [error?.file, error?.object, error?.message ?? 'failed']
      events.push(
        event('application.failed', cluster, of, `${cluster}: ${words.filter(Boolean).join(': ')}`),
      )
    }
    if (now.health !== was?.health) {
      const message = `${cluster}: ${now.health} (${now.readyObjects}/${now.objects})`
      events.push(event('health.changed', cluster, of, message))
    }
  }
  return events
}

function event(type: string, actor: string, subject: string, message: string): HubEvent {
  return { type, actor, subject, message }
}
