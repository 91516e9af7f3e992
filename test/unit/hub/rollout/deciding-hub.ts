import type { Fault } from '../../../../hub/errors.ts'
import { foldEntry, replay } from '../../../../hub/ledger/replay.ts'
import { createRollouts } from '../../../../hub/rollout/advance/advance.ts'
import { createDeciding } from '../../../../hub/rollout/decide/decide.ts'
import {
  type Assignment,
  type ClusterObservation,
  type Content,
  finalPhases,
  type RolloutAction,
} from '../../../../hub/rollout/rollout.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../support/memory-rollouts.ts'
import { enrol } from '../status/known-world.ts'
import { fleetRevision, objects } from './decide-world.ts'

/* A hub that decides by what Git asks and moves what it decided: one application, a canary wave and the rest. */

const clusters = ['c0', 'c1', 'c2'] as const
type Cluster = (typeof clusters)[number]
/** What Git asks of each cluster. */
export type Asked = Readonly<Record<Cluster, Content>>

const api = 'apiVersion: groundswell.dev/v1alpha1'

function fleetOf(
  strategy: string,
  before: string,
  declares = true,
  suspended: Cluster[] = [],
  waves = `{ name: canary, clusters: [c0], before: ${before}, after: [{ soak: 4s }] }, { name: rest, clusters: [c1, c2], maxConcurrent: 1 }`,
) {
  const documents = [
    ...clusters.map(
      (name) =>
        `kind: Cluster\nmetadata: { name: ${name} }\nspec: { suspend: ${suspended.includes(name)} }`,
    ),
    `kind: RolloutStrategy\nmetadata: { name: s }\nspec: { ${strategy}, waves: [${waves}] }`,
    'kind: Application\nmetadata: { name: shop }\nspec: { source: { path: shop }, rolloutStrategy: s, targets: [{ clusterSelector: {} }] }',
  ].slice(0, declares ? undefined : -1)
  const bytes = Buffer.from(documents.map((text) => `${api}\n${text}\n`).join('---\n'))
  return loadFleet(fleetRevision, [{ path: 'fleet.yaml', bytes }])
}

/**
 * @param strategy what else it says, as in a file
 * @param before gates of the canary wave
 * @param failing content that is well nowhere
 */
export async function createDecidingHub(strategy: string, before = '[]', failing?: Content) {
  let now = 1_000
  let ids = 0
  const clock = () => now
  const disk = createMemoryLedger(clock)
  let bad = failing
  const running = new Map<string, Assignment>()
  const well = new Set<string>()
  /** Each content that a cluster was ever told to run, oldest first. */
  const told: [string, Content['digest']][] = []

  async function open() {
    const ledger = disk.open()
    const state = await replay(ledger.read())
    enrol(state, ...clusters)
    const wake = createMemoryWakes()
    const rollouts = createRollouts({
      ...{ ledger, state, wake, clock, store: createMemoryStore(), log: () => {} },
      measure: async () => ({ kind: 'unanswered', message: 'nobody' }),
      observe: async (_, names) => Object.fromEntries(names.map((name) => [name, observe(name)])),
      async assign(assignments) {
        for (const one of assignments) {
          if ((running.get(one.cluster)?.generation ?? 0) >= one.generation) continue
          running.set(one.cluster, one)
          well.delete(one.cluster)
          told.push([one.cluster, one.digest])
        }
      },
    })
    const deciding = createDeciding({
      ...{ state, rollouts, clock, connected: () => true, offlineGrace: 30_000 },
      authors: async () => [],
      describe: async () => ({ author: 'Ada', subject: '' }),
      objectsOf: async () => objects(),
      async record(decision) {
        const entries = await ledger.append('git', [decision])
        for (const entry of entries) foldEntry(state, entry)
      },
      newId: () => `r${(ids += 1)}`,
    })
    await rollouts.restore()
    return { ledger, state, wake, rollouts, deciding }
  }

  const declared = fleetOf(strategy, before)
  let fleet = declared
  let contents: Contents = {
    ...{ applications: new Map(), faults: [], warnings: [], skipped: new Map() },
  }
  let hub = await open()

  function observe(name: string): ClusterObservation {
    const mine = running.get(name)
    const report = {
      ...{ health: 'Current' as const, message: '' },
      phase: phaseOf(mine?.digest),
      ...{ digest: mine?.digest ?? null, generation: mine?.generation ?? 0 },
    }
    const application = mine && well.has(name) ? report : null
    return { connected: true, since: 0, veto: null, closed: null, refusal: null, application }
  }

  function phaseOf(digest: Content['digest'] | undefined): 'Removed' | 'Failed' | 'Applied' {
    if (digest === null) return 'Removed'
    return digest !== undefined && digest === bad?.digest ? 'Failed' : 'Applied'
  }

  /** As whenever a rollout has ended. */
  async function decide() {
    let faults: readonly Fault[] = []
    const countEnded = () =>
      [...hub.state.runs.values()].filter((run) => finalPhases.has(run.phase))
    for (let before = -1; before < countEnded().length;) {
      before = countEnded().length
      faults = await hub.deciding.decide(fleet, contents)
    }
    return faults
  }

  return {
    told,
    get state() {
      return hub.state
    },
    head: () => hub.ledger.head,
    /** @param left clusters that are left as they are */
    async commit(asked: Partial<Asked>, ...left: Cluster[]) {
      const shop = new Map(
        Object.entries(asked).filter(([name]) => !left.includes(name as Cluster)),
      )
      const skipped = new Map([['shop', new Set(left)]])
      contents = { ...contents, applications: new Map([['shop', shop]]), skipped }
      fleet = declared
      await decide()
    },
    /** It cannot be rendered. */
    async fail() {
      contents = { ...contents, applications: new Map(), skipped: new Map() }
      fleet = declared
      await decide()
    },
    /** Git declares the application no more. */
    async leave(...suspended: Cluster[]) {
      contents = { ...contents, applications: new Map(), skipped: new Map() }
      fleet = fleetOf(strategy, before, false, suspended)
      return decide()
    },
    /** The same, and its strategy has one wave by now. */
    async leaveTogether(...suspended: Cluster[]) {
      contents = { ...contents, applications: new Map(), skipped: new Map() }
      fleet = fleetOf(strategy, before, false, suspended, '{ name: all, selector: {} }')
      return decide()
    },
    /** Everybody is well, and so much time is over. */
    async goOn(ms: number) {
      for (const name of running.keys()) well.add(name)
      await hub.rollouts.notice('shop')
      now += ms
      await hub.wake.ring(now)
      await decide()
    },
    async act(id: string, kind: Exclude<RolloutAction['kind'], 'skip' | 'supersede'>) {
      const { run } = await hub.rollouts.act(id, { kind }, 'alice', 'because')
      await decide()
      return run.id
    },
    /** All content is well from here on. */
    mend: () => void (bad = undefined),
    /** It begins anew, with what is in its ledger. */
    async restart() {
      await hub.rollouts.close()
      hub = await open()
      await decide()
    },
    phases: () => [...hub.state.runs.values()].map(({ phase }) => phase).join(' '),
  }
}
