import { HubError } from '../../errors.ts'
import { type Draft, finish, type Moment, takeBackUnsent } from './draft.ts'
import { isFailure } from './failure.ts'
import { currentGate, currentSide, findGate, judgeAuthor } from '../gate/gate.ts'
import { gateKey } from '../gate/gate-state.ts'
import { type GatePlace, gatesOf } from '../gate/planned-gate.ts'
import { failedGates, findObstacle } from './obstacle.ts'
import { waitAgain } from './outcome.ts'
import { startWaiting } from '../gate/wave-gates.ts'
import { beginRollback } from './rollback.ts'
import {
  type ApproveAction,
  finalPhases,
  type RolloutEvent,
  type RolloutPhase,
  type RolloutPlan,
  type RolloutRun,
} from '../rollout.ts'

/** How the message of a run begins that a person paused. */
const pausedByPerson = 'paused by '

/** Whether a person paused it, whatever failed before or since. */
export function isStopped({ phase, message }: Pick<RolloutRun, 'phase' | 'message'>): boolean {
  return phase === 'Paused' && message.startsWith(pausedByPerson)
}

type ActionEvent = Extract<RolloutEvent, { kind: 'action' }>

/**
 * Does what an operator asked. Asking twice for what is already so changes nothing.
 *
 * @throws HubError `conflict` when the rollout is in no state for it, saying why.
 */
export function act(draft: Draft, run: RolloutRun, event: ActionEvent, moment: Moment): void {
  const { action, actor, reason } = event
  const said = reason === '' ? actor : `${actor}: ${reason}`
  const by = `by ${said}`
  switch (action.kind) {
    case 'start':
      if (run.startedAt !== null && (run.phase === 'Progressing' || run.phase === 'RollingBack'))
        return
      demand(moment.plan, run, ['Planned'], 'be started')
      draft.phase = 'Progressing'
      draft.startedAt = moment.now
      draft.startedBy = action.madeBy === undefined ? [actor] : [actor, action.madeBy]
      return
    case 'approve':
      approve(draft, run, event, action, moment)
      return
    case 'promote':
      promote(draft, run, by, action.at, moment)
      return
    case 'pause':
      if (isStopped(run)) return
      demand(moment.plan, run, ['Progressing', 'Paused'], 'be paused')
      draft.message = `${pausedByPerson}${said}`
      // What a failure stopped may be gone past by what Git asks next; what a person stopped may not.
      if (run.phase === 'Paused') draft.message += `, after it was ${run.message}`
      draft.phase = 'Paused'
      return
    case 'resume':
      if (run.phase === 'Progressing') return
      demand(moment.plan, run, ['Paused'], 'be resumed')
      resume(draft, moment)
      return
    case 'abort':
      if (run.phase === 'Aborted') return
      demand(moment.plan, run, ['Planned', 'Progressing', 'Paused', 'RollingBack'], 'be aborted')
      finish(draft, moment, 'Aborted', `aborted ${by}`)
      return
    case 'rollback':
      if (run.phase === 'RollingBack' || run.phase === 'RolledBack') return
      demand(
        moment.plan,
        run,
        ['Progressing', 'Paused', 'Succeeded', 'Failed', 'Aborted'],
        'be rolled back',
      )
      beginRollback(draft, moment, `asked for ${by}`)
      return
    case 'retry':
      demand(moment.plan, run, ['Progressing', 'Paused'], 'be retried')
      retry(draft, run, moment)
      return
    case 'skip':
      demand(moment.plan, run, ['Planned', 'Progressing', 'Paused'], 'skip a cluster')
      skip(draft, action.cluster, by, moment)
      return
    case 'supersede':
      if (finalPhases.has(run.phase)) return
      finish(draft, moment, 'Superseded', describeSuccessor(action.by, reason))
      return
  }
}

function describeSuccessor(by: string, reason: string): string {
  switch (by) {
    case 'git':
      return 'superseded: Git asks for it no more'
    case 'groundswell':
      return `superseded: ${reason}`
    default:
      return `superseded by rollout ${by}`
  }
}

