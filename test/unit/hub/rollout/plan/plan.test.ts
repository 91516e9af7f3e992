import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { pickWaves } from '../../../../../hub/rollout/plan/pick.ts'
import { HubError } from '../../../../../hub/errors.ts'
import type {
  RolloutStrategySpec,
  RolloutWave,
} from '../../../../../hub/fleet/kinds/rollout-strategy.ts'
import { emptyWaves, type PlanInput, planRollout } from '../../../../../hub/rollout/plan/plan.ts'
import type { RolloutTarget } from '../../../../../hub/rollout/rollout.ts'
import { good, old, target } from '../world.ts'

const names = ['a1', 'a2', 'b1', 'b2', 'b3']
const clusters = Object.fromEntries(
  names.map((name, at) => [
    name,
    {
      labels: { env: name.startsWith('a') ? 'canary' : 'prod', order: String(10 - at) },
      groups: name.startsWith('a') ? ['canaries'] : ['production'],
    },
  ]),
)

function make(
  waves: readonly RolloutWave[] | undefined,
  rest: Partial<RolloutStrategySpec> = {},
  targets: Record<string, RolloutTarget> = Object.fromEntries(names.map((n) => [n, target()])),
  leaves = false,
) {
  const input: PlanInput = {
    id: 'r1',
    application: 'shop',
    revision: 'main@sha1:x',
    ...{ targets, clusters, leaves },
    strategy: waves === undefined ? undefined : { waves: [...waves], ...rest },
    trigger: { kind: 'commit', actor: 'git', reason: '' },
    now: 7,
  }
  return planRollout(input)
}

const lists = (plan: ReturnType<typeof make>) =>
  plan.waves.map((wave) => [wave.name, ...wave.clusters])

function faultsOf(run: () => unknown): string[] {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'plan_invalid', String(error))
    return error.faults.map(({ cluster, message }) => `${cluster ?? '-'} ${message}`)
  }
  assert.fail('the plan was accepted')
}

const env = (value: string) => ({ matchLabels: { env: value } })

test('without a strategy everybody goes at once, and a failure pauses', () => {
  const plan = make(undefined)
  assert.deepEqual(lists(plan), [['all', ...names]])
  assert.equal(plan.waves[0]!.maxConcurrent, 5)
  assert.equal(plan.waves[0]!.maxFailures, 0)
  assert.equal(plan.waves[0]!.progressDeadline, 600_000)
  assert.deepEqual([plan.onFailure, plan.offline, plan.supersede], ['pause', 'skip', 'replace'])
})

test('waves pick by selector, group and name, and order by label, list or name', () => {
  const plan = make([
    { name: 'one', clusterGroup: 'canaries', clusters: ['a2', 'a1'] },
    { name: 'two', selector: env('prod'), sortBy: 'order' },
  ])
  assert.deepEqual(lists(plan), [
    ['one', 'a2', 'a1'],
    ['two', 'b3', 'b2', 'b1'],
  ])
})

// Text between two numbers had an order that went round in a circle.
test('numbers come before other text in `sortBy`, whatever order clusters are declared in', () => {
  const labels = ['10', '1a', '2', '1']
  for (const order of [labels, labels.toReversed(), ['1a', '2', '10', '1']]) {
    const clusters = Object.fromEntries(
      order.map((text) => [`c${text}`, { labels: { order: text }, groups: [] }]),
    )
    const { waves } = pickWaves([{ name: 'all', selector: {}, sortBy: 'order' }], clusters)
    assert.deepEqual(waves, [['c1', 'c2', 'c10', 'c1a']])
  }
})

test('count takes from what is left, and percentages of the matches round up', () => {
  const plan = make([
    { name: 'first', count: 1, selector: env('prod') },
    { name: 'tenth', count: '10%' },
    { name: 'prod', selector: env('prod') },
    { name: 'rest', count: '100%' },
  ])
  assert.deepEqual(lists(plan), [
    ['first', 'b1'],
    ['tenth', 'a1'],
    ['prod', 'b2', 'b3'],
    ['rest', 'a2'],
  ])
})

test('a cluster in two waves or in none is a fault that names it, all at once', () => {
  const twice = { name: 'again', clusters: ['a1'] }
  assert.deepEqual(
    faultsOf(() => make([{ name: 'one', selector: env('canary') }, twice])),
    [
      'a1 is in more than one wave: one, again',
      ...['b1', 'b2', 'b3'].map(
        (name) => `${name} is in no wave; add it to one or set \`unmatched: lastWave\``,
      ),
    ],
  )
})

test('unmatched clusters go last where the strategy says so', () => {
  const plan = make([{ name: 'one', clusters: ['b3', 'a1'] }], { unmatched: 'lastWave' })
  assert.deepEqual(lists(plan), [['one', 'b3', 'a1', 'a2', 'b1', 'b2']])
})

