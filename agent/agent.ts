import { create } from '@bufbuild/protobuf'
import { features } from '@groundswell/proto/features.ts'
import { HelloSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toAgentError } from './errors.ts'
import { createBeginnings } from './link/beginnings.ts'
import type { Credentials, Renewed } from './link/credentials.ts'
import { createFactsTelling } from './link/facts.ts'
import { type Probation, createProbation } from './link/probation.ts'
import { createRedial } from './link/redial.ts'
import { passing } from './link/passing.ts'
import { type ReceivedOffer, type Session, openSession } from './link/session.ts'
import { toAuditHead } from './observe/report.ts'
import { type Evidence } from './trust/evidence.ts'
import { createReports } from './reports.ts'
import { createStanding } from './standing.ts'
import type { AuditFault } from './trust/state.ts'
import { judgeSuccession } from './trust/succession.ts'
import type { VerifiedSnapshot } from './trust/verified.ts'
import type { AgentDeps } from './deps.ts'

export type { AgentDeps, Log, Workloads } from './deps.ts'

/** After its start, when it looks whether its content is kept where it outlives the disk. */
const keepAfterMs = 5_000
/** How often the agent looks whether it is stale, and whether to ask. */
export const watchMs = 15_000

/**
 * The agent's whole life: go on with what was accepted, keep one stream to the hub, accept what
 * verifies, reconcile it, report. Losing the hub stops only the news.
 */
