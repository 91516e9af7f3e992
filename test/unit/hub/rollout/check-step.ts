import assert from 'node:assert/strict'
import { findBreach, isFailure } from '../../../../hub/rollout/step/failure.ts'
import type {
  ClusterObservation,
  RolloutPlan,
  RolloutRun,
  StepResult,
} from '../../../../hub/rollout/rollout.ts'
import { assertFresh, assertOpen, checkGates, type GateFacts } from './check-gates.ts'

interface Facts extends GateFacts {
  readonly seen: Readonly<Record<string, ClusterObservation>>
  readonly generation: number
  readonly everDone: ReadonlySet<string>
}

/** What must hold of each step of a rollout (I6), whatever the world did. */
export function checkStep(
  planned: RolloutPlan,
  was: RolloutRun,
  { run: is, effects, measurements }: StepResult,
  facts: Facts,
): void {
  checkGates(planned, was, is, facts)
  if (is.phase !== 'Progressing') assert.deepEqual(measurements, [], 'nothing is asked at rest')
  for (const { gate, since, round } of measurements) {
    const state = is.gates[gate]!
    assert.ok(state.state === 'waiting' || state.state === 'measuring')
    assert.equal(state.since, since)
    assert.equal(state.state === 'measuring' ? state.round : 0, round)
    assert.ok(gate.startsWith(`${is.wave}/`), `${gate} is asked in wave ${is.wave}`)
  }
  if (is === was) assert.deepEqual(effects, [])
  else assert.equal(is.version, was.version + 1)
  const states = Object.values(is.clusters)
  const flying = states.filter(({ state }) => state === 'Offered' || state === 'Soaking').length
  if (is.phase === 'Progressing') {
    assert.ok(flying <= planned.waves[is.wave]!.maxConcurrent, `${flying} in flight`)
  }
  const offered: string[] = []
  for (const effect of effects) {
    if (effect.kind === 'hold') continue
    assert.equal(effect.generation, facts.generation)
    const aim = planned.targets[effect.cluster]!
    const state = is.clusters[effect.cluster]!.state
    if (state === 'Offered') {
      offered.push(effect.cluster)
      assert.equal(effect.content.digest, aim.digest)
      assert.equal(effect.content.undo, undefined, 'a step forward undoes nothing')
      assert.ok(!facts.seen[effect.cluster]!.veto, 'nothing is offered against a veto')
      assert.ok(!facts.seen[effect.cluster]!.withheld, `${effect.cluster} was withheld`)
    } else {
      const there = is.clusters[effect.cluster]!
      const refused = there.state === 'Done' && there.outcome === 'Vetoed' && there.withdrawn
      assert.ok(state === 'Reverting' || state === 'Reverted' || refused, state)
      assert.equal(effect.content.digest, aim.previous === null ? null : aim.previous.digest)
      assert.equal(effect.content.undo, true, 'I4: what was found is not deleted')
    }
  }
  if (offered.length > 0) {
    assert.equal(is.phase, 'Progressing')
    if (planned.onFailure !== 'continue') {
      assert.equal(findBreach(planned, is.clusters), null, 'nothing is offered over a spent budget')
    }
    for (const { name, clusters, mandatory, maxFailures } of planned.waves) {
      const failed = clusters.filter((one) => isFailure(is.clusters[one])).length
      assert.ok(!mandatory || failed <= maxFailures, `past the failures of mandatory wave ${name}`)
    }
  }
  planned.waves.forEach((of, at) => {
    for (const name of of.clusters) {
      if (offered.includes(name)) assert.ok(at <= is.wave, `${name} before its wave`)
      const [a, b] = [was.clusters[name]!, is.clusters[name]!]
      if (b.state === 'Done' && b.outcome === 'Succeeded' && a.state !== 'Done') {
        const now = facts.seen[name]
        assert.ok(now?.connected && now.application)
        assert.equal(now.application.digest, planned.targets[name]!.digest)
        assert.equal(now.application.generation, b.generation)
        if (of.soak > 0) {
          assert.ok(a.state === 'Soaking' && facts.now - a.healthySince >= of.soak, 'soaked')
        }
      }
    }
    if (is.wave > at) {
      assertOpen(planned, is, at, 'after')
      if (was.wave === at) {
        assertFresh(planned, is, at, 'after', facts.now)
        for (const name of of.clusters) {
          const there = is.clusters[name]!
          // One step may end this wave, fail in the next and turn round; then it says what was undone.
          const undone = there.state === 'Reverting' && there.outcome !== null
          const ended = there.state === 'Done' || undone || facts.everDone.has(name)
          assert.ok(ended, `${name} left behind ${there.state}`)
        }
      }
    }
    if (is.wave === at && is.waveStartedAt !== null) {
      assertOpen(planned, is, at, 'before')
      const began = was.wave < at || was.waveStartedAt === null
      if (began) assertFresh(planned, is, at, 'before', facts.now)
    }
  })
}