function demand(
  plan: RolloutPlan,
  run: RolloutRun,
  phases: readonly RolloutPhase[],
  what: string,
): void {
  if (phases.includes(run.phase)) return
  throw new HubError(
    'conflict',
    `rollout ${run.id} is ${run.phase} and cannot ${what}: ${advise(plan, run)}`,
  )
}

/** What can be done with a rollout in a phase that allows not all. */
function advise(plan: RolloutPlan, run: RolloutRun): string {
  const { id, phase, message, startedAt } = run
  const { application } = plan
  const again = `it is over; \`swell rollout start ${application}\` tries it again`
  switch (phase) {
    case 'Planned':
      return `\`swell rollout begin ${id}\` starts it`
    case 'Paused':
      return findObstacle(plan, run)?.advice ?? `\`swell rollout resume ${id}\` lets it go on`
    case 'Progressing':
    case 'RollingBack':
      return `\`swell rollout why ${id}\` says what it waits for`
    case 'Succeeded':
      return `it is over; \`swell rollout rollback ${id}\` gives back what ran before`
    case 'Failed':
    case 'Aborted':
      // One that never began has nothing to give back.
      if (startedAt === null) return again
      return `${again}, \`swell rollout rollback ${id}\` gives back what ran before`
    case 'RolledBack':
      return `it is over; revert the commit, or have it tried again by \`swell rollout start ${application}\``
    case 'Superseded':
      return `it is over, ${message}`
  }
}

function approve(
  draft: Draft,
  run: RolloutRun,
  event: ActionEvent,
  { roles, names = [], madeBy, at }: ApproveAction,
  moment: Moment,
): void {
  demand(moment.plan, run, ['Progressing', 'Paused'], 'be approved')
  const { actor, reason } = event
  const gate = currentGate(moment.plan, run)
  const mine = run.approvals.filter((approval) => approval.actor === actor)
  if (mine.some(({ wave, gate: side }) => wave === at?.wave && side === at.gate)) return
  needPlace(moment.plan, run, at)
  if (!gate) {
    // The same approval delivered twice finds its gate already open.
    if (mine.some((approval) => approval.wave >= run.wave - 1)) return
    const say = `\`swell rollout why ${run.id}\` says what it waits for`
    throw new HubError('conflict', `no gate of rollout ${run.id} waits for an approval now: ${say}`)
  }
  if (mine.some((approval) => approval.wave === gate.wave && approval.gate === gate.gate)) return
  if (gate.notAuthor) needOther(moment.plan, run, [actor, ...names])
  const made = { ...(roles && { roles }), ...(madeBy !== undefined && { madeBy }) }
  const approvals = [
    ...draft.approvals,
    { wave: gate.wave, gate: gate.gate, actor, at: moment.now, reason, ...made },
  ]
  const left = findGate(moment.plan, approvals, gate.wave, gate.gate)
  if (left && left.roles.length === gate.roles.length) {
    throw new HubError('forbidden', `this gate still asks for ${gate.roles.join(' and ')}`)
  }
  draft.approvals = approvals
}

/** @throws HubError `conflict` where it stands at another gate than whoever opens it has seen, or at none */
function needPlace(plan: RolloutPlan, run: RolloutRun, at: GatePlace | undefined): void {
  if (!at || (at.wave === run.wave && at.gate === currentSide(plan, run))) return
  const place = `the gate ${at.gate} wave ${plan.waves[at.wave]?.name ?? at.wave + 1}`
  throw new HubError(
    'conflict',
    `rollout ${run.id} does not wait at ${place}, which you opened: \`swell rollout why ${run.id}\` says where it is`,
  )
}

