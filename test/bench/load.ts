import { createTimeBound } from '@groundswell/proto/v8.ts'
import { randomBytes, randomUUID } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { createWorkloads } from '../../agent/apply/workloads.ts'
import { type Workloads, createAgent } from '../../agent/agent.ts'
import { systemClock } from '../../agent/cluster/clock.ts'
import { type Enrolled, enrol } from '../../agent/link/enrol.ts'
import { decompressZstd, dial, dialEnrolment } from '../../agent/link/grpc.ts'
import { noKeys } from '../../agent/secrets/keys.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import { type MemoryCluster, createMemoryCluster } from '../support/memory-cluster.ts'
import { createMemoryTrust } from '../support/memory-stores.ts'
import { type FromLoad, type Storm, type ToLoad, parseLoadFidelity } from './load-process.ts'
import { createSharedPacks } from './shared-packs.ts'
import { createSharedCaches, createStubWorkloads } from './stub-workloads.ts'
import { createTurns } from './turns.ts'

/* The load's process: real agents on clusters of memory (fidelity B), or with a stub in a cluster's
   place (C), told what to do by the benchmark. */

const fidelity = parseLoadFidelity(process.argv[2])
const createCache = createSharedCaches()
const decompress = fidelity === 'C' ? createSharedPacks(decompressZstd) : decompressZstd
const inTurn = createTurns(({ message }) => {
  if (message.case !== 'heartbeat' && message.case !== 'freshness') messages += 1
})

/** Cluster and application → digest of the manifest the agent verified and then applied. */
const applied = new Map<string, string>()
/** Sent to the hub, but for those that time alone brings. */
let messages = 0
let warnings = 0
let lastWarning = ''
const sockets = new Set<Socket>()
/** Of sockets that are closed. */
const before = { received: 0, sent: 0 }
const clusters: MemoryCluster[] = []
const stubs: ReturnType<typeof createStubWorkloads>[] = []
/** Enrolments at a time: enough that neither side waits for the other, nor both for the disk. */
const lanes = 64
const enrolAgainMs = 2_000

/* Every TCP connection of this process: bytes are counted below TLS, as they came. */
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  sockets.add(socket)
  socket.once('close', () => {
    before.received += socket.bytesRead
    before.sent += socket.bytesWritten
    sockets.delete(socket)
  })
})

function countBytes(): { bytesReceived: number; bytesSent: number } {
  const open = [...sockets]
  return {
    bytesReceived: open.reduce((sum, socket) => sum + socket.bytesRead, before.received),
    bytesSent: open.reduce((sum, socket) => sum + socket.bytesWritten, before.sent),
  }
}

function countWrites(): number {
  const writes = clusters.map(({ calls }) =>
    calls.filter((call) => !/^(get|list|watch) /.test(call)),
  )
  const stood = stubs.reduce((sum, stub) => sum + stub.countWrites(), 0)
  return writes.reduce((sum, calls) => sum + calls.length, stood)
}

async function startAgent(hub: string, token: string): Promise<void> {
  const clusterUid = randomUUID()
  const key = await createAgentKey()
  const attempt = (): Promise<Enrolled> =>
    enrol(token, clusterUid, key, 'bench', (pin) => dialEnrolment(hub, pin))
  // Like any agent: a hub that ten thousand join at once may not manage the first time.
  const enrolled = await attempt()
    .catch(() => wait(enrolAgainMs).then(attempt))
    .catch(() => wait(enrolAgainMs).then(attempt))
  void runAgent(enrolled, clusterUid)
}

async function runAgent(enrolled: Enrolled, clusterUid: string): Promise<void> {
  const { identity } = enrolled
  const warn = (fields: object, message: string): void => {
    warnings += 1
    lastWarning = `${identity.cluster}: ${message} ${JSON.stringify(fields)}`
  }
  const onChange: Parameters<typeof createStubWorkloads>[0] = (states) => agent.onChange(states)
  const stub = fidelity === 'C' ? createStubWorkloads(onChange) : undefined
  if (stub) stubs.push(stub)
  const workloads = stub ?? createMemoryWorkloads(clusterUid, identity.clusterId, onChange)
  const agent = createAgent({
    identity,
    root: enrolled.root.statement,
    trust: createMemoryTrust({
      root: enrolled.root.envelope,
      epoch: enrolled.root.statement.epoch,
      sequence: 0,
      snapshotDigest: null,
      envelope: null,
    }),
    content: createCache(),
    workloads: watchApplied(identity.cluster, workloads),
    dial: () => inTurn(dial(enrolled.endpoint)),
    decompress,
    facts: () => ({ kubernetesVersion: 'v0.0.0-memory', nodes: 1 }),
    version: 'bench',
    clock: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    nonce: () => randomBytes(32),
    sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
    every(ms, run) {
      const timer = setInterval(run, ms)
      return () => clearInterval(timer)
    },
    log: { info: () => {}, warn, error: warn },
  })
  await agent.run(new AbortController().signal)
}

function createMemoryWorkloads(
  uid: string,
  clusterId: string,
  onChange: Parameters<typeof createStubWorkloads>[0],
): Workloads {
  const cluster = createMemoryCluster({ uid })
  clusters.push(cluster)
  return createWorkloads({
    cluster,
    clusterId,
    keys: noKeys,
    clock: systemClock,
    within: createTimeBound(50),
    random: Math.random,
    log: () => {},
    onChange,
  })
}

/** Only what passed verification reaches a reconcile, so what was applied here was verified. */
function watchApplied(name: string, workloads: Workloads): Workloads {
  return {
    states: () => workloads.states(),
    async reconcile(snapshot, signal) {
      await workloads.reconcile(snapshot, signal)
      for (const application of snapshot.applications) {
        const state = workloads
          .states()
          .find(({ application: known }) => known === application.name)
        if (application.state === 'present' && state?.phase === 'Applied') {
          applied.set(`${name} ${application.name}`, application.manifestDigest)
        }
      }
    },
  }
}

async function join(hub: string, tokens: readonly string[]): Promise<void> {
  const open = tokens.values()
  const joinNext = async (): Promise<void> => {
    for (const token of open) await startAgent(hub, token)
  }
  await Promise.all(Array.from({ length: lanes }, joinNext))
}

async function storm({ perSecond, seconds, run }: Storm): Promise<void> {
  const turns = perSecond * seconds
  const start = performance.now()
  for (let turn = 1; turn <= turns; turn += 1) {
    const words = turn === turns ? `run ${run}, last` : `run ${run}, turn ${turn}`
    for (const stub of stubs) stub.unrest(words)
    await wait(Math.max(0, start + (turn * 1_000) / perSecond - performance.now()))
  }
}

async function answer(message: ToLoad): Promise<FromLoad> {
  switch (message.kind) {
    case 'join':
      await join(message.hub, message.tokens)
      return { kind: 'joined' }
    case 'storm':
      await storm(message)
      return { kind: 'stormed' }
    case 'count': {
      const verified = [...applied.values()].filter((digest) => digest === message.digest).length
      const cpu = process.cpuUsage()
      return {
        kind: 'counted',
        verified,
        ...countBytes(),
        messages,
        writes: countWrites(),
        cpuMicros: cpu.user + cpu.system,
        warnings,
        lastWarning,
      }
    }
  }
}

process.on('message', (message: ToLoad) => {
  answer(message).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ kind: 'failed', message: String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
