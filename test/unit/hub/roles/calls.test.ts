import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { type Methods, createAnswerer } from '../../../../hub/roles/answerer.ts'
import { type CallerDeps, createCaller } from '../../../../hub/roles/caller.ts'
import { connectPair } from '../../../support/connections.ts'

const deadlineMs = 1_000

/** A caller and who answers it; `world.away` keeps them apart. */
function world(methods: Methods, change: Partial<CallerDeps & { atOnce: number }> = {}) {
  const faults: string[] = []
  const downs: string[] = []
  const naps: number[] = []
  const news: unknown[] = []
  const timers = new Set<() => void>()
  const answerer = createAnswerer({
    socket: 'sign',
    fleet: 'f',
    methods,
    news: () => ['first'],
    atOnce: change.atOnce ?? 10,
    onFault: (message) => void faults.push(message),
  })
  const world = {
    away: false,
    pair: undefined as ReturnType<typeof connectPair> | undefined,
    wake: () => {},
  }
  const caller = createCaller({
    socket: 'sign',
    fleet: 'f',
    away: 'signer_unavailable',
    async dial(accept) {
      if (world.away) throw new Error('connect ENOENT')
      world.pair = connectPair(answerer.accept, accept)
    },
    random: () => 1,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(undefined)
        naps.push(ms)
        world.wake = () => resolve(undefined)
        signal.addEventListener('abort', () => resolve(undefined))
      }),
    after(_, run) {
      timers.add(run)
      return () => timers.delete(run)
    },
    onNews: (one) => void news.push(one),
    onDown: (error) => void downs.push(error.message),
    ...change,
  })
  return Object.assign(world, { caller, answerer, faults, downs, naps, news, timers })
}

const { signal } = new AbortController()
const never = (): Promise<never> => new Promise(() => {})

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

