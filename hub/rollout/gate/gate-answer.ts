import type { Draft, Moment } from '../step/draft.ts'
import { currentSide } from './gate.ts'
import { type GateAnswer, gateKey, type GateState, roundOf } from './gate-state.ts'
import { gatesOf, isMeasured, type MeasuredGate, type MetricGate } from './planned-gate.ts'
import type { RolloutEvent, RolloutRun } from '../rollout.ts'
import { passTime, subjectsOf } from './wave-gates.ts'

type Measured = Extract<RolloutEvent, { kind: 'measured' }>
type Unsettled = Extract<GateState, { state: 'waiting' | 'measuring' }>

/**
 * Takes an answer in. One that comes twice, too late, or for a gate the rollout does not stand at
 * changes nothing.
 */
export function takeAnswer(draft: Draft, run: RolloutRun, event: Measured, moment: Moment): void {
  const { plan, now } = moment
  const side = run.phase === 'Progressing' ? currentSide(plan, run) : null
  if (!side) return
  const index = gatesOf(plan, run.wave, side).findIndex(
    (_, at) => gateKey(run.wave, side, at) === event.gate,
  )
  const gate = gatesOf(plan, run.wave, side)[index]
  const known = draft.gates[event.gate]
  if (!gate || !isMeasured(gate) || !known) return
  // An answer may come after the deadline, and before anybody has looked at the clock.
  const state = passTime(gate, known, now)
  if (state.state === 'passed' || state.state === 'failed') return
  if (state.since !== event.since || state.opening !== event.opening) return
  if (roundOf(state) !== event.round) return
  if (state.state === 'measuring' && now < state.nextAt) return
  const subjects = subjectsOf(gate, plan.waves[run.wave]!, side, draft.clusters)
  const next = foldAnswer(gate, state, event.answer, subjects, now)
  const isUnmeasured = next.state === 'failed' && isNoData(event.answer)
  draft.gates[event.gate] =
    isUnmeasured && plan.waves[run.wave]!.clusters.length === 0
      ? { ...next, message: `${next.message}; ${bringsNothing}` }
      : next
}

/** Measured again it would be no other; nor has it proven anything for the waves behind. */
const bringsNothing =
  'what is rolled out changes no cluster of this wave: `promote` goes on without its word, and `missing: pass` of its MetricTemplate has such rollouts go on by themselves'

function isNoData(answer: GateAnswer): boolean {
  return (
    answer.kind === 'values' && Object.values(answer.values).every(({ length }) => length === 0)
  )
}

/** What an answer makes of a gate. */
export function foldAnswer(
  gate: MeasuredGate,
  state: Unsettled,
  answer: GateAnswer,
  subjects: readonly string[],
  now: number,
): GateState {
  switch (answer.kind) {
    case 'unanswered':
      return { ...state, message: sayUnanswered(gate, state, answer.message, subjects) }
    case 'verdict':
      switch (answer.verdict) {
        case 'pass':
          return { state: 'passed', at: now, message: answer.message }
        case 'fail':
          return { state: 'failed', at: now, message: answer.message }
        case 'wait':
          return { ...state, message: answer.message }
      }
    case 'values':
      // Only a metric has values; whatever else sent them is not believed.
      if (gate.kind !== 'metric') return state
      return countValues(gate, state, answer.values, subjects, now)
  }
}

/** With what was counted before, and how it ends if nobody ever answers. */
function sayUnanswered(
  gate: MeasuredGate,
  state: Unsettled,
  why: string,
  subjects: readonly string[],
): string {
  const counted =
    gate.kind === 'metric' && state.state === 'measuring' ? `${tally(gate, state, subjects)}; ` : ''
  const isEndless = gate.kind === 'metric' || gate.deadline === undefined
  const end = isEndless
    ? '; it is asked until it answers, with no deadline: `promote` opens it'
    : ''
  return `${counted}${why}${end}`
}

function tally(
  { count }: MetricGate,
  { good, bad }: Pick<Extract<GateState, { state: 'measuring' }>, 'good' | 'bad'>,
  subjects: readonly string[],
): string {
  const least = Math.min(...subjects.map((subject) => good[subject] ?? 0))
  const worst = Math.max(0, ...Object.values(bad))
  return `${least} of ${count} good values${worst > 0 ? `, ${worst} bad` : ''}`
}

/**
 * Counts one round of values. Every subject needs `count` good ones in all, and none may have more
 * bad ones than `failureLimit`. Without a subject, or where a subject has no data, `missing` decides.
 */
function countValues(
  gate: MetricGate,
  state: Unsettled,
  values: Readonly<Record<string, readonly number[]>>,
  subjects: readonly string[],
  now: number,
): GateState {
  if (subjects.length === 0) return judgeNobody(gate, state, now)
  const good: Record<string, number> = state.state === 'measuring' ? { ...state.good } : {}
  const bad: Record<string, number> = state.state === 'measuring' ? { ...state.bad } : {}
  let last = ''
  for (const subject of subjects) {
    // What came to be measured after the question was sent is in the next round.
    const given = Object.hasOwn(values, subject) ? values[subject]! : undefined
    if (!given) continue
    const verdict = judgeValues(gate, given)
    const where = subjects.length > 1 || gate.per === 'cluster' ? `${subject}: ` : ''
    if (last === '' || verdict.is === 'bad') last = `${where}${verdict.words}`
    if (verdict.is === 'good') good[subject] = (good[subject] ?? 0) + 1
    if (verdict.is !== 'bad') continue
    const times = (bad[subject] ?? 0) + 1
    bad[subject] = times
    if (times > gate.failureLimit) {
      const message = `${where}${verdict.words}; ${times} bad values, at most ${gate.failureLimit} may be`
      return { state: 'failed', at: now, message }
    }
  }
  const counted = tally(gate, { good, bad }, subjects)
  const message = last === '' ? counted : `${counted}; ${last}`
  if (subjects.every((subject) => (good[subject] ?? 0) >= gate.count))
    return { state: 'passed', at: now, message }
  const round = roundOf(state) + 1
  const { since, opening } = state
  return {
    state: 'measuring',
    since,
    ...(opening !== undefined && { opening }),
    round,
    nextAt: now + gate.interval,
    good,
    bad,
    message,
  }
}

function judgeNobody(gate: MetricGate, state: Unsettled, now: number): GateState {
  const message = 'no cluster of the wave runs it, so there is nothing to measure'
  switch (gate.missing) {
    case 'fail':
      return { state: 'failed', at: now, message }
    case 'pass':
      return { state: 'passed', at: now, message }
    case 'wait':
      return { ...state, message }
  }
}

interface Verdict {
  readonly is: 'good' | 'bad' | 'none'
  readonly words: string
}

/** One bad value makes all of them bad; not-a-number is no value. */
function judgeValues(gate: MetricGate, given: readonly number[]): Verdict {
  const { min = -Infinity, max = Infinity } = gate.success
  const values = given.filter((value) => !Number.isNaN(value))
  const wrong = values.find((value) => value < min || value > max)
  if (wrong !== undefined) {
    const bound = wrong < min ? `less than ${min}` : `more than ${max}`
    return { is: 'bad', words: `${format(wrong)} is ${bound}` }
  }
  if (values.length > 0) return { is: 'good', words: `last ${format(values[0]!)}` }
  const is = { fail: 'bad', pass: 'good', wait: 'none' } as const
  return { is: is[gate.missing], words: 'no data' }
}

function format(value: number): string {
  return String(Number(value.toPrecision(6)))
}
