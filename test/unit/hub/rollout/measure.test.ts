import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { evaluateGate } from '../../../../hub/rollout/measure/cel.ts'
import { parseGateCredentials, pickCredential } from '../../../../hub/rollout/measure/credential.ts'
import { fillQuery, measureMetric, readValues } from '../../../../hub/rollout/measure/prometheus.ts'
import type { Question } from '../../../../hub/rollout/measure/question.ts'
import { readVerdict, signBody, writeEvent } from '../../../../hub/rollout/measure/webhook.ts'
import type { MetricGate } from '../../../../hub/rollout/gate/planned-gate.ts'
import { plan, wave } from './world.ts'

const planned: MetricGate = {
  kind: 'metric',
  template: 'errors',
  address: 'https://prom.example/base/',
  query: 'up',
  per: 'cluster',
  labels: {},
  success: { max: 1 },
  interval: 1_000,
  count: 1,
  failureLimit: 0,
  missing: 'fail',
  timeout: 5_000,
}
const asked = {
  gate: '0/after/0',
  since: 1_000,
  round: 2,
  planned,
  wave: 'canary',
  clusters: ['a', 'b'],
}
const rollout = plan([wave('canary', ['a', 'b'])])
const unreachable = (words: RegExp) => (error: unknown) =>
  error instanceof HubError && error.code === 'gate_unreachable' && words.test(error.message)
const { signal } = new AbortController()

