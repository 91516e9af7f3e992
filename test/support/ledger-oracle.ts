import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { emptyChain, followChain } from '../../hub/ledger/chain.ts'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import { emptyState, foldEntry, type LedgerState } from '../../hub/ledger/replay.ts'
import {
  type ClusterProgress,
  finalPhases,
  type RolloutPlan,
  type RolloutRun,
} from '../../hub/rollout/rollout.ts'

/** What was found in a ledger that holds, so that a test can see that there was something to find. */
export interface LedgerCount {
  readonly entries: number
  readonly rollouts: number
  readonly offers: number
  /** Times a rollout went on to a later wave. */
  readonly waves: number
}

/** Reads the ledger of a hub's data directory and judges it. */
export async function assertLedgerHolds(dataDirectory: string): Promise<LedgerCount> {
  return judgeLedger(await readFile(join(dataDirectory, 'ledger', 'ledger.jsonl'), 'utf8'))
}

/**
 * Judges a whole ledger by what it says happened (I6, I7): the chain is unbroken; versions of a
 * rollout rise one by one; one rollout of an application moves at a time; no wave begins before
 * the one before it is settled, within its budget and approved; never more clusters in flight than
 * the wave allows; nothing is offered while paused or over; held content does not come back by itself.
 *
 * The rules are said here anew, from the design, and not with the step function's own code.
 *
 * @throws AssertionError naming the entry and the rule
 */
export function judgeLedger(text: string): LedgerCount {
  const state = emptyState()
  const generations = new Map<string, number>()
  const count = { entries: 0, rollouts: 0, offers: 0, waves: 0 }
  let head = emptyChain
  // What follows the last line feed was never acknowledged.
  for (const line of text.split('\n').slice(0, -1)) {
    const followed = followChain(head, line)
    head = followed.head
    const { entry } = followed
    const { decision } = entry
    count.entries += 1
    if (decision.type === 'rollout.created') {
      count.rollouts += 1
      judgeCreated(state, entry, decision.plan)
    }
    if (decision.type !== 'rollout.moved') {
      foldEntry(state, entry)
      continue
    }
    const where = `entry ${entry.index}, rollout ${decision.rollout}`
    const plan = state.plans.get(decision.rollout)
    const before = state.runs.get(decision.rollout)
    assert(plan && before, `${where}: moved, but never created`)
    assert.equal(decision.change.version, before.version + 1, `${where}: versions have a gap`)
    foldEntry(state, entry)
    const after = state.runs.get(decision.rollout)!
    judgeMove(plan, before, after, where)
    judgeUndoing(state, plan, after, where)
    if (before.startedAt === null && after.startedAt !== null) judgeAlone(state, plan, where)
    if (after.wave > before.wave) count.waves += 1
    for (const [name, progress] of Object.entries(after.clusters)) {
      if (!isNewOffer(before.clusters[name], progress)) continue
      count.offers += 1
      const key = `${name}/${plan.application}`
      const last = generations.get(key) ?? 0
      assert(progress.generation > last, `${where}: generation of ${key} did not rise`)
      generations.set(key, progress.generation)
    }
  }
  return count
}

function judgeCreated(state: LedgerState, entry: LedgerEntry, plan: RolloutPlan): void {
  const where = `entry ${entry.index}, rollout ${plan.id}`
  assert(!state.plans.has(plan.id), `${where}: created twice`)
  const clusters = plan.waves.flatMap((wave) => wave.clusters)
  assert.equal(new Set(clusters).size, clusters.length, `${where}: a cluster is in two waves`)
  assert.deepEqual(
    clusters.toSorted(),
    Object.keys(plan.targets).toSorted(),
    `${where}: waves and targets differ`,
  )
  const hold = state.holds.get(plan.application)
  const byItself = plan.trigger.kind === 'commit' || plan.trigger.kind === 'catchUp'
  assert(
    !(byItself && hold?.contentDigest === plan.contentDigest),
    `${where}: held content came back by itself`,
  )
}

/** What goes back says so, and nothing else does: by that word a cluster keeps what was there before (I4). */
function judgeUndoing(
  state: LedgerState,
  plan: RolloutPlan,
  { clusters }: RolloutRun,
  where: string,
): void {
  const { application } = plan
  for (const [name, progress] of Object.entries(clusters)) {
    const assigned = state.assignments.get(name)?.get(application)
    if (!assigned || !('generation' in progress)) continue
    if (progress.generation !== assigned.generation) continue
    const isBack =
      progress.state === 'Reverting' ||
      progress.state === 'Reverted' ||
      (progress.state === 'Done' && progress.withdrawn === true)
    // What comes in place of a way back that nobody has confirmed goes by the same word.
    const isUndoing = isBack || plan.targets[name]?.undo === true
    assert.equal(assigned.undo === true, isUndoing, `${where}: ${name} is ${progress.state}`)
  }
}

/** One rollout of an application at a time. */
function judgeAlone(state: LedgerState, plan: RolloutPlan, where: string): void {
  const others = [...state.runs.values()].filter(
    (run) =>
      run.id !== plan.id &&
      run.startedAt !== null &&
      !finalPhases.has(run.phase) &&
      state.plans.get(run.id)?.application === plan.application,
  )
  assert.deepEqual(
    others.map(({ id }) => id),
    [],
    `${where}: started beside another`,
  )
}

