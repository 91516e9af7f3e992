import { createTimeBound } from '@groundswell/proto/v8.ts'
import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { type Verdict, VerdictSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { createAgent, watchMs } from '../../agent/agent.ts'
import { createWorkloads } from '../../agent/apply/workloads.ts'
import { systemClock } from '../../agent/cluster/clock.ts'
import { createDryRuns } from '../../agent/dry-run/dry-runs.ts'
import type { Hold } from '../../agent/hold/hold.ts'
import { createHolds } from '../../agent/hold/holds.ts'
import { createAddresses } from '../../agent/link/addresses.ts'
import { enrol } from '../../agent/link/enrol.ts'
import { decompressZstd, dial, dialEnrolment } from '../../agent/link/grpc.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import type { Identity, TrustStore } from '../../agent/trust/state.ts'
import type { RecordSpan } from '@groundswell/proto/trace.ts'
import { createTrace } from '../../agent/trace.ts'
import { noKeys } from '../../agent/secrets/keys.ts'
import { createReceipts } from '../../agent/receipts.ts'
import { verifyRoot } from '../../agent/trust/verify.ts'
import type { HubProcess } from './hub-process.ts'
import { type MemoryCluster, createMemoryCluster } from './memory-cluster.ts'
import { createMemoryCache, createMemoryEvidence, createMemoryTrust } from './memory-stores.ts'
import { payloadDigest } from './signed-offer.ts'
import { type TappedStream, tapStream } from './tapped-stream.ts'
import { until } from './until.ts'

/** Real agent code and a real stream in this process; only the API server is made up. */
export interface MemoryAgent extends AsyncDisposable {
  readonly name: string
  readonly identity: Identity
  readonly cluster: MemoryCluster
  /** What it has written down; it outlives `stop`. */
  readonly trust: TrustStore
  /** What it dials with, for those who would misuse it. */
  readonly endpoint: {
    readonly port: number
    readonly key: string
    readonly cert: string
    readonly ca: string
  }
  /** What it warned of, newest last. */
  readonly warnings: readonly string[]
  /** Offers as somebody in the middle of its stream; resolves with the agent's answer. */
  offerForged(envelope: Uint8Array, approvals?: readonly Uint8Array[]): Promise<Verdict>
  /** The envelope that the hub offered last. */
  lastOffer(): Uint8Array | undefined
  /** Somebody at the cluster has updates wait; undefined releases them. */
  hold(hold: Hold | undefined): void
  /** So much more time has passed by its own clock; it looks at it once a second. */
  passTime(ms: number): void
  /** What its cluster is has changed; it tells the hub. */
  become(facts: MemoryFacts): void
  /** The agent ends; cluster, content and trust state stay. */
  stop(): Promise<void>
  /** It runs again, from what it has written down. */
  start(): Promise<void>
}

export interface MemoryFacts {
  readonly kubernetesVersion: string
  readonly apis?: readonly string[]
}

export interface MemoryAgentOptions {
  /** What its cluster is; without it, something that no hub takes. */
  readonly facts?: MemoryFacts
  /** Hubs to dial in turn, beginning with the first; without them, where the hub says. */
  readonly hubs?: readonly HubProcess[]
  /** A join token that somebody else made; without it, one that needs no approval is made. */
  readonly token?: string
  /** One that another agent had before; without it, a new one. */
  readonly cluster?: MemoryCluster
  /** Each offer as it comes. */
  readonly onOffer?: (envelope: Uint8Array) => void
  /** Where its spans go. */
  readonly record?: RecordSpan
}

/** Joins a cluster to the hub with a fresh token; returns when the hub sees it connected. */
export async function startMemoryAgent(
  hub: HubProcess,
  name: string,
  options: MemoryAgentOptions = {},
): Promise<MemoryAgent> {
  const cluster = options.cluster ?? createMemoryCluster({ uid: randomUUID() })
  const uid = await cluster.uid(new AbortController().signal)
  const token = options.token ?? (await makeToken(hub, name))
  let facts: MemoryFacts = options.facts ?? { kubernetesVersion: 'v0.0.0-memory' }
  let noticeFacts = (): void => {}
  const enrolled = await enrol(token, uid, await createAgentKey(), 'memory', (pin) =>
    dialEnrolment(hub.enrolAddress, pin),
  )
  const warnings: string[] = []
  const warn = (fields: object, message: string): void => {
    warnings.push(`${message} ${JSON.stringify(fields)}`)
  }
  const trust = createMemoryTrust({
    root: enrolled.root.envelope,
    epoch: enrolled.root.statement.epoch,
    sequence: 0,
    snapshotDigest: null,
    envelope: null,
  })
  const [content, evidence] = [createMemoryCache(), createMemoryEvidence()]
  const hubs = options.hubs?.map(({ dataAddress }) => dataAddress).join() ?? ''
  const addresses = createAddresses(() => 0)
  let stream: TappedStream | undefined
  /** Whoever waits for the next verdict. */
  let answered: (verdict: Verdict) => void = () => {}
  /** Digest of a forgery on offer: a report of it is an acceptance too. */
  let forged: string | undefined
  let told = ''
  let lastOffer: Uint8Array | undefined
  let end: () => Promise<void> = async () => {}
  let passed = 0
  let hold: Hold | undefined
  const kept: { envelopes: readonly Uint8Array[] } = { envelopes: [] }

  async function start(): Promise<void> {
    const every = (ms: number, run: () => void) => {
      const timer = setInterval(run, ms === watchMs ? 1_000 : Math.min(ms, 200))
      return () => clearInterval(timer)
    }
    const receipts = createReceipts({
      identity: enrolled.identity,
      key: createPrivateKey(enrolled.boundKey),
      clock: Date.now,
    })
    const holds = createHolds({ sources: [{ current: () => hold }], clock: Date.now, every })
    const workloads = createWorkloads({
      isHeld: holds.isHeld,
      isVouched: () => agent.isVouched(),
      onApplied: receipts.note,
      cluster,
      clusterId: enrolled.identity.clusterId,
      formerIds: enrolled.formerIds,
      keys: noKeys,
      clock: systemClock,
      within: createTimeBound(50),
      random: Math.random,
      log: () => {},
      onChange: (states) => agent.onChange(states),
    })
    const { record } = options
    const agent = createAgent({
      ...(record && { trace: createTrace(record, Date.now) }),
      identity: enrolled.identity,
      root: await verifyRoot((await trust.load()).root),
      trust,
      content,
      evidence,
      holds,
      receipts,
      dryRuns: createDryRuns({
        cluster,
        clusterId: enrolled.identity.clusterId,
        monotonic: () => performance.now(),
        timeout: (ms) => AbortSignal.timeout(ms),
      }),
      kept: {
        load: async () => kept.envelopes,
        save: async (envelopes) => void (kept.envelopes = envelopes),
      },
      workloads,
      dial() {
        const address = addresses.next(options.hubs ? hubs : enrolled.endpoint.address)
        stream = tapStream(dial(enrolled.endpoint, { address }), (message) => {
          if (message.case === 'verdict') answered(message.value)
          if (message.case === 'report') {
            const { snapshotDigest } = message.value
            // What it had before is no answer.
            if (snapshotDigest === forged && snapshotDigest !== told) {
              answered(create(VerdictSchema, { accepted: true }))
            }
            told = snapshotDigest
          }
          if (message.case !== 'offer') return
          lastOffer = message.value.envelope
          options.onOffer?.(lastOffer)
        })
        return stream
      },
      decompress: decompressZstd,
      facts: () => ({ ...facts, nodes: 1 }),
      version: 'memory',
      clock: Date.now,
      monotonic: () => performance.now() + passed,
      random: Math.random,
      nonce: () => randomBytes(32),
      sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
      every(ms, run) {
        const timer = setInterval(run, ms === watchMs ? 1_000 : ms)
        return () => clearInterval(timer)
      },
      log: { info: () => {}, warn, error: warn },
    })
    noticeFacts = agent.noticeFacts
    const stop = new AbortController()
    const running = agent.run(stop.signal)
    end = async () => {
      stop.abort()
      await running
      holds.close()
      await workloads.close()
      end = async () => {}
    }
    await until(
      async () => {
        const view = await hub.api.get<{ connection: { state: string } }>(`clusters/${name}`)
        return view.connection.state === 'Connected'
      },
      { deadlineMs: 20_000, what: `agent ${name} to connect` },
    )
  }

  await start()
  return {
    name,
    identity: enrolled.identity,
    cluster,
    trust,
    endpoint: {
      port: Number(enrolled.endpoint.address.split(':').at(-1)),
      key: enrolled.endpoint.key,
      cert: enrolled.endpoint.certificateChain,
      ca: enrolled.endpoint.hubCa,
    },
    warnings,
    lastOffer: () => lastOffer,
    offerForged: (envelope, given = []) =>
      new Promise((resolve) => {
        answered = resolve
        forged = payloadDigest(envelope)
        const approvals = given.map((approval) => Uint8Array.from(approval))
        stream?.say({ case: 'offer', value: { envelope: Uint8Array.from(envelope), approvals } })
      }),
    hold: (next) => void (hold = next),
    passTime: (ms) => void (passed += ms),
    become(next) {
      facts = next
      noticeFacts()
    },
    start,
    stop: () => end(),
    [Symbol.asyncDispose]: () => end(),
  }
}

/**
 * Waits until all of them have something: who joined last may still wait for a rollout of its own
 * when the first has succeeded.
 */
export async function untilAllHave(text: string, texts: () => readonly unknown[]): Promise<void> {
  await until(() => texts().every((found) => found === text), {
    deadlineMs: 30_000,
    what: `all to have ${text}`,
  })
}

async function makeToken(hub: HubProcess, name: string): Promise<string> {
  const made = await hub.api.post<{ token: string }>(`clusters/${name}/tokens`, {
    preApproved: true,
  })
  return made.token
}