test('waves that could not work are faults', () => {
  const all = { selector: {} }
  for (const [waves, fault] of [
    [[{ name: 'w' }], /needs a selector/],
    [[{ name: 'w', ...all, maxConcurrent: 0 }], /would never move/],
    [[{ name: 'w', ...all, maxConcurrent: '0%' }], /would never move/],
    [[{ name: 'removals', ...all }], /reserved/],
    [
      [
        { name: 'w', ...all },
        { name: 'w', count: 1 },
      ],
      /there twice/,
    ],
  ] as [RolloutWave[], RegExp][]) {
    assert.match(faultsOf(() => make(waves)).join('\n'), fault)
  }
  assert.match(faultsOf(() => make(undefined, {}, {})).join(), /nothing to roll out/)
  assert.match(faultsOf(() => make(undefined, {}, { zz: target() })).join(), /zz is not declared/)
})

test('limits: concurrency rounds down to at least one, failures round up, mandatory means none', () => {
  const all = { name: 'w', selector: {} }
  const limits = (wave: Partial<RolloutWave>) => {
    const { maxConcurrent, maxFailures } = make([{ ...all, ...wave }]).waves[0]!
    return [maxConcurrent, maxFailures]
  }
  assert.deepEqual(limits({ maxConcurrent: '50%', maxFailures: '50%' }), [2, 3])
  assert.deepEqual(limits({ maxConcurrent: '1%', maxFailures: '1%' }), [1, 1])
  assert.deepEqual(limits({ maxConcurrent: 3, maxFailures: 2, mandatory: true }), [3, 0])
  assert.equal(make([all], { maxFailures: '10%' }).maxFailures, 1)
})

// A canary of one cluster with `maxFailures: 10%` failed, and the next wave began.
test('a percentage below 100 never tolerates that every cluster fails', () => {
  const tolerated = (maxFailures: number | string, count: number) =>
    make(
      [
        { name: 'w', count, maxFailures },
        { name: 'rest', selector: {} },
      ].slice(0, 2),
      {
        unmatched: 'lastWave',
      },
    ).waves[0]!.maxFailures
  const shares = ['0%', '1%', '33%', '50%', '99%', '100%']
  assert.deepEqual(
    shares.map((share) => tolerated(share, 1)),
    [0, 0, 0, 0, 0, 1],
  )
  assert.deepEqual(
    shares.map((share) => tolerated(share, 2)),
    [0, 1, 1, 1, 1, 2],
  )
  assert.equal(tolerated(1, 1), 1, 'a number is meant as it is')
  assert.equal(tolerated('50%', 0), 0)
})

test('removals go last, whatever waves say, and empty waves are named', () => {
  const gone = target(old, { ...good, digest: null, size: 0 })
  const plan = make(
    [
      { name: 'one', clusterGroup: 'canaries' },
      { name: 'two', clusterGroup: 'production', after: [{ approval: {} }] },
    ],
    {},
    { a1: gone, b1: target(), undeclared: gone },
  )
  assert.deepEqual(lists(plan), [['one'], ['two', 'b1'], ['removals', 'a1', 'undeclared']])
  assert.deepEqual(emptyWaves(plan), ['one'])
  assert.deepEqual(plan.waves[1]!.after, [{ kind: 'approval', role: 'operator' }])
})

// They went at once where the last wave brought nothing else: its approval was asked of nobody.
test('removals wait for what is before the last wave where nothing else is in it', () => {
  const gone = target(old, { ...good, digest: null, size: 0 })
  const waves = [
    { name: 'one', clusterGroup: 'canaries' },
    { name: 'two', clusterGroup: 'production', before: [{ approval: {} }, { soak: '5m' }] },
  ]
  const alone = make(waves, {}, { a1: target(), b1: gone })
  assert.deepEqual(lists(alone), [['one', 'a1'], ['two'], ['removals', 'b1']])
  assert.deepEqual(alone.waves[2]!.before, alone.waves[1]!.before)
  const both = make(waves, {}, { a1: gone, b1: target() })
  assert.deepEqual(both.waves[2]!.before, [], 'they come after the wave, and so after its gates')
})

