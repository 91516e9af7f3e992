import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type Fault, HubError } from '../../errors.ts'
import type { RolloutStrategySpec, RolloutWave } from '../../fleet/kinds/rollout-strategy.ts'
import { freezeLabels, type GateContext } from './freeze-gate.ts'
import { hasPicker, pickWaves, type PlanCluster } from './pick.ts'
import type { PlannedWave, RolloutPlan, RolloutRun, RolloutTarget } from '../rollout.ts'
import {
  resolveConcurrency,
  resolveFailures,
  type Strategy,
  toStrategy,
  type WaveRules,
} from './strategy.ts'

/** Name of the wave that carries tombstones; deletions come last. */
export const removalsWave = 'removals'

export interface PlanInput {
  readonly id: string
  readonly application: string
  readonly revision: string
  /** Clusters whose content changes; the others are not part of the rollout. */
  readonly targets: Readonly<Record<string, RolloutTarget>>
  /** At least every cluster in `targets`; others do not matter. */
  readonly clusters: Readonly<Record<string, PlanCluster>>
  /** Everything in one wave when undefined. */
  readonly strategy: RolloutStrategySpec | undefined
  /** Whether the application left Git: it leaves the clusters as it came, wave by wave. */
  readonly leaves?: boolean
  /** What its gates refer to. */
  readonly gates?: GateContext
  /** Who made the commit. */
  readonly author?: string
  readonly trigger: RolloutPlan['trigger']
  readonly now: number
}

/**
 * Freezes a rollout: who goes in which wave, with every percentage resolved to a count. Waves
 * may be empty (see `emptyWaves`). Tombstones go in a last wave of their own, unless the whole application leaves:
 * then in the waves, where nothing is measured of what is not there any more.
 *
 * @throws HubError `plan_invalid` with every fault: a cluster in no wave or in two, a wave
 *   without a picker, a wave that could never move, two waves of one name.
 */
export function planRollout(input: PlanInput): RolloutPlan {
  const { present, removed, faults } = sortTargets(input)
  // What was rendered before it left Git may bring something yet.
  const isGoing = removed.length === Object.keys(input.targets).length
  if (input.leaves && isGoing) return planLeaving(input, removed)
  const strategy = toStrategy(input.strategy, input.gates)
  faults.push(...checkWaves(strategy))
  const picked = pickWaves(
    strategy.waves.map(({ spec }) => spec),
    present,
  )
  for (const [cluster, waves] of picked.ambiguous) {
    faults.push({ cluster, message: `is in more than one wave: ${waves.join(', ')}` })
  }
  if (strategy.unmatched === 'error') {
    for (const cluster of picked.unmatched) {
      faults.push({
        cluster,
        message: 'is in no wave; add it to one or set `unmatched: lastWave`',
      })
    }
  }
  if (Object.keys(input.targets).length === 0) {
    faults.push({ message: 'no cluster changes, so there is nothing to roll out' })
  }
  const last = strategy.waves.length - 1
  const waves = strategy.waves.map((rules, index) => {
    const names = [...picked.waves[index]!, ...(index === last ? picked.unmatched : [])]
    const freeze = (gates: WaveRules['before']) =>
      gates.map((gate) => freezeLabels(gate, names, present, faults))
    const { before, after } = rules
    return freezeWave({ ...rules, before: freeze(before), after: freeze(after) }, names)
  })
  if (faults.length > 0) {
    const object = `Application ${input.application}`
    throw new HubError('plan_invalid', `${object} cannot be planned`, {
      faults: faults.map((fault) => ({ object, ...fault })),
    })
  }
  if (removed.length > 0) {
    // Deletions go at the pace of the last wave and after its gates; they have nothing to soak or measure.
    const isAlone = waves[last]!.clusters.length === 0
    const before = isAlone ? waves[last]!.before.filter(({ kind }) => kind !== 'metric') : []
    const rules = { ...strategy.waves[last]!, soak: 0, before, after: [] }
    waves.push({ ...freezeWave(rules, removed), name: removalsWave })
  }
  return freezePlan(input, strategy, waves)
}

