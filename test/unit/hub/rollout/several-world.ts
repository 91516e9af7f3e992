import assert from 'node:assert/strict'
import { type Fault, HubError } from '../../../../hub/errors.ts'
import { findDependents } from '../../../../hub/fleet/resolve/dependents.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import type { Decision } from '../../../../hub/ledger/entry.ts'
import { foldEntry, type LedgerState, replay } from '../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import { createRollouts } from '../../../../hub/rollout/advance/advance.ts'
import { createDeciding } from '../../../../hub/rollout/decide/decide.ts'
import { type GateAnswer, wholeWave } from '../../../../hub/rollout/gate/gate-state.ts'
import { createHandovers } from '../../../../hub/rollout/handover/handover.ts'
import { explainClosed } from '../../../../hub/rollout/decide/open-clusters.ts'
import {
  type ClusterObservation,
  finalPhases,
  type Measurement,
  type RolloutAction,
} from '../../../../hub/rollout/rollout.ts'
import { createWithhold } from '../../../../hub/rollout/withhold/withhold.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../support/memory-rollouts.ts'
import { createAgents } from './several-agents.ts'
import { clusters, type Git, objectsOf, read } from './several-git.ts'
import { createJudge } from './several-judge.ts'
import { change, type Move, type Played } from './several-move.ts'

/* A whole hub that decides by what Git says of several applications, moves what it decided, and is replaced. */

/** What a hub may say to whoever asks for what does not fit, or while its disk fails. */
const expected = [
  'render_failed',
  'conflict',
  'not_found',
  'forbidden',
  'ledger_unwritable',
  'ledger_diverged',
  'plan_invalid',
]
/** Clusters that have joined when it begins. */
const joined = clusters.slice(0, 5)

interface Read {
  readonly fleet: Fleet | null
  readonly contents: Contents | null
}

