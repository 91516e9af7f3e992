import { createAgent } from '../../../agent/agent.ts'
import type { ApplicationState } from '../../../agent/observe/status.ts'
import type { TrustState } from '../../../agent/trust/state.ts'
import type { VerifiedSnapshot } from '../../../agent/trust/verified.ts'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { createFakeStreams } from '../../support/fake-streams.ts'
import { createManualClock, settle } from '../../support/manual-clock.ts'
import { createMemoryEvidence, createMemoryTrust } from '../../support/memory-stores.ts'
import { agentIdentity, createCheckingCache } from '../../support/signed-offer.ts'
import { rootOf } from '../../support/signing-key.ts'
import { until } from '../../support/until.ts'

export const blankTrust: TrustState = {
  root: new Uint8Array(),
  epoch: 1,
  sequence: 0,
  snapshotDigest: null,
  envelope: null,
}

export function applicationState(application: string, rest: Partial<ApplicationState> = {}) {
  return {
    application,
    manifestDigest: null,
    generation: 1,
    phase: 'Applied',
    health: 'Current',
    objects: 1,
    readyObjects: 1,
    unhealthy: [],
    errors: [],
    drift: [],
    driftedObjects: 0,
    healed: 0,
    ...rest,
  } satisfies ApplicationState
}

/** A whole agent but for its cluster, its wire and its clock, which the test plays. */
export function createAgentWorld(key: SigningKey, first: TrustState = blankTrust) {
  const clock = createManualClock()
  const trust = createMemoryTrust(first)
  const content = createCheckingCache()
  const evidence = createMemoryEvidence()
  const hub = createFakeStreams()
  const life = new AbortController()
  const states = new Map<string, ApplicationState>()
  const reconciled: { snapshot: VerifiedSnapshot; signal: AbortSignal; saves: number }[] = []
  const logged: string[] = []
  const say = (_: object, message: string) => void logged.push(message)
  const world = {
    clock,
    trust,
    content,
    evidence,
    hub,
    states,
    reconciled,
    logged,
    /** How long a reconcile takes. */
    reconciling: Promise.resolve(),
    /** What a reconcile does at once. */
    onReconcile: () => {},
    random: 0.5,
    change(...changed: ApplicationState[]) {
      for (const state of changed) states.set(state.application, state)
      agent.onChange(changed)
    },
    run: () => agent.run(life.signal),
    isReady: () => agent.isReady(),
    stop: () => life.abort(new Error('stopped')),
  }
  const agent = createAgent({
    identity: agentIdentity,
    root: rootOf('f', key),
    trust,
    content,
    evidence,
    workloads: {
      async reconcile(snapshot, signal) {
        reconciled.push({ snapshot, signal, saves: trust.saves })
        world.onReconcile()
        await world.reconciling
      },
      states: () => [...states.values()],
    },
    dial: () => hub.dial(),
    decompress: async (bytes) => bytes,
    facts: () => ({ kubernetesVersion: '1.35', nodes: 3 }),
    version: '1.0',
    clock: clock.now,
    monotonic: clock.now,
    random: () => world.random,
    nonce: () => Buffer.alloc(32, 1),
    sleep: (ms, signal) => clock.sleep(ms, signal).catch(() => {}),
    every(ms, run) {
      const stop = new AbortController()
      const beat = async () => {
        while (!stop.signal.aborted) {
          await clock.sleep(ms, stop.signal)
          run()
        }
      }
      beat().catch(() => {})
      return () => stop.abort(new Error('enough'))
    },
    log: { info: say, warn: say, error: say },
  })
  return world
}

export type World = ReturnType<typeof createAgentWorld>

/** Signatures are checked off the event loop, so what follows them is awaited, not counted in turns. */
export const soon = { deadlineMs: 5_000, intervalMs: 1 } as const

export const untilDialled = ({ hub }: World): Promise<unknown> =>
  until(() => hub.streams.length > 0, { ...soon, what: 'a stream' })

/** Runs an agent for the length of `body`, connected and welcomed. */
export async function runConnected(world: World, body: (world: World) => Promise<void>) {
  const running = world.run()
  try {
    await untilDialled(world)
    world.hub.last().welcome()
    await settle()
    await body(world)
  } finally {
    world.stop()
    await running
  }
}