describe('a call between roles', () => {
  test('gets its own answer, however they cross', async () => {
    const held: (() => void)[] = []
    const { caller, news } = world({
      echo: async (params) => {
        await new Promise<void>((resolve) => held.push(resolve))
        return params
      },
    })
    await caller.ready(signal)
    const calls = [1, 2, 3].map((n) => caller.call('echo', { n }, { deadlineMs }))
    await turns()
    for (const release of held.toReversed()) release()
    assert.deepEqual(await Promise.all(calls), [{ n: 1 }, { n: 2 }, { n: 3 }])
    assert.deepEqual(news, ['first'])
  })

  test('fails as the other end said, with every fault; what it did not mean to say stays there', async () => {
    const faults = [{ message: 'no', file: 'a.yaml', line: 3 }]
    const { caller, faults: seen } = world({
      refuse: async () => Promise.reject(new HubError('sign_forbidden', 'not allowed', { faults })),
      crash: async () => Promise.reject(new Error('password hunter2')),
    })
    await caller.ready(signal)
    await assert.rejects(caller.call('refuse', null, { deadlineMs }), {
      code: 'sign_forbidden',
      message: 'not allowed',
      faults,
    })
    await assert.rejects(caller.call('crash', null, { deadlineMs }), (error: HubError) => {
      assert.equal(error.code, 'internal')
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
    assert.deepEqual(seen, ['crash failed'])
    for (const name of ['attest', '__proto__', 'toString']) {
      await assert.rejects(caller.call(name, null, { deadlineMs }), { code: 'invalid' })
    }
  })

  test('fails at once while the other end is away, and says why', async () => {
    const made = world({})
    made.away = true
    made.pair?.end(undefined)
    await turns()
    await assert.rejects(made.caller.call('any', null, { deadlineMs }), {
      code: 'signer_unavailable',
    })
  })

  test('that waits fails when the connection breaks, and the next one goes through a new connection', async () => {
    let hang = true
    const made = world({ work: async () => (hang ? never() : 'done') })
    await made.caller.ready(signal)
    const call = made.caller.call('work', null, { deadlineMs })
    await turns()
    made.pair!.end(new Error('killed'))
    await assert.rejects(call, { code: 'signer_unavailable', message: /killed/ })
    hang = false
    await turns()
    made.wake()
    await made.caller.ready(signal)
    assert.equal(await made.caller.call('work', null, { deadlineMs }), 'done')
    assert.equal(made.downs.length, 1)
  })

  test('waits for nobody once it was told to stop, be that before', async () => {
    const dials = Promise.withResolvers<never>()
    const { caller } = world({}, { dial: () => dials.promise })
    await assert.rejects(caller.ready(AbortSignal.abort()), { name: 'AbortError' })
    const stop = new AbortController()
    const waiting = caller.ready(stop.signal)
    stop.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
  })

  test('has a deadline, and can be given up; the other end is told to stop', async () => {
    const stopped: string[] = []
    const { caller, timers } = world({
      async work(params, signal) {
        signal.addEventListener('abort', () => stopped.push(String(params)))
        return never()
      },
    })
    await caller.ready(signal)
    const late = caller.call('work', 'late', { deadlineMs })
    await turns()
    for (const run of timers) run()
    await assert.rejects(late, { code: 'signer_unavailable', message: /within 1000 ms/ })
    const giveUp = new AbortController()
    const given = caller.call('work', 'given up', { deadlineMs, signal: giveUp.signal })
    await turns()
    giveUp.abort(new Error('enough'))
    await assert.rejects(given, { message: 'enough' })
    await turns()
    assert.deepEqual(stopped, ['late', 'given up'])
    assert.equal(timers.size, 0)
  })

  test('is not read while as many as may be are worked on', async () => {
    const held: (() => void)[] = []
    const made = world(
      { work: () => new Promise<void>((resolve) => held.push(resolve)) },
      { atOnce: 2 },
    )
    await made.caller.ready(signal)
    const calls = [1, 2].map(() => made.caller.call('work', null, { deadlineMs }))
    await turns()
    assert.equal(made.pair!.paused[0], true)
    held[0]!()
    await calls[0]
    assert.equal(made.pair!.paused[0], false)
    held[1]!()
    await calls[1]
  })
})

describe('a connection between roles', () => {
  test('to another fleet or another socket is refused by name', async () => {
    for (const [change, words] of [
      [{ fleet: 'g' }, /fleet f, not g/],
      [{ socket: 'attest' as const }, /the sign socket/],
    ] as const) {
      const { caller, downs } = world({}, change)
      await turns()
      assert.match(downs[0]!, words)
      await assert.rejects(caller.call('any', null, { deadlineMs }), words)
    }
  })

  test('tells of no end that its own side wants', async () => {
    const { caller, downs } = world({})
    await caller.ready(signal)
    await caller.close()
    assert.deepEqual(downs, [])
  })

  test('is tried again ever more rarely, and said once', async () => {
    const made = world({})
    made.away = true
    made.pair!.end(undefined)
    for (let n = 0; n < 8; n += 1) {
      await turns()
      made.wake()
    }
    assert.deepEqual(made.naps.slice(0, 7), [50, 100, 200, 400, 800, 1_600, 2_000])
    assert.equal(made.downs.length, 1)
    await made.caller.close()
  })

  test('ends at the first frame that is no question', async () => {
    const bad = [
      '',
      'null',
      '[]',
      '{"id":0,"method":"m"}',
      '{"id":1}',
      '{"id":"1","method":"m"}',
      '{"cancel":-1}',
      '['.repeat(50_000),
    ]
    for (const text of bad) {
      const { answerer } = world({})
      let closed: unknown
      connectPair(answerer.accept, (connection) => {
        queueMicrotask(() => connection.send(Buffer.from(text)))
        return { onFrame() {}, onClose: (cause) => void (closed = cause) }
      })
      await turns()
      assert.ok(closed instanceof Error, text.slice(0, 40))
    }
  })

  test('drains: what was asked is answered, what comes after is refused', async () => {
    const held = Promise.withResolvers<string>()
    const { caller, answerer } = world({ work: () => held.promise })
    await caller.ready(signal)
    const call = caller.call('work', null, { deadlineMs })
    await turns()
    const drained = answerer.drain()
    await assert.rejects(caller.call('work', null, { deadlineMs }), { code: 'busy' })
    held.resolve('done')
    await drained
    assert.equal(await call, 'done')
  })
})