/** Of an application that left Git nothing is at fault any more: whoever is in no wave, or in two, goes last. */
function planLeaving(input: PlanInput, removed: readonly string[]): RolloutPlan {
  const strategy = toStrategy(input.strategy && leaveUnmeasured(input.strategy), input.gates)
  const isThere = (name: string): boolean => input.clusters[name] !== undefined
  const declared = Object.fromEntries(
    removed.filter(isThere).map((name) => [name, input.clusters[name]!]),
  )
  const specs = strategy.waves.map(({ spec }) => spec)
  const picked = pickWaves(specs, declared)
  const last = strategy.waves.length - 1
  const rest = removed.filter(
    (name) => !isThere(name) || picked.ambiguous.has(name) || picked.unmatched.includes(name),
  )
  const waves = strategy.waves.map((rules, index) => {
    const mine = picked.waves[index]!.filter((name) => !picked.ambiguous.has(name))
    return freezeWave(rules, index === last ? [...mine, ...rest] : mine)
  })
  // What is under way brings what Git asks for no more, and nothing is brought back for a removal that fails.
  const onFailure = strategy.onFailure === 'rollback' ? 'pause' : strategy.onFailure
  return { ...freezePlan(input, strategy, waves), onFailure, supersede: 'replace' }
}

function leaveUnmeasured(spec: RolloutStrategySpec): RolloutStrategySpec {
  const leave = (gates: RolloutWave['before']) => gates?.filter(({ metric }) => !metric)
  const waves = spec.waves.map(({ before, after, ...rest }) => ({
    ...rest,
    ...(before && { before: leave(before)! }),
    ...(after && { after: leave(after)! }),
  }))
  return { ...spec, waves }
}

function freezePlan(
  input: PlanInput,
  strategy: Strategy,
  waves: readonly PlannedWave[],
): RolloutPlan {
  return {
    id: input.id,
    application: input.application,
    revision: input.revision,
    contentDigest: digestContent(input.targets),
    createdAt: input.now,
    ...(input.author !== undefined && { author: input.author }),
    trigger: input.trigger,
    targets: input.targets,
    waves,
    maxFailures: resolveFailures(strategy.maxFailures, Object.keys(input.targets).length),
    onFailure: strategy.onFailure,
    offline: strategy.offline,
    supersede: strategy.supersede,
  }
}

/** The run of a plan nobody started yet. */
export function createRun(plan: RolloutPlan): RolloutRun {
  return {
    id: plan.id,
    version: 1,
    phase: 'Planned',
    wave: 0,
    waveStartedAt: null,
    approvals: [],
    gates: {},
    clusters: Object.fromEntries(
      plan.waves.flatMap((wave) => wave.clusters).map((name) => [name, { state: 'Pending' }]),
    ),
    startedAt: null,
    finishedAt: null,
    message: 'planned, waits to be started',
  }
}

/** Names of waves no changed cluster is in; allowed, but worth saying. */
export function emptyWaves(plan: RolloutPlan): string[] {
  return plan.waves.filter((wave) => wave.clusters.length === 0).map((wave) => wave.name)
}

function digestContent(targets: PlanInput['targets']): Digest {
  return digestOf(
    canonicalJson(
      Object.fromEntries(Object.entries(targets).map(([name, { digest }]) => [name, digest])),
    ),
  )
}

function sortTargets(input: PlanInput) {
  const present: Record<string, PlanCluster> = {}
  const removed: string[] = []
  const faults: Fault[] = []
  for (const [cluster, target] of Object.entries(input.targets)) {
    const known = input.clusters[cluster]
    if (target.digest === null) removed.push(cluster)
    else if (known) present[cluster] = known
    else faults.push({ cluster, message: 'is not declared in the fleet repository' })
  }
  return { present, removed: removed.sort(), faults }
}

function checkWaves(strategy: Strategy): Fault[] {
  const faults: Fault[] = []
  const seen = new Set<string>()
  for (const { spec, maxConcurrent } of strategy.waves) {
    const wave = `wave ${spec.name}`
    if (seen.has(spec.name)) faults.push({ message: `${wave} is there twice` })
    seen.add(spec.name)
    if (spec.name === removalsWave) faults.push({ message: `${wave}: this name is reserved` })
    if (!hasPicker(spec)) {
      faults.push({ message: `${wave} needs a selector, clusterGroup, clusters or count` })
    }
    if (maxConcurrent === 0 || maxConcurrent === '0%') {
      faults.push({ message: `${wave}: maxConcurrent ${maxConcurrent} would never move` })
    }
  }
  return faults
}

function freezeWave(rules: WaveRules, clusters: readonly string[]): PlannedWave {
  return {
    name: rules.spec.name,
    clusters,
    maxConcurrent: resolveConcurrency(rules.maxConcurrent, clusters.length),
    maxFailures: resolveFailures(rules.maxFailures, clusters.length),
    ...(rules.spec.mandatory === true && { mandatory: true }),
    soak: rules.soak,
    progressDeadline: rules.progressDeadline,
    before: rules.before,
    after: rules.after,
  }
}