test('an application that left Git goes in its waves, and nobody keeps it for being in none, or in two', () => {
  const gone = target(old, { ...good, digest: null, size: 0 })
  const waves: RolloutWave[] = [
    {
      name: 'one',
      clusterGroup: 'canaries',
      after: [{ metric: { template: 'm' } }, { soak: '5m' }],
    },
    {
      name: 'two',
      clusters: ['b1', 'a2'],
      maxConcurrent: 1,
      soak: '10m',
      before: [{ approval: {} }],
    },
  ]
  const rest = { onFailure: 'rollback', supersede: 'queue' } as const
  const plan = make(waves, rest, { a1: gone, a2: gone, b1: gone, b2: gone, undeclared: gone }, true)
  assert.deepEqual([plan.onFailure, plan.supersede], ['pause', 'replace'])
  assert.deepEqual(lists(plan), [
    ['one', 'a1'],
    ['two', 'b1', 'a2', 'b2', 'undeclared'],
  ])
  assert.deepEqual(
    plan.waves.map(({ after }) => after),
    [[{ kind: 'soak', duration: 300_000 }], []],
    'there is nothing to measure any more',
  )
  const [, two] = plan.waves
  assert.deepEqual([two!.soak, two!.maxConcurrent, two!.before.length], [600_000, 1, 1])
  assert.deepEqual(lists(make(undefined, {}, { a1: gone, b1: gone }, true)), [['all', 'a1', 'b1']])
})

test('the content digest is of clusters and digests, not of revision, order or strategy', () => {
  const one = make(undefined)
  const reversed = Object.fromEntries([...names].reverse().map((name) => [name, target(null)]))
  assert.equal(make([{ name: 'w', selector: {} }], {}, reversed).contentDigest, one.contentDigest)
  const other = make(undefined, {}, { ...reversed, a1: target(null, old) })
  assert.notEqual(other.contentDigest, one.contentDigest)
})

test('every cluster is in exactly one wave of an accepted plan', () => {
  const picker = fc.oneof(
    fc.record({ count: fc.oneof(fc.nat({ max: 4 }), fc.constantFrom('30%', '100%')) }),
    fc.record({ selector: fc.constantFrom(env('canary'), env('prod'), {}) }),
    fc.record({ clusters: fc.subarray(names) }),
  )
  fc.assert(
    fc.property(fc.array(picker, { minLength: 1, maxLength: 5 }), (pickers) => {
      const waves = pickers.map((pick, at) => ({ name: `w${at}`, ...pick }))
      let plan
      try {
        plan = make(waves)
      } catch (error) {
        assert.ok(error instanceof HubError && error.faults.length > 0)
        return
      }
      assert.deepEqual(plan.waves.flatMap((wave) => wave.clusters).sort(), names)
    }),
  )
})

test('gates are frozen whole: a template with its defaults and the labels its query names', () => {
  const metrics = new Map([
    [
      'errors',
      {
        spec: {
          provider: { type: 'prometheus' as const, address: 'https://prom.example' },
          query: 'rate(errors{c="${cluster.name}",env="${cluster.labels.env}"}[5m])',
          success: { max: 0.1 },
        },
      },
    ],
  ])
  const after = [
    { approval: { count: 2 } },
    { soak: '90s' },
    { metric: { template: 'errors' } },
    { webhook: { url: 'https://x.example', credential: 'x', deadline: '1h' } },
  ]
  const input: PlanInput = {
    ...{ id: 'r1', application: 'shop', revision: 'main@sha1:x', now: 7, clusters },
    targets: { a1: target(), b1: target() },
    strategy: { waves: [{ name: 'all', selector: {}, after }] },
    gates: { metrics, notAuthor: true },
    author: 'Ada <ada@example.com>',
    trigger: { kind: 'commit', actor: 'git', reason: '' },
  }
  const made = planRollout(input)
  assert.equal(made.author, 'Ada <ada@example.com>')
  const [approval, soak, metric, webhook] = made.waves[0]!.after
  assert.deepEqual(approval, { kind: 'approval', role: 'operator', count: 2, notAuthor: true })
  assert.deepEqual(soak, { kind: 'soak', duration: 90_000 })
  assert.ok(metric?.kind === 'metric')
  const { interval, count, failureLimit, missing, timeout, per, labels } = metric
  assert.deepEqual(
    { interval, count, failureLimit, missing, timeout, per },
    {
      interval: 60_000,
      count: 1,
      failureLimit: 0,
      missing: 'fail',
      timeout: 10_000,
      per: 'cluster',
    },
  )
  assert.deepEqual(labels, { a1: { env: 'canary' }, b1: { env: 'prod' } })
  assert.deepEqual(webhook, {
    ...{ kind: 'webhook', url: 'https://x.example', credential: 'x' },
    ...{ interval: 30_000, deadline: 3_600_000 },
  })
  const patient = { spec: { ...metrics.get('errors')!.spec, timeout: '720h' } }
  const [, , bounded] = planRollout({
    ...input,
    gates: { metrics: new Map([['errors', patient]]) },
  }).waves[0]!.after
  assert.ok(
    bounded?.kind === 'metric' && bounded.timeout === 300_000,
    'no server is waited for longer',
  )
  const bare = { ...clusters, b1: { labels: {}, groups: [] } }
  assert.deepEqual(
    faultsOf(() => planRollout({ ...input, clusters: bare })),
    ['b1 MetricTemplate errors: ${cluster.labels.env}: cluster b1 has no label "env"'],
  )
})