describe('a metric', () => {
  test('fills in what its query names', () => {
    const query =
      'x{app="${application}",wave="${wave.name}",c="${cluster.name}",r="${cluster.labels.topology/region}"}'
    const labels = { a: { 'topology/region': 'eu-1' } }
    assert.equal(
      fillQuery(rollout, { ...asked, planned: { ...planned, query, labels } }, 'a'),
      'x{app="shop",wave="canary",c="a",r="eu-1"}',
    )
    const whole = { ...planned, query: 'y{c=~"${wave.clusters}"}', per: 'wave' } as const
    assert.equal(fillQuery(rollout, { ...asked, planned: whole }, '*'), 'y{c=~"a|b"}')
  })

  test('never lets a label write the query', () => {
    const query = 'x{r="${cluster.labels.region}"}'
    const labels = { a: { region: 'eu"} or vector(0) #' } }
    assert.throws(
      () => fillQuery(rollout, { ...asked, planned: { ...planned, query, labels } }, 'a'),
      unreachable(/not a plain word/),
    )
  })

  test('reads numbers and instant vectors, and says what it cannot read', () => {
    const success = (resultType: string, result: unknown) => ({
      status: 'success',
      data: { resultType, result },
    })
    assert.deepEqual(readValues(200, success('scalar', [1, '0.5'])), [0.5])
    const vector = ['1', 'NaN', '+Inf', '-Inf'].map((text) => ({ metric: {}, value: [1, text] }))
    assert.deepEqual(readValues(200, success('vector', vector)), [1, NaN, Infinity, -Infinity])
    assert.deepEqual(readValues(200, success('vector', [])), [])
    assert.throws(() => readValues(200, success('matrix', [])), unreachable(/gives a matrix/))
    assert.throws(
      () => readValues(400, { status: 'error', error: 'parse error' }),
      unreachable(/answered 400: parse error/),
    )
    for (const body of [null, 'busy', [], { status: 'success' }, success('vector', [{}])]) {
      assert.throws(() => readValues(200, body), unreachable(/Prometheus/))
    }
  })

  test('takes no value from an answer that a part of the store was missing from', () => {
    const answer = (warnings: readonly string[]) => ({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: {}, value: [1, '0'] }] },
      warnings,
    })
    const away = 'receive series from store-2: connection refused'
    assert.throws(
      () => readValues(200, answer(['PromQL info: not a counter', away])),
      unreachable(/may lack data: receive series from store-2/),
    )
    assert.deepEqual(readValues(200, answer(['PromQL info: not a counter'])), [0])
    // So does a VictoriaMetrics of which a vmstorage is away.
    assert.throws(
      () => readValues(200, { ...answer([]), isPartial: true }),
      unreachable(/may lack data: it is partial/),
    )
    assert.deepEqual(readValues(200, { ...answer([]), isPartial: false }), [0])
  })

  test('that names a large wave is posted, since proxies refuse so long an address', async () => {
    const clusters = Array.from({ length: 1_000 }, (_, at) => `cluster-${at}`)
    const whole = { ...planned, query: 'sum(e{c=~"${wave.clusters}"})', per: 'wave' } as const
    const questions: Question[] = []
    const ask = async (question: Question) => {
      questions.push(question)
      const data = { resultType: 'scalar', result: [1, '7'] }
      return { status: 200, body: { status: 'success', data } }
    }
    await measureMetric(rollout, { ...asked, clusters, planned: whole }, ask, signal)
    const [{ url, post }] = questions as [Question]
    assert.equal(url.href, 'https://prom.example/base/api/v1/query')
    assert.equal(post?.type, 'application/x-www-form-urlencoded')
    assert.equal(new URLSearchParams(post.body).get('query'), `sum(e{c=~"${clusters.join('|')}"})`)
  })

  test('says which cluster has no answer, and of several always the same', async () => {
    const cases: [string, readonly string[]][] = [
      ['b', ['b']],
      ['a', ['a', 'b']],
    ]
    for (const [named, broken] of cases) {
      const ask = async ({ url }: Question) => {
        const cluster = url.searchParams.get('query')!
        // The first of them takes the longest.
        if (cluster === 'a') await new Promise((resolve) => setImmediate(resolve))
        if (broken.includes(cluster)) return { status: 422, body: { error: 'too many samples' } }
        const data = { resultType: 'scalar', result: [1, '0'] }
        return { status: 200, body: { status: 'success', data } }
      }
      const measurement = { ...asked, planned: { ...planned, query: '${cluster.name}' } }
      await assert.rejects(
        measureMetric(rollout, measurement, ask, signal),
        unreachable(new RegExp(`^${named}: Prometheus answered 422: too many samples$`)),
      )
    }
  })

  test('takes no text for a number', () => {
    for (const text of ['', ' ', 'null', 'high', '5%']) {
      const data = { resultType: 'scalar', result: [1, text] }
      assert.throws(() => readValues(200, { status: 'success', data }), unreachable(/another form/))
    }
    const data = { resultType: 'scalar', result: [1, '1.5e-7'] }
    assert.deepEqual(readValues(200, { status: 'success', data }), [1.5e-7])
  })

  test('of a wave in which no cluster runs it asks for no series without a cluster', async () => {
    const whole = { ...planned, query: 'sum(e{c=~"${wave.clusters}"})', per: 'wave' } as const
    const never = () => Promise.reject(new Error('it was asked'))
    const answer = await measureMetric(
      rollout,
      { ...asked, clusters: [], planned: whole },
      never,
      signal,
    )
    assert.deepEqual(answer, { kind: 'values', values: { '*': [] } })
  })

  test('asks once for each cluster or once for the wave, and one failure leaves no answer', async () => {
    const questions: Question[] = []
    const ask = async (question: Question) => {
      questions.push(question)
      return {
        status: 200,
        body: { status: 'success', data: { resultType: 'scalar', result: [1, '7'] } },
      }
    }
    const each = { ...planned, query: 'up{c="${cluster.name}"}' }
    assert.deepEqual(await measureMetric(rollout, { ...asked, planned: each }, ask, signal), {
      kind: 'values',
      values: { a: [7], b: [7] },
    })
    assert.deepEqual(
      questions.map(({ url }) => [url.origin + url.pathname, url.searchParams.get('query')]),
      [
        ['https://prom.example/base/api/v1/query', 'up{c="a"}'],
        ['https://prom.example/base/api/v1/query', 'up{c="b"}'],
      ],
    )
    const wide = { ...planned, per: 'wave' } as const
    const answer = await measureMetric(rollout, { ...asked, planned: wide }, ask, signal)
    assert.deepEqual(answer, { kind: 'values', values: { '*': [7] } })
    let times = 0
    const flaky = async () => {
      times += 1
      return times === 2 ? { status: 503, body: '' } : ask(questions[0]!)
    }
    await assert.rejects(
      measureMetric(rollout, { ...asked, planned }, flaky, signal),
      unreachable(/503/),
    )
  })
})