function judgeMove(plan: RolloutPlan, before: RolloutRun, after: RolloutRun, where: string): void {
  if (finalPhases.has(before.phase)) {
    // With nothing to give back, it has gone back as soon as it is asked to.
    const back = Object.values(after.clusters).some(({ state }) => state.startsWith('Revert'))
    const phase = back ? 'RollingBack' : 'RolledBack'
    assert.equal(after.phase, phase, `${where}: moved after its end`)
  }
  assert(after.wave >= before.wave, `${where}: went back a wave`)
  const inFlight = Object.values(after.clusters).filter(isMoving).length
  const allowed = plan.waves[after.wave]!.maxConcurrent
  if (!finalPhases.has(after.phase)) {
    assert(inFlight <= allowed, `${where}: ${inFlight} in flight where ${allowed} may be`)
  }
  judgeGateSoaks(plan, before, after, where)
  plan.waves.forEach((wave, index) => {
    for (const name of wave.clusters) {
      const now = after.clusters[name]!
      if (!isNewOffer(before.clusters[name], now)) continue
      const what = `${where}: ${name} of wave ${wave.name} was offered`
      assert(index <= after.wave, `${what} while wave ${after.wave} was in hand`)
      assert(
        after.phase !== 'Planned' && !finalPhases.has(after.phase),
        `${what} in ${after.phase}`,
      )
      assert(!(before.phase === 'Paused' && after.phase === 'Paused'), `${what} while paused`)
      judgeGate(plan, after, index, 'before', what)
      for (let earlier = 0; earlier < index; earlier += 1) {
        judgeSettled(plan, { before, after }, earlier, what)
      }
    }
    for (const name of wave.clusters) {
      judgeSoak(before.clusters[name], after.clusters[name]!, wave.soak, `${where}: ${name}`)
    }
  })
}

/** Everything a later wave rests on: all clusters done, budget kept, gate after it open. */
function judgeSettled(
  plan: RolloutPlan,
  { before, after: run }: { readonly before: RolloutRun; readonly after: RolloutRun },
  index: number,
  what: string,
): void {
  const wave = plan.waves[index]!
  for (const name of wave.clusters) {
    const progress = run.clusters[name]!
    // A cluster that came back is caught up in the wave in hand: it was done when that began. It may have to
    // wait for room, or for what it depends on, and no further wave begins meanwhile.
    if (isMoving(progress) || (progress.state === 'Pending' && run.wave === before.wave)) continue
    assert.equal(progress.state, 'Done', `${what} before ${name} of wave ${wave.name} was done`)
  }
  const failed = wave.clusters.filter((name) => {
    const progress = run.clusters[name]!
    return (
      progress.state === 'Done' &&
      (progress.outcome === 'Failed' || progress.outcome === 'TimedOut')
    )
  })
  if (plan.onFailure !== 'continue') {
    assert(failed.length <= wave.maxFailures, `${what} though wave ${wave.name} had failed`)
  }
  judgeGate(plan, run, index, 'after', what)
}

function judgeGate(
  plan: RolloutPlan,
  run: RolloutRun,
  index: number,
  side: 'before' | 'after',
  what: string,
): void {
  const wave = plan.waves[index]!
  if (wave.clusters.length === 0) return
  const people = new Set(
    run.approvals.filter((one) => one.wave === index && one.gate === side).map((one) => one.actor),
  )
  let wanted = 0
  wave[side].forEach((gate, at) => {
    if (gate.kind === 'approval') wanted += gate.count ?? 1
    else {
      const state = run.gates[`${index}/${side}/${at}`]?.state
      assert.equal(state, 'passed', `${what} past the ${gate.kind} gate ${side} wave ${wave.name}`)
    }
  })
  assert(people.size >= wanted, `${what} without the approval ${side} wave ${wave.name}`)
}

/** A gate that soaks opens after its time, or by a person's word. */
function judgeGateSoaks(
  plan: RolloutPlan,
  before: RolloutRun,
  after: RolloutRun,
  where: string,
): void {
  for (const [key, state] of Object.entries(after.gates)) {
    const was = before.gates[key]
    const [index, side, at] = key.split('/') as [string, 'before' | 'after', string]
    const gate = plan.waves[Number(index)]?.[side][Number(at)]
    if (gate?.kind !== 'soak' || state.state !== 'passed' || was?.state === 'passed') continue
    if (state.message.startsWith('opened by ')) continue
    const soaked = was?.state === 'waiting' ? state.at - was.since : 0
    assert(soaked >= gate.duration, `${where}: gate ${key} soaked for ${soaked} ms only`)
  }
}

function judgeSoak(
  before: ClusterProgress | undefined,
  after: ClusterProgress,
  soak: number,
  who: string,
): void {
  if (soak === 0 || before?.state === 'Done') return
  if (after.state !== 'Done' || after.outcome !== 'Succeeded') return
  assert(before?.state === 'Soaking', `${who} succeeded without its soak`)
  assert(after.at - before.healthySince >= soak, `${who} succeeded before its soak was over`)
}

function isMoving(progress: ClusterProgress): boolean {
  return progress.state === 'Offered' || progress.state === 'Soaking'
}

/** An offer has a generation of its own; the same one soaking, and back, is no new one. */
function isNewOffer(
  before: ClusterProgress | undefined,
  after: ClusterProgress,
): after is Extract<ClusterProgress, { state: 'Offered' | 'Soaking' }> {
  if (after.state !== 'Offered' && after.state !== 'Soaking') return false
  return !(before && 'generation' in before && before.generation === after.generation)
}