/** @throws HubError `forbidden` for whoever made or started the change, and for who cannot be told from them */
function needOther(plan: RolloutPlan, run: RolloutRun, names: readonly string[]): void {
  switch (judgeAuthor(plan, run, names)) {
    case 'other':
      return
    case 'author':
      throw new HubError(
        'forbidden',
        `this gate asks for somebody else than who made the change, or started it`,
      )
    case 'untold':
      throw new HubError(
        'forbidden',
        `this gate asks for somebody else than who made the change, and Git could not be asked who that is: \`swell rollout abort ${run.id}\`, and \`swell rollout start ${plan.application}\` asks again`,
      )
    case 'unknown':
      throw new HubError(
        'forbidden',
        `this gate asks for somebody else than who made the change, and your login does not say by which address Git knows you: have the identity provider put \`email\` into its tokens`,
      )
  }
}

function resume(draft: Draft, moment: Moment): void {
  const obstacle = findObstacle(moment.plan, draft)
  if (obstacle) throw new HubError('conflict', `${obstacle.message}: ${obstacle.advice}`)
  draft.phase = 'Progressing'
}

/** Opens by a person's word what measures and soaks; approvals are other people's to give. */
function promote(
  draft: Draft,
  run: RolloutRun,
  by: string,
  at: GatePlace | undefined,
  moment: Moment,
): void {
  demand(moment.plan, run, ['Progressing', 'Paused'], 'be promoted')
  needPlace(moment.plan, run, at)
  const { plan, now } = moment
  const side = currentSide(plan, run)
  const shut = side
    ? gatesOf(plan, run.wave, side).flatMap((gate, index) => {
        const key = gateKey(run.wave, side, index)
        return gate.kind === 'approval' || draft.gates[key]?.state === 'passed' ? [] : [key]
      })
    : []
  if (shut.length === 0) {
    const isForPeople = currentGate(plan, run) !== null
    throw new HubError(
      'conflict',
      isForPeople
        ? `rollout ${run.id} waits for an approval, which is given by \`swell rollout approve ${run.id}\``
        : `rollout ${run.id} waits at no gate: \`swell rollout why ${run.id}\` says what it waits for`,
    )
  }
  const failed = failedGates(draft).length > 0
  for (const key of shut) {
    draft.gates[key] = { state: 'passed', at: now, message: `opened ${by}`, promoted: true }
  }
  // What a failed gate stopped goes on; what a person stopped does not.
  if (failed && run.phase === 'Paused' && !isStopped(run)) resume(draft, moment)
}

function retry(draft: Draft, run: RolloutRun, moment: Moment): void {
  const failed = failedGates(draft)
  for (const key of failed) draft.gates[key] = startWaiting(moment)
  const again = Object.entries(draft.clusters).flatMap(([name, progress]) =>
    progress.state === 'Done' && (isFailure(progress) || progress.outcome === 'Unreachable')
      ? [[name, progress] as const]
      : [],
  )
  if (again.length === 0 && failed.length === 0) {
    const say =
      run.phase === 'Paused'
        ? advise(moment.plan, run)
        : `\`swell rollout why ${run.id}\` says what it waits for`
    throw new HubError(
      'conflict',
      `no cluster failed, timed out or was unreachable, and no gate: ${say}`,
    )
  }
  for (const [name, progress] of again) draft.clusters[name] = waitAgain(progress)
  draft.phase = 'Progressing'
}

function skip(draft: Draft, cluster: string, by: string, moment: Moment): void {
  const progress = draft.clusters[cluster]
  if (!progress) throw new HubError('not_found', `cluster ${cluster} is not in this rollout`)
  if (progress.state === 'Done' && progress.outcome === 'Skipped' && !progress.closed) return
  if (progress.state === 'Done' && progress.outcome === 'Succeeded') {
    throw new HubError('conflict', `cluster ${cluster} has already succeeded`)
  }
  draft.clusters[cluster] = takeBackUnsent(draft, moment, cluster, {
    state: 'Done',
    outcome: 'Skipped',
    generation: progress.generation ?? 0,
    at: moment.now,
    message: `skipped ${by}`,
    // What it refused stays taken back.
    ...(progress.state === 'Done' && progress.withdrawn && { withdrawn: true }),
    ...(progress.state === 'Done' && progress.unsent && { unsent: true }),
  })
}