export async function createSeveralHub(first: Git, removalGrace = 0) {
  let now = 1_000
  let ids = 0
  let answers: Extract<Move, { kind: 'answers' }>['as'] = 'good'
  const clock = () => now
  const disk = createMemoryLedger(clock)
  const written = disk.open()
  const store = createMemoryStore()
  const agents = createAgents()
  const commits: Git[] = [first]
  /** Clusters of which was told that what was kept from them is no more. */
  const released: string[] = []
  const judge = createJudge({ git: () => commits.at(-1)! })

  async function measure(_: unknown, { planned }: Measurement): Promise<GateAnswer> {
    if (answers === 'away') throw new Error('connection refused')
    if (planned.kind !== 'metric') {
      const verdict = answers === 'good' ? 'pass' : answers === 'bad' ? 'fail' : 'wait'
      return { kind: 'verdict', verdict, message: answers }
    }
    const values = answers === 'good' ? [0.5] : answers === 'bad' ? [7] : []
    return { kind: 'values', values: { [wholeWave]: values } }
  }

  let noting = Promise.resolve()
  /** What was written, also by a hub that died of it: each entry once, and before another hub begins. */
  async function noteAll(): Promise<void> {
    const before = noting
    const mine = async (): Promise<void> => {
      await before
      for await (const entry of written.read(judge.head)) judge.note(entry)
    }
    noting = mine()
    await noting
  }

  async function open() {
    const file = disk.open()
    const state: LedgerState = await replay(file.read())
    const since = now
    const ledger: typeof file = Object.assign(Object.create(file) as typeof file, {
      async append(actor: string, decisions: readonly Decision[]) {
        try {
          return await file.append(actor, decisions)
        } finally {
          await noteAll()
        }
      },
    })
    const opened = {
      ...{ file, ledger, state },
      /** What was read of Git in this life. */
      read: { fleet: null, contents: null } as Read,
    }
    const desired = (application: string, cluster: string) => {
      const made = opened.read.contents?.applications.get(application)
      if (made?.size) return made.get(cluster)?.digest ?? null
      return opened.read.fleet?.applications.has(application) === false ? null : undefined
    }
    const dependsOn = (application: string) => deciding.last.dependsOn(application)
    const withhold = createWithhold(() => opened.read.fleet, state, dependsOn, desired)
    const handovers = createHandovers({
      state,
      isFree: (application, cluster) => withhold(application, cluster, now) === null,
      settledAt: () => deciding.settledAt(),
      leavesAt: (application, cluster) => deciding.leavesAt(application, cluster),
      desired,
      released: (cluster) => void released.push(cluster),
    })
    const wakes = createMemoryWakes()
    const observe = (application: string, name: string): ClusterObservation => {
      const handover = handovers.look(application)
      const { fleet } = opened.read
      return {
        ...agents.observe(name, application, since),
        ...{ veto: null, refusal: null, awaits: handover.awaits(name) },
        ...(!handovers.isSettled() && { unsettled: true as const }),
        withheld: withhold(application, name, now) ?? handover.withheld(name),
        ...(fleet && { closed: explainClosed(fleet, state, name) }),
      }
    }
    const rollouts = createRollouts({
      ...{ ledger, state, store, wake: wakes, clock, measure, log: () => {} },
      observe: async (application, names) =>
        Object.fromEntries(names.map((name) => [name, observe(application, name)])),
      moved: (application) => {
        const others =
          (opened.read.fleet && findDependents(opened.read.fleet).get(application)) ?? []
        for (const other of new Set([...others, ...handovers.listTakers(application)])) {
          rollouts.notice(other).catch(() => {})
        }
      },
      assign: async () => {},
    })
    const deciding = createDeciding({
      ...{ state, rollouts, clock, offlineGrace: 30_000, removalGrace },
      connected: agents.isConnected,
      describe: async () => ({ author: 'Ada', subject: '' }),
      authors: async () => [],
      objectsOf: async (_, digest) => objectsOf(digest),
      async record(decision) {
        const entries = await ledger.append('git', [decision])
        for (const entry of entries) foldEntry(state, entry)
      },
      newId: () => `r${(ids += 1)}`,
    })
    return Object.assign(opened, { wakes, rollouts, deciding, handovers })
  }

  let hub: Awaited<ReturnType<typeof open>>
  /** What was told when it was decided last. */
  let faults: readonly Fault[] = []

  async function reopen(): Promise<void> {
    await noteAll()
    judge.reopened()
    hub = await open()
    await hub.rollouts.restore()
  }

  /** What it says against what it is asked is kept for whoever wants to know. */
  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    let isDone = true
    try {
      await work()
    } catch (error) {
      assert.ok(
        error instanceof HubError && expected.includes(error.code),
        String((error as Error).stack),
      )
      isDone = false
    }
    await rest()
    return isDone
  }

  /** What runs beside it: gates that are asked, applications that wait for others. */
  async function rest(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      if (hub.file.dead) await reopen()
      await new Promise(setImmediate)
    }
    if (hub.file.dead) await reopen()
  }

  /** Git is read, and decided on. */
  async function decide(): Promise<void> {
    hub.read = read(commits.at(-1)!)
    await attempt(async () => {
      judge.beginRound(hub.read.contents!)
      faults = await hub.deciding.decide(hub.read.fleet!, hub.read.contents!)
      hub.handovers.noteDecided()
    })
  }

  /** All that is known is acted on: nothing more follows from it. */
  async function settle(): Promise<void> {
    for (let turn = 0, before = -1; before !== hub.ledger.head; turn += 1) {
      assert.ok(turn < 40, 'it decides for ever')
      before = hub.ledger.head
      await decide()
      for (const name of hub.state.rolloutsOf.keys()) await attempt(() => hub.rollouts.notice(name))
      await attempt(() => hub.wakes.ring(now))
      await attempt(async () => hub.wakes.sweep())
    }
    judge.judgeRest(faults)
  }

  function idFor(application: string, isPlanned: boolean): string | undefined {
    const runs = [...(hub.state.rolloutsOf.get(application) ?? [])].map((id) =>
      hub.state.runs.get(id)!,
    )
    const active = runs.filter(({ phase }) => !finalPhases.has(phase))
    const found = active.filter(({ phase }) => (phase === 'Planned') === isPlanned).at(-1)
    return (found ?? active.at(-1) ?? runs.at(-1))?.id
  }

  async function act(one: Extract<Move, { kind: 'act' }>): Promise<void> {
    const id = idFor(one.application, one.action === 'begin')
    if (id === undefined) return
    const action: RolloutAction =
      one.action === 'skip'
        ? { kind: 'skip', cluster: one.cluster }
        : one.action === 'begin'
          ? { kind: 'start' }
          : { kind: one.action }
    judge.beginAct(one.application, id, action.kind)
    await attempt(() => hub.rollouts.act(id, action, one.actor, 'because'))
    judge.endAct()
  }

  /** `swell rollout start APPLICATION` */
  async function launch(application: string): Promise<void> {
    const { fleet, contents } = hub.read
    if (!fleet || !contents) return
    await attempt(async () => {
      const waiting = hub.deciding
        .active(application)
        .find((id) => hub.state.runs.get(id)?.phase === 'Planned')
      judge.beginAct(application, waiting ?? '', 'start')
      if (waiting) {
        await hub.rollouts.act(waiting, { kind: 'start' }, 'alice', 'because')
        return
      }
      const made = await hub.deciding.plan(fleet, contents, application, 'alice', 'because')
      if (made) await hub.deciding.create(made, { start: true, force: true })
    })
    judge.endAct()
  }

  async function perform(one: Move): Promise<void> {
    switch (one.kind) {
      case 'commit': {
        const next = one.edits.reduce(change, commits.at(-1)!)
        try {
          read(next)
        } catch (error) {
          // What is wrong with it is told, and what was before holds.
          assert.ok(error instanceof HubError && error.faults.length > 0, String(error))
          return
        }
        commits.push(next)
        return decide()
      }
      case 'revert':
        commits.push(commits.at(-1 - one.back) ?? commits[0]!)
        return decide()
      case 'act':
        return act(one)
      case 'launch':
        return launch(one.application)
      case 'release':
        judge.release(one.application)
        await attempt(async () => {
          if (!hub.state.holds.has(one.application)) return
          const decision = {
            type: 'hold.released',
            application: one.application,
            reason: '',
          } as const
          for (const entry of await hub.ledger.append('alice', [decision]))
            foldEntry(hub.state, entry)
        })
        return undefined
      case 'report':
        agents.report(hub, one.cluster, one.sick, now)
        return undefined
      case 'goOn':
        for (const name of clusters) agents.report(hub, name, null, now)
        now += one.ms
        return undefined
      case 'cut':
        agents.connect(one.cluster, false, now)
        return undefined
      case 'join':
        agents.connect(one.cluster, true, now)
        return undefined
      case 'enrol':
        return enrol(one.cluster)
      case 'pass':
        now += one.ms
        return undefined
      case 'answers':
        answers = one.as
        return undefined
      case 'flush':
        store.flush()
        return undefined
      case 'decide':
        return decide()
      case 'sweep':
        await attempt(async () => hub.wakes.sweep())
        return undefined
      case 'storm':
        await attempt(async () => {
          hub.wakes.sweep()
          const names = [...hub.state.rolloutsOf.keys()]
          await Promise.all([hub.wakes.ringAll(), ...names.map(hub.rollouts.notice)])
        })
        return undefined
      case 'crash':
        await reopen()
        return rest()
      case 'takeOver': {
        await settle()
        const before = disk.text()
        await reopen()
        await rest()
        await settle()
        const anew = disk.text().slice(before.length)
        // What a gate was answered may have been lost with a disk; it is asked again at once, not in its turn.
        if (anew.includes('"cause":"measured"')) return undefined
        assert.equal(anew, '', 'who takes over decides nothing anew')
        return undefined
      }
      case 'fail':
        hub.file.failNext = one.how
        return undefined
    }
  }

  async function enrol(cluster: string): Promise<void> {
    if (hub.state.enrolments.has(cluster)) return
    const enrolment = {
      cluster,
      clusterId: `id-${cluster}`,
      clusterUid: cluster,
      boundKey: '',
      enrolledAt: now,
    }
    await attempt(async () => {
      const entries = await hub.ledger.append('hub', [
        { type: 'cluster.enrolled', enrolment, tokenId: 't' },
      ])
      for (const entry of entries) foldEntry(hub.state, entry)
    })
  }

  await reopen()
  for (const name of joined) await enrol(name)
  await decide()

  return {
    async play(one: Played): Promise<void> {
      await perform(one)
      await rest()
      if (!one.still) await settle()
      assert.deepEqual(judge.found, [], 'what must not be')
    },
    perform,
    settle,
    text: disk.text,
    ...{ commits, released },
    get hub() {
      return hub
    },
    told: agents.told,
    /** What was told when it was decided last. */
    get faults() {
      return faults
    },
    calm(): void {
      store.away = false
      answers = 'good'
      hub.file.failNext = null
    },
    waitingFor: (id: string) => hub.rollouts.waitingFor(id),
  }
}

export type SeveralHub = Awaited<ReturnType<typeof createSeveralHub>>
