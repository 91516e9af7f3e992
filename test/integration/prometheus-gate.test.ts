import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { emptyState } from '../../hub/ledger/replay.ts'
import { createRollouts } from '../../hub/rollout/advance/advance.ts'
import { createAsk } from '../../hub/rollout/measure/http.ts'
import { createMeasure } from '../../hub/rollout/measure/measure.ts'
import { measureMetric } from '../../hub/rollout/measure/prometheus.ts'
import type { MetricGate } from '../../hub/rollout/gate/planned-gate.ts'
import type { RolloutPlan } from '../../hub/rollout/rollout.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../support/memory-rollouts.ts'
import { hasPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts'
import { until } from '../support/until.ts'
import { good, idle, plan, reports, wave } from '../unit/hub/rollout/world.ts'

/* Gates measured by a real Prometheus. */

const skip = hasPrometheus() ? false : 'prometheus is not installed; npm run setup says why'
let prometheus: TestPrometheus
before(async () => {
  if (skip === false) prometheus = await startPrometheus()
})
after(() => prometheus?.[Symbol.asyncDispose]())

const ask = createAsk({ hosts: ['127.0.0.1'], credentials: new Map() })
const { signal } = new AbortController()

function gate(query: string, rest: Partial<MetricGate> = {}): MetricGate {
  return {
    ...{ kind: 'metric', template: 'errors', address: prometheus.url, query, per: 'cluster' },
    ...{ labels: {}, success: { max: 0.1 }, interval: 200, count: 2, failureLimit: 0 },
    ...{ missing: 'fail', timeout: 5_000 },
    ...rest,
  }
}

const measure = (planned: MetricGate) =>
  measureMetric(
    plan([wave('one', ['a', 'b'])]),
    { gate: '0/after/0', since: 0, round: 0, planned, wave: 'one', clusters: ['a', 'b'] },
    ask,
    signal,
  )

async function exposed(series: Readonly<Record<string, number>>, query: string, expected: string) {
  prometheus.expose(series)
  await until(async () => (await prometheus.ask(query)).join() === expected, {
    deadlineMs: 10_000,
    what: `${query} to be ${expected}`,
  })
}

describe('a query', { skip }, () => {
  test('is asked for each cluster, and a cluster that no series is of has no value', async () => {
    await exposed({ 'errors{cluster="a"}': 0.25 }, 'errors', '0.25')
    assert.deepEqual(await measure(gate('errors{cluster="${cluster.name}"}')), {
      kind: 'values',
      values: { a: [0.25], b: [] },
    })
  })

  test('for the whole wave may have several series, not-a-number and infinity', async () => {
    await exposed(
      { 'errors{cluster="a"}': 0.5, 'errors{cluster="b"}': 0, 'errors{cluster="z"}': 9 },
      'count(errors)',
      '3',
    )
    const whole = { per: 'wave' } as const
    const of = async (query: string) => {
      const answer = await measure(gate(query, whole))
      assert.ok(answer.kind === 'values')
      return [...answer.values['*']!].toSorted((a, b) => a - b)
    }
    assert.deepEqual(await of('errors{cluster=~"${wave.clusters}"}'), [0, 0.5])
    assert.deepEqual(await of('scalar(sum(errors))'), [9.5])
    assert.deepEqual(await of(`sum(errors{cluster!~"${'y|'.repeat(4_000)}z"})`), [0.5])
    assert.deepEqual(await of('sum(errors{cluster="b"}) / 0'), [Number.NaN])
    assert.deepEqual(await of('sum(errors{cluster="a"}) / 0'), [Infinity])
    assert.deepEqual(await of('errors > 100'), [])
  })

  test('that Prometheus refuses, or that gives no numbers, is no answer, in its own words', async () => {
    const fails = (query: string, words: RegExp) =>
      assert.rejects(
        measure(gate(query)),
        (error: unknown) =>
          error instanceof HubError &&
          error.code === 'gate_unreachable' &&
          words.test(error.message),
      )
    await fails('errors{', /400: .*parse error/)
    await fails('errors[1m]', /range vector|matrix/)
    const elsewhere = { address: 'http://127.0.0.1:9' }
    await assert.rejects(measure(gate('up', elsewhere)), /127.0.0.1:9\/api\/v1\/query: /)
  })

  test('goes nowhere but to hosts that gates may ask', async () => {
    const narrow = createAsk({ hosts: ['prom.example'], credentials: new Map() })
    const asked = { gate: '0/after/0', since: 0, round: 0, planned: gate('up'), wave: 'one' }
    await assert.rejects(
      measureMetric(plan([wave('one', ['a'])]), { ...asked, clusters: ['a'] }, narrow, signal),
      /127.0.0.1 is not one of --gate-hosts/,
    )
    const open = createAsk({ hosts: [], credentials: new Map() })
    await assert.rejects(
      measureMetric(plan([wave('one', ['a'])]), { ...asked, clusters: ['a'] }, open, signal),
      /private network.*--gate-hosts/,
    )
  })
})

describe('a rollout', { skip }, () => {
  /** Two waves; the first is measured. Its cluster is well at once. */
  async function rollOut(planned: RolloutPlan) {
    const clock = () => Date.now()
    const ledger = createMemoryLedger(clock).open()
    const wakes = createMemoryWakes()
    const offered = new Map<string, number>()
    const rollouts = createRollouts({
      ...{
        ledger,
        state: emptyState(),
        store: createMemoryStore(),
        wake: wakes,
        clock,
        log: () => {},
      },
      observe: async (_, names) =>
        Object.fromEntries(
          names.map((name) => {
            const generation = offered.get(name)
            return [name, generation === undefined ? idle() : reports(good, generation)]
          }),
        ),
      assign: async (all) => {
        for (const { cluster, generation } of all) offered.set(cluster, generation)
      },
      measure: createMeasure({
        ...{ ask, clock, within: (run) => run() },
        facts: () => ({ clusters: [], fleet: { clusters: 0, connected: 0, health: {} } }),
      }),
    })
    await rollouts.restore()
    await rollouts.create(planned, { start: true })
    return {
      run: () => rollouts.state.runs.get(planned.id)!,
      waitingFor: () => rollouts.waitingFor(planned.id),
      /** Looks again and again, as alarms and reports do, until this is so. */
      when: (what: string, is: () => boolean) =>
        until(
          async () => {
            await rollouts.notice(planned.application)
            return is()
          },
          { deadlineMs: 10_000, what },
        ),
      [Symbol.asyncDispose]: () => rollouts.close(),
    }
  }
  const waves = (after: readonly MetricGate[]) => [
    wave('one', ['a'], { after }),
    wave('two', ['b']),
  ]

  test('goes on when what is measured is good so often, and not before', async () => {
    await exposed({ 'errors{cluster="a"}': 0.01 }, 'errors', '0.01')
    const query = 'errors{cluster="${cluster.name}"}'
    await using it = await rollOut(plan(waves([gate(query, { count: 3 })])))
    await it.when('a first value', () => it.run().gates['0/after/0']?.state === 'measuring')
    assert.match(
      (await it.waitingFor()).join(),
      /measures the metric errors: [12] of 3 good values/,
    )
    assert.equal(it.run().clusters['b']?.state, 'Pending')
    await it.when('the second wave', () => it.run().wave === 1)
    assert.match(it.run().gates['0/after/0']!.message, /^3 of 3 good values/)
  })

  test('pauses when what is measured gets bad, and says what was measured', async () => {
    await exposed({ 'errors{cluster="a"}': 0.01 }, 'errors', '0.01')
    const query = 'errors{cluster="${cluster.name}"}'
    await using it = await rollOut(plan(waves([gate(query, { count: 1_000 })])))
    await it.when('a first value', () => it.run().gates['0/after/0']?.state === 'measuring')
    await exposed({ 'errors{cluster="a"}': 0.75 }, 'errors', '0.75')
    await it.when('a pause', () => it.run().phase === 'Paused')
    assert.match(it.run().message, /the metric errors: a: 0.75 is more than 0.1/)
    assert.equal(it.run().clusters['b']?.state, 'Pending')
  })
})