export function createAgent(deps: AgentDeps) {
  const standing = createStanding({ ...deps, onEquivocation: (found) => tellEvidence(found) })
  const redial = createRedial(deps)
  /** Of the hub at the other end, while its certificate says that this machine's clock may be wrong. */
  let probation: Probation | undefined
  const proven = (): Session | undefined => (probation?.open ? undefined : session)
  const reports = createReports({ ...deps, standing, session: proven })
  const beginnings = createBeginnings()
  const facts = createFactsTelling(deps.facts)
  let session: Session | undefined
  let connectedSince: number | null = null
  let isLoaded = false
  let reconciling: { readonly stop: AbortController; readonly done: Promise<void> } | undefined

  async function reconcile(snapshot: VerifiedSnapshot, signal: AbortSignal): Promise<void> {
    // Of two that waited for the same one to stop, the second has the first one to stop.
    for (let other = reconciling; other; other = reconciling) {
      other.stop.abort()
      await other.done
    }
    const stop = new AbortController()
    const startedAt = deps.clock()
    const either = AbortSignal.any([signal, stop.signal])
    const done = deps.workloads
      .reconcile(snapshot, either, standing.earlier())
      .then(() => deps.trace?.applied(snapshot, startedAt))
      .catch((error: unknown) => {
        if (!either.aborted) deps.log.error({ err: error }, 'reconcile failed')
      })
    const mine = {
      stop,
      done: done.finally(() => {
        // What has ended needs no stopping.
        if (reconciling === mine) reconciling = undefined
      }),
    }
    reconciling = mine
  }

  /** Fires when another agent was found to keep this cluster: of two, one must go. */
  const yielded = new AbortController()

  function yieldTo(error: unknown): void {
    deps.log.error({ err: error }, 'another agent runs on this cluster; stopping')
    yielded.abort(error)
  }

  // --- offers: one at a time, the newest only ---
  let offer: ReceivedOffer | undefined
  /** Refused as expired; looked at again when the time has been attested. */
  let expired: ReceivedOffer | undefined
  let accepting = false

  async function handleOffers(signal: AbortSignal): Promise<void> {
    if (accepting) return
    accepting = true
    try {
      while (offer && !signal.aborted) {
        const [offered, on] = [offer, session]
        if (!on) return
        offer = undefined
        await handleOffer(offered, on, signal)
      }
    } finally {
      accepting = false
    }
  }

  async function handleOffer(
    offered: ReceivedOffer,
    on: Session,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const [startedAt, before] = [deps.clock(), standing.current()]
      const place = standing.position()
      const accepted = await standing.accept(offered, on)
      deps.trace?.verified(accepted, before, startedAt)
      redial.proved()
      const { sequence } = accepted.snapshot
      const { missed, forked } = judgeSuccession(accepted.snapshot, place)
      deps.log.info({ sequence, ...(missed > 0 && { missed }) }, 'snapshot accepted')
      if (forked) {
        const words = 'the signer knows another snapshot before this one than was accepted here'
        deps.log.warn({ code: 'equivocation', sequence: sequence - 1 }, words)
      }
      reports.noteTold('')
      // Nothing more of the snapshot before is written, however long the hub takes to listen.
      reconciling?.stop.abort()
      if (reconciling) await tellAccepted(accepted, on)
      await reconcile(accepted, signal)
      await tellAccepted(accepted, on)
      await standing.sweep((await deps.workloads.kept?.()) ?? new Set())
    } catch (error) {
      const { code, message } = toAgentError(error)
      if (code === 'another_agent') return yieldTo(error)
      if (signal.aborted || code === 'hub_unreachable') return
      redial.failed(code)
      deps.log.warn({ code, err: error }, 'offer refused')
      await on.send({ case: 'verdict', value: verdictOf(false, code, message) }).catch(() => {})
      if (code === 'expired') expired = offered
      const retryMs = passing.get(code)
      if (retryMs === undefined) return
      await deps.sleep(retryMs, signal)
      offer ??= offered
    }
  }

  /** A report of the same snapshot has told it already: one message the less for a whole fleet. */
  async function tellAccepted({ digest }: VerifiedSnapshot, on: Session): Promise<void> {
    if (reports.told() === digest) return
    reports.noteTold(digest)
    await on.send({ case: 'verdict', value: verdictOf(true, '', '') }).catch(() => {})
  }

  function verdictOf(accepted: boolean, code: string, message: string) {
    const { epoch, sequence, snapshotDigest } = standing.position()
    const where = { epoch: BigInt(epoch), sequence: BigInt(sequence), snapshotDigest }
    return { ...where, accepted, code, message }
  }

  // --- trust: root statements, and the signer's word that this is the newest ---
  let wasStale = false

  async function takeRootChain(envelopes: readonly Uint8Array[]): Promise<void> {
    try {
      const { version } = await standing.adopt(envelopes)
      deps.log.info({ version }, 'root statement')
      noticeAuditFault()
    } catch (error) {
      const { code } = toAgentError(error)
      if (code === 'another_agent') return yieldTo(error)
      redial.failed(code)
      deps.log.warn({ code, err: error }, 'root statements refused')
    }
  }

  async function takeFreshness(envelope: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await standing.take(envelope)
      probation?.judge(standing.time())
      redial.proved()
      offer ??= expired
      expired = undefined
      noticeStale()
      noticeAuditFault()
      await handleOffers(signal)
    } catch (error) {
      const { code } = toAgentError(error)
      if (code === 'another_agent') return yieldTo(error)
      redial.failed(code)
      deps.log.warn({ code, err: error }, 'freshness refused')
      if (code === 'hub_untrusted') leave()
    }
  }

  /** Told when it is found and again on each stream: the hub may have lost it, or be another. */
  function tellEvidence({ accepted, refused }: Evidence): void {
    const value = { accepted: Uint8Array.from(accepted), refused: Uint8Array.from(refused) }
    session?.send({ case: 'evidence', value }).catch(() => {})
  }

  function askFreshness(): void {
    if (!session || !standing.due()) return
    const nonce = standing.ask()
    session.send({ case: 'freshness', value: { nonce } }).catch(() => {})
  }

  function noticeStale(): void {
    const stale = standing.stale()
    if (stale === wasStale) return
    wasStale = stale
    if (stale) deps.log.warn({}, 'stale: nobody vouches for what is here as the newest')
    else deps.log.info({}, 'fresh again')
    void reports.send(true)
  }

  let auditFaultTold: AuditFault | undefined

  function noticeAuditFault(): void {
    const { auditFault } = standing.witness()
    if (auditFault === auditFaultTold) return
    auditFaultTold = auditFault
    if (auditFault) deps.log.error({ auditFault }, "the hub's ledger is not what it was")
    void reports.send(true)
  }

  // --- the link: one stream after another ---
  let leave = (): void => {}

  async function talk(signal: AbortSignal): Promise<void> {
    redial.dialled()
    let stopRenewing = (): void => {}
    const { credentials } = deps
    let close = (): void => {}
    probation = undefined
    try {
      const stream = deps.dial()
      close = () => stream.close()
      leave = close
      signal.addEventListener('abort', close)
      const { epoch, sequence, rootVersion, snapshotDigest } = standing.position()
      const { auditHead } = standing.witness()
      const { kubernetesVersion, nodes } = deps.facts()
      session = openSession({
        stream,
        hello: create(HelloSchema, {
          protocol: 1,
          agentVersion: deps.version,
          features: [...features],
          clusterUid: deps.identity.clusterUid,
          rootVersion,
          nonce: Uint8Array.from(standing.greet()),
          epoch: BigInt(epoch),
          sequence: BigInt(sequence),
          snapshotDigest,
          ...(auditHead && { witnessed: toAuditHead(auditHead) }),
          facts: { kubernetesVersion, nodes, agentVersion: deps.version },
          certificateGeneration: BigInt(credentials?.generation() ?? 0),
        }),
        decompress: deps.decompress,
        beginnings,
        ...(deps.collect && { collect: deps.collect }),
        clock: deps.clock,
        monotonic: deps.monotonic,
        every: deps.every,
        onWelcome(welcome) {
          redial.welcomed(welcome.reconnectWindowSeconds)
          const on = session
          probation = createProbation(stream.doubtful?.(), () => {
            connectedSince = deps.clock()
            deps.log.info({ cluster: welcome.cluster }, 'connected to the hub')
            if (credentials) stopRenewing = keepRenewing(credentials)
            for (const found of standing.evidence()) tellEvidence(found)
            void reports.send(true)
            deps.receipts?.attach(on && ((message) => on.send(message)))
            facts.attach(on, welcome.factsDigest)
          })
          probation.judge(standing.time())
          if (!proven())
            deps.log.warn({}, "this machine's clock may be wrong: waiting for a signer's word")
        },
        onGoodbye({ reason, reconnectWindowSeconds }) {
          redial.dismissed(reconnectWindowSeconds)
          deps.log.info({ reason }, 'the hub says goodbye')
        },
        onOffer(received) {
          offer = received
          void handleOffers(signal)
        },
        onRootChain: (envelopes) => void takeRootChain(envelopes),
        onFreshness: (envelope) => void takeFreshness(envelope, signal),
        onDryRun(asked) {
          const on = proven()
          if (!on) return
          const answer = deps.dryRuns?.take(asked, signal)
          answer?.then((value) => on.send({ case: 'dryRunAnswer', value })).catch(() => {})
        },
        onRenewed: (renewed) => void (proven() && takeRenewed(renewed, close)),
      })
      await session.done
    } catch (error) {
      const { code, message } = toAgentError(error)
      redial.failed(code)
      if (!signal.aborted && !renewedNow) {
        deps.log.warn({ code }, `the stream to the hub ended: ${message}`)
        renewedNow = (await credentials?.failed(code).catch(logUnkept)) === true
      }
    } finally {
      stopRenewing()
      session = undefined
      deps.receipts?.attach(undefined)
      facts.attach(undefined)
      connectedSince = null
      signal.removeEventListener('abort', close)
    }
  }

  /** Set when there is a new certificate to go on with at once. */
  let renewedNow = false

  function keepRenewing(credentials: Credentials): () => void {
    void credentials.accepted().catch(logUnkept)
    return deps.every(credentials.checkEveryMs, () => {
      credentials
        .renewal()
        .then(async (value) => value && session?.send({ case: 'renew', value }))
        .catch(logUnkept)
    })
  }

  async function takeRenewed(renewed: Renewed, redial: () => void): Promise<void> {
    try {
      await deps.credentials?.renewed(renewed)
      renewedNow = true
      redial()
    } catch (error) {
      logUnkept(error)
    }
  }

  function logUnkept(error: unknown): void {
    if (toAgentError(error).code === 'another_agent') return yieldTo(error)
    deps.log.warn({ err: error }, 'the certificate could not be renewed; tried again later')
  }

  /** Told at once; what waited is taken up, and what is asked from now on waits. */
  async function takeHolds(signal: AbortSignal): Promise<void> {
    deps.log.info({ holds: deps.holds?.active() }, 'holds changed')
    void reports.send(true)
    const current = standing.current()
    if (current && !signal.aborted) await reconcile(current, signal)
  }

  /** Reads and packs all content, which must not make the start longer. */
  async function keepLater(signal: AbortSignal): Promise<void> {
    await deps.sleep(keepAfterMs, signal)
    if (!signal.aborted) await standing.keep()
  }

  /** @throws AgentError `another_agent` */
  async function run(asked: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([asked, yielded.signal])
    const { doubt } = await standing.load()
    isLoaded = true
    auditFaultTold = standing.witness().auditFault
    if (doubt !== undefined) deps.log.error({ doubt }, 'trust state in doubt')
    // What runs in the cluster stays; the hub is told the sequence and sends the newest again.
    const reopened = await standing.reopen().catch((error: unknown) => {
      deps.log.error({ err: error }, 'the accepted snapshot cannot be reopened')
      return null
    })
    if (reopened) await reconcile(reopened, signal)
    void keepLater(signal).catch(yieldTo)
    deps.holds?.listen(() => {
      takeHolds(signal).catch((error: unknown) => deps.log.error({ err: error }, 'holds'))
    })
    const stopWatching = deps.every(watchMs, () => {
      noticeStale()
      askFreshness()
    })
    while (!signal.aborted) {
      await talk(signal)
      if (renewedNow && !signal.aborted) {
        renewedNow = false
        continue
      }
      if (signal.aborted) break
      await deps.sleep(redial.delay(), signal)
    }
    stopWatching()
    reports.stop()
    reconciling?.stop.abort()
    await reconciling?.done
    if (yielded.signal.aborted) throw yielded.signal.reason
  }

  return {
    run,
    onChange: reports.onChange,
    /** What the cluster is may have changed. */
    noticeFacts: facts.notice,
    isReady: standing.isSettled,
    isVouched: standing.isVouched,
    /** Where it is, for people at the cluster; null until it has read what it knows. */
    where: () =>
      isLoaded ? { connectedSince, stale: standing.stale(), position: standing.position() } : null,
  }
}
