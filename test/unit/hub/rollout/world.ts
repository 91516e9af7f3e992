import { digestOf } from '@groundswell/proto/digest.ts'
import type { GateAnswer } from '../../../../hub/rollout/gate/gate-state.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterObservation,
  Content,
  PlannedWave,
  RolloutAction,
  RolloutEvent,
  RolloutPlan,
  RolloutTarget,
} from '../../../../hub/rollout/rollout.ts'
import { step } from '../../../../hub/rollout/step/step.ts'

export const good: Content = { digest: digestOf('new'), size: 10, revision: 'main@sha1:new' }
export const old: Content = { digest: digestOf('old'), size: 9, revision: 'main@sha1:old' }

export function target(previous: Content | null = old, content: Content = good): RolloutTarget {
  return { ...content, previous }
}

export function wave(name: string, clusters: readonly string[], rest: Partial<PlannedWave> = {}) {
  return {
    name,
    clusters,
    maxConcurrent: 100,
    maxFailures: 0,
    soak: 0,
    progressDeadline: 60_000,
    before: [],
    after: [],
    ...rest,
  } satisfies PlannedWave
}

export function plan(waves: readonly PlannedWave[], rest: Partial<RolloutPlan> = {}): RolloutPlan {
  const names = waves.flatMap(({ clusters }) => clusters)
  return {
    id: 'r1',
    application: 'shop',
    revision: good.revision,
    contentDigest: digestOf('content'),
    createdAt: 0,
    trigger: { kind: 'commit', actor: 'git', reason: 'new commit' },
    targets: Object.fromEntries(names.map((name) => [name, target()])),
    waves,
    maxFailures: 1_000,
    onFailure: 'pause',
    offline: 'skip',
    supersede: 'replace',
    ...rest,
  }
}

export function idle(since = 0): ClusterObservation {
  return { connected: true, since, refusal: null, application: null }
}

export function away(since: number): ClusterObservation {
  return { connected: false, since, refusal: null, application: null }
}

export function reports(
  content: Content,
  generation: number,
  rest: Partial<NonNullable<ClusterObservation['application']>> = {},
): ClusterObservation {
  const removed = content.digest === null
  return {
    ...idle(),
    application: {
      digest: content.digest,
      generation,
      phase: removed ? 'Removed' : 'Applied',
      health: removed ? 'NotFound' : 'Current',
      message: '',
      ...rest,
    },
  }
}

/** Drives one rollout by hand; generation is the number of the step. */
export function drive(planned: RolloutPlan) {
  let run = createRun(planned)
  let generation = 0
  let last: ReturnType<typeof step> | undefined
  const seen: Record<string, ClusterObservation> = {}
  for (const name of Object.keys(planned.targets)) seen[name] = idle()
  function take(event: RolloutEvent, now: number, setBy = 0) {
    generation += 1
    last = step(planned, run, event, seen, now, generation, setBy)
    run = last.run
    return last
  }
  return {
    seen,
    get run() {
      return run
    },
    get last() {
      return last!
    },
    get generation() {
      return generation
    },
    look: (now: number, setBy = 0) => take({ kind: 'observe' }, now, setBy),
    act: (action: RolloutAction, now = 0, actor = 'alice') =>
      take({ kind: 'action', action, actor, reason: 'why' }, now),
    /** Answers the question that is asked now, or the only one of this gate. */
    answer(answer: GateAnswer, now: number, gate?: string) {
      const asked = last!.measurements.filter((one) => gate === undefined || one.gate === gate)
      if (asked.length !== 1) throw new Error(`${asked.length} questions are asked`)
      const [{ gate: key, since, opening, round }] = asked as [(typeof asked)[0]]
      const question = { gate: key, since, round, ...(opening !== undefined && { opening }) }
      return take({ kind: 'measured', ...question, answer }, now)
    },
    take,
    /** As a run is that an earlier version of the hub wrote. */
    forgetGates() {
      const { gates: _, ...rest } = run
      run = rest as typeof run
    },
    outcomes: () =>
      Object.fromEntries(
        Object.entries(run.clusters).map(([name, progress]) => [
          name,
          progress.state === 'Done' ? progress.outcome : progress.state,
        ]),
      ),
  }
}
