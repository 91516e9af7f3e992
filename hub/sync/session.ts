import { type MessageInitShape, create } from '@bufbuild/protobuf'
import type { Report } from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import {
  type DryRunAnswer,
  type Evidence,
  type Hello,
  type Receipt,
  type Renew,
  type ServedFacts,
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
  type Verdict,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { dryRunAccount } from '@groundswell/proto/features.ts'
import { HubError } from '../errors.ts'
import { encodeOffer } from './encode-offer.ts'
import type { Enrolment } from '../ledger/entry.ts'
import { type AnsweringDeps, createAnswering } from './answering.ts'
import type { SessionIdentity } from './credentials.ts'
import type { AgentPosition, Offered } from './offer.ts'
import type { Understanding, WhyTooOld } from './needs.ts'
import type { CertificateNumber } from './serial-number.ts'
import { type DryRunQuestion, createQuestions } from './questions.ts'
import type { Push } from './push.ts'

export const protocolVersion = 1
/** At 32 KiB each, well within what a message may have. */
const rootsAtOnce = 32
/** Looked at for one stream; checking costs signatures, and an agent keeps three. */
const evidenceAtMost = 8
/** Certificates made on one stream: an agent dials anew with the first that it gets. */
const renewalsAtMost = 8

export interface SessionDeps extends AnsweringDeps {
  readonly offerFor: (
    enrolment: Enrolment,
    at: AgentPosition,
    known?: Offered | null,
  ) => Promise<{ offer: Offered | null; current: Offered | null }>
  /** Root statements after a version; the agent gets them before any offer that needs them. */
  readonly rootsAfter?: (version: number) => readonly Uint8Array[]
  /** The signer's word for this nonce; null when there is none to be had now. */
  readonly freshnessFor?: (
    enrolment: Enrolment,
    nonce: Uint8Array,
    at: AgentPosition,
  ) => Promise<Uint8Array | null>
  /** Without it, another cluster is refused all the same, and nothing is renewed. */
  readonly identity?: SessionIdentity
  /** What goes with an offer, from what the agent has; without it, agents ask for all they lack. */
  readonly push?: Push
  readonly onHello: (cluster: string, hello: Hello) => void
  /** Why an agent may not have a snapshot: it would overlook what is asked of it. */
  readonly whyTooOld?: WhyTooOld
  /** It is not offered what it should have, in words. */
  readonly onTooOld?: (cluster: string, why: string) => void
  readonly onReport: (cluster: string, report: Report) => void
  readonly onVerdict: (cluster: string, verdict: Verdict) => void
  readonly onEvidence?: (enrolment: Enrolment, evidence: Evidence) => void
  readonly onReceipt?: (enrolment: Enrolment, receipt: Receipt) => void
  readonly onHeartbeat: (cluster: string) => void
  /** What its agent tells of a cluster; without it, nothing is asked for nor taken. */
  readonly facts?: {
    readonly known: (cluster: string) => string
    readonly take: (cluster: string, facts: ServedFacts) => void
  }
  readonly onOffered: (cluster: string, sequence: number) => void
  /** Ends this stream at once: its agent takes nothing, and others wait. */
  readonly cut?: () => void
  readonly heartbeatSeconds: number
  readonly reconnectWindowSeconds: () => number
}

/** What the session needs of its stream: writes that wait for the peer, so nothing piles up. */
export type Send = (message: SyncResponse) => Promise<void>

export interface Session {
  readonly cluster: string
  /** Something this cluster should run may have changed; many calls make one look. */
  notice(): void
  /**
   * Says goodbye and why, finishes what is being sent and takes up nothing more. Resolves when the
   * stream may be ended without loss.
   */
  leave(reason: string): Promise<void>
  /** Asks what the API server would say; rejects with HubError when there is no answer. */
  dryRun(asked: DryRunQuestion, signal: AbortSignal): Promise<DryRunAnswer>
  /** Resolves when the conversation ended; rejects with HubError when the agent broke its rules. */
  readonly done: Promise<void>
}

/**
 * One agent's conversation. The agent says where it is, the hub offers the newest snapshot, the
 * agent asks for what it lacks and reports. Offers are a slot, not a queue: latest wins.
 */
export function converse(
  enrolment: Enrolment,
  requests: AsyncIterable<SyncRequest>,
  send: Send,
  deps: SessionDeps,
  certificate?: CertificateNumber,
): Session {
  const { cluster } = enrolment
  let at: AgentPosition | undefined
  let rootVersion = 0
  let agent: Understanding = { version: '', features: new Set() }
  let offered: Offered | null = null
  /** Of the offer before: the agent may be taking it still, and would wait if it got no content. */
  let earlier: Offered['list'] = []
  /** What the agent has: undefined until the first look tells, null when it refused something. */
  let held: Offered['list'] | null | undefined
  let looking: Promise<void> | undefined
  let again = false

  async function look(): Promise<void> {
    while (again && at) {
      again = false
      await sendRoots()
      const { offer, current } = await deps.offerFor(enrolment, at, offered)
      if (offer) earlier = offered?.list ?? []
      if (current) offered = current
      if (!offer) {
        if (held === undefined) held = current?.list
        continue
      }
      const why = await deps.whyTooOld?.(cluster, agent, offer.list)
      if (why !== undefined) {
        deps.onTooOld?.(cluster, why)
        continue
      }
      const contents = held && deps.push ? await deps.push(held, offer.list) : []
      held = offer.list
      // The agent is taken to be there from now on: a refusal is answered by a change, not a repeat.
      at = { epoch: offer.epoch, sequence: offer.sequence, digest: offer.digest }
      deps.onOffered(cluster, offer.sequence)
      await send(encodeOffer(offer.envelope, offer.approvals ?? [], contents))
    }
  }

  async function sendRoots(): Promise<void> {
    const roots = deps.rootsAfter?.(rootVersion) ?? []
    rootVersion += roots.length
    for (let from = 0; from < roots.length; from += rootsAtOnce) {
      const envelopes = roots.slice(from, from + rootsAtOnce).map((root) => Uint8Array.from(root))
      await send(response({ case: 'rootChain', value: { envelopes } }))
    }
  }

  async function sendFreshness(nonce: Uint8Array, where: AgentPosition): Promise<void> {
    if (nonce.byteLength === 0) return
    const envelope = await deps.freshnessFor?.(enrolment, nonce, where)
    if (envelope) {
      await send(response({ case: 'freshness', value: { envelope: Uint8Array.from(envelope) } }))
    }
  }

  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })

  let leaving = false

  async function leave(reason: string): Promise<void> {
    leaving = true
    again = false
    const reconnectWindowSeconds = deps.reconnectWindowSeconds()
    const answered = answering.leave()
    await send(response({ case: 'goodbye', value: { reason, reconnectWindowSeconds } }))
    await answered
  }

  function notice(): void {
    if (leaving) return
    again = true
    if (looking || !at) return
    looking = look()
      .catch(fail)
      .finally(() => {
        looking = undefined
        if (again) notice()
      })
  }

  async function greet(hello: Hello): Promise<void> {
    if (at) throw new HubError('invalid', 'hello was said twice')
    await checkHello(hello, enrolment, deps)
    deps.onHello(cluster, hello)
    await send(response({ case: 'welcome', value: welcomeOf(cluster, deps) }))
    rootVersion = hello.rootVersion
    agent = { version: hello.agentVersion, features: new Set(hello.features) }
    await sendRoots()
    const where = {
      epoch: Number(hello.epoch),
      sequence: Number(hello.sequence),
      digest: hello.snapshotDigest,
    }
    await sendFreshness(hello.nonce, where)
    if (where.sequence === 0) held = []
    at = where
    notice()
  }

  const answering = createAnswering(
    {
      cluster,
      list: () => [...(offered?.list ?? []), ...earlier],
      send: (content) => send(response({ case: 'content', value: content })),
      cut: () => deps.cut?.(),
      onFailed: fail,
    },
    deps,
  )

  const questions = createQuestions((value) => send(response({ case: 'dryRun', value })))

  let renewalsLeft = renewalsAtMost

  async function renew(request: Renew): Promise<void> {
    if (!deps.identity) return
    renewalsLeft -= 1
    if (renewalsLeft < 0) throw new HubError('invalid', 'it asks for certificates and uses none')
    const value = await deps.identity.renew(enrolment, certificate, request)
    await send(response({ case: 'renewed', value }))
  }

  let evidenceLeft = evidenceAtMost

  async function listen(): Promise<void> {
    for await (const { message } of requests) {
      if (!at && message.case !== 'hello') throw new HubError('invalid', 'hello comes first')
      switch (message.case) {
        case 'hello':
          await greet(message.value)
          break
        case 'want':
          answering.ask(message.value)
          break
        case 'verdict':
          if (!message.value.accepted) held = null
          deps.onVerdict(cluster, message.value)
          break
        case 'report':
          deps.onReport(cluster, message.value)
          break
        case 'evidence':
          evidenceLeft -= 1
          if (evidenceLeft >= 0) deps.onEvidence?.(enrolment, message.value)
          break
        case 'facts':
          deps.facts?.take(cluster, message.value)
          break
        case 'heartbeat':
          deps.onHeartbeat(cluster)
          break
        case 'renew':
          await renew(message.value)
          break
        case 'freshness':
          await sendFreshness(message.value.nonce, at!)
          break
        case 'dryRunAnswer':
          questions.take(message.value)
          break
        case 'receipt':
          deps.onReceipt?.(enrolment, message.value)
          break
        case undefined:
          break
      }
    }
    // An agent that only stopped speaking still gets what it asked for.
    await answering.idle()
  }

  const done = Promise.race([listen(), failed]).finally(() => {
    answering.end()
    questions.end()
  })
  const dryRun: Session['dryRun'] = async (asked, signal) => {
    if (asked.serviceAccount && !agent.features.has(dryRunAccount)) {
      const message = `the agent (${agent.version}) is too old to ask in the name of a ServiceAccount`
      throw new HubError('conflict', message)
    }
    return questions.ask(asked, signal)
  }
  return { cluster, notice, leave, dryRun, done }
}

/** @throws HubError `invalid`, `identity_refused` */
export async function checkHello(
  { protocol, clusterUid }: Hello,
  enrolment: Enrolment,
  deps: Pick<SessionDeps, 'identity'>,
): Promise<void> {
  if (protocol !== protocolVersion) {
    throw new HubError('invalid', `protocol ${protocol} is not spoken here`)
  }
  await deps.identity?.checkCluster(enrolment, clusterUid)
  if (clusterUid !== enrolment.clusterUid) {
    throw new HubError('identity_refused', 'this identity belongs to another cluster')
  }
}

export function welcomeOf(
  cluster: string,
  deps: Pick<SessionDeps, 'heartbeatSeconds' | 'reconnectWindowSeconds' | 'facts'>,
) {
  return {
    protocol: protocolVersion,
    cluster,
    heartbeatSeconds: deps.heartbeatSeconds,
    reconnectWindowSeconds: deps.reconnectWindowSeconds(),
    factsDigest: deps.facts?.known(cluster) ?? '',
  }
}

type ResponseMessage = NonNullable<MessageInitShape<typeof SyncResponseSchema>['message']>

function response(message: ResponseMessage): SyncResponse {
  return create(SyncResponseSchema, { message })
}