describe('a webhook', () => {
  test('is told what it is asked about, under one id however often', () => {
    const { id, body } = writeEvent(rollout, asked, 5_000)
    assert.equal(id, 'r1/0/after/0/1000')
    assert.equal(writeEvent(rollout, { ...asked, round: 3 }, 9_000).id, id)
    const event = JSON.parse(body) as Record<string, unknown>
    assert.equal(event['specversion'], '1.0')
    assert.equal(event['type'], 'dev.groundswell.gate.asked.v1')
    assert.deepEqual((event['data'] as { clusters: string[] }).clusters, ['a', 'b'])
  })

  test('gets a signature that anybody with the secret can check', () => {
    const secret = Buffer.from('a secret of enough bytes')
    const headers = signBody(secret, 'id-1', 12_345, '{}')
    const mac = createHmac('sha256', secret).update('id-1.12.{}').digest('base64')
    assert.deepEqual(headers, {
      'webhook-id': 'id-1',
      'webhook-timestamp': '12',
      'webhook-signature': `v1,${mac}`,
    })
    assert.throws(() => signBody(Buffer.from('short'), 'i', 0, ''), unreachable(/fewer than 16/))
  })

  test('decides by pass, fail and wait with status 200, and by nothing else', () => {
    assert.deepEqual(readVerdict(200, { verdict: 'wait', reason: 'CHG7 is open' }), {
      kind: 'verdict',
      verdict: 'wait',
      message: 'CHG7 is open',
    })
    for (const [status, body] of [
      [200, { verdict: 'PASS' }],
      [200, { verdict: true }],
      [200, null],
      [200, 'pass'],
      [201, { verdict: 'pass' }],
      [302, { verdict: 'pass' }],
      [500, { verdict: 'pass' }],
    ] as const) {
      assert.equal(
        readVerdict(status, body).kind,
        'unanswered',
        `${status} ${JSON.stringify(body)}`,
      )
    }
  })
})

describe('a condition', () => {
  const facts = {
    clusters: [
      {
        name: 'a',
        labels: { ring: 'canary' },
        connected: true,
        kubernetesVersion: '1.35.4',
        nodes: 3,
        applications: {
          shop: { phase: 'Applied', health: 'Current', current: true, driftedObjects: 0 },
        },
      },
    ],
    fleet: { clusters: 5, connected: 4, health: { Current: 3, Failed: 1 } },
  }
  const evaluate = (expression: string) => {
    const cel = { kind: 'cel', expression, interval: 1_000 } as const
    const answer = evaluateGate(rollout, { ...asked, planned: cel }, facts, (run) => run())
    return answer.kind === 'verdict' ? answer.verdict : answer.kind
  }

  test('passes when it holds, waits when it does not, and says so when it cannot be told', () => {
    assert.equal(evaluate('clusters.all(c, c.connected && c.nodes >= 3)'), 'pass')
    assert.equal(evaluate('clusters.all(c, c.applications["shop"].current)'), 'pass')
    assert.equal(evaluate('fleet.health.?Failed.orValue(0) == 0'), 'wait')
    assert.equal(evaluate('fleet.health.?Unknown.orValue(0) == 0'), 'pass')
    assert.equal(evaluate('rollout.wave == "canary" && rollout.application == "shop"'), 'pass')
    assert.equal(evaluate('fleet.health.Unknown == 0'), 'unanswered')
    assert.equal(evaluate('1 / 0 == 1'), 'unanswered')
  })
})

describe('gate credentials', () => {
  test('are bound to their hosts, and every fault is told at once', () => {
    const found = parseGateCredentials(
      {
        prom: { hosts: ['prom.example', '*.corp'], tokenFile: '/t' },
        hook: { hosts: ['hook.example'], secretFile: '/s' },
      },
      'gates.yaml',
    )
    assert.equal(pickCredential(found, 'prom', 'prom.example')?.tokenFile, '/t')
    assert.equal(pickCredential(found, 'prom', 'a.corp')?.tokenFile, '/t')
    assert.equal(pickCredential(found, undefined, 'any.example'), undefined)
    assert.throws(() => pickCredential(found, 'prom', 'evil.example'), unreachable(/is for prom/))
    assert.throws(() => pickCredential(found, 'other', 'prom.example'), unreachable(/no "other"/))
    const bad = {
      a: { tokenFile: '/t' },
      b: { hosts: ['https://x'], tokenFile: '/t' },
      c: { hosts: ['x'], username: 'u' },
      d: { hosts: ['x'] },
      e: { hosts: ['x'], tokenFile: '/t', token: 'in the open' },
    }
    assert.throws(
      () => parseGateCredentials(bad, 'gates.yaml'),
      (error: unknown) =>
        error instanceof HubError && new Set(error.faults.map(({ object }) => object)).size === 5,
    )
  })
})
