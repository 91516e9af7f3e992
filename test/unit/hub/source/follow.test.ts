import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { followSource } from '../../../../hub/source/follow.ts'
import type { Mirror } from '../../../../hub/source/source.ts'

/** A source under a clock of ours: `advance` lets time pass, sleeps end when it is their time. */
function createWorld(hold?: Promise<void>) {
  const stop = new AbortController()
  const sleeps = new Set<{ at: number; wake: () => void }>()
  const world = {
    time: 0,
    fetches: 0,
    running: 0,
    mostRunning: 0,
    answer: (): string => 'main@sha1:1',
    seen: [] as string[],
    failures: [] as string[],
  }
  const mirror = {
    async fetch() {
      world.fetches += 1
      world.running += 1
      world.mostRunning = Math.max(world.mostRunning, world.running)
      // Holds every fetch until the test lets go.
      await hold
      world.running -= 1
      return world.answer()
    },
  } as unknown as Mirror
  const source = followSource(mirror, {
    interval: () => 60_000,
    now: () => world.time,
    random: () => 0.5,
    signal: stop.signal,
    sleep: async (milliseconds, signal) =>
      new Promise<void>((resolve, reject) => {
        const sleep = { at: world.time + milliseconds, wake: resolve }
        sleeps.add(sleep)
        signal.addEventListener('abort', () => {
          sleeps.delete(sleep)
          reject(signal.reason as Error)
        })
      }),
    onRevision: (revision) => {
      world.seen.push(revision)
    },
    onFailure: (error) => {
      world.failures.push(error.message)
    },
  })
  const settle = async () => new Promise<void>((resolve) => setImmediate(resolve))
  async function advance(milliseconds: number): Promise<void> {
    await settle()
    world.time += milliseconds
    for (const sleep of sleeps) {
      if (sleep.at > world.time) continue
      sleeps.delete(sleep)
      sleep.wake()
    }
    await settle()
  }
  async function end(): Promise<void> {
    stop.abort()
    await source.ended
  }
  return { world, source, advance, end, settle }
}

test('tells of a revision once, and of the next when it comes', async () => {
  const { world, source, advance, end } = createWorld()
  await advance(0)
  await advance(60_000)
  assert.deepEqual([world.fetches, world.seen], [2, ['main@sha1:1']])
  world.answer = () => 'main@sha1:2'
  await advance(60_000)
  assert.deepEqual(world.seen, ['main@sha1:1', 'main@sha1:2'])
  assert.deepEqual(source.state, {
    revision: 'main@sha1:2',
    lastFetchedAt: 120_000,
    nextFetchAt: 180_000,
    failure: null,
  })
  await end()
})

test('B68, T28: a hint is heeded at once; a thousand in a burst make one more fetch', async () => {
  const { world, source, advance, end } = createWorld()
  await advance(1_000)
  source.hint()
  await advance(0)
  assert.equal(world.fetches, 2)
  for (let index = 0; index < 1_000; index += 1) source.hint()
  await advance(0)
  assert.equal(world.fetches, 2)
  await advance(200)
  assert.equal(world.fetches, 3)
  await advance(1_000)
  assert.equal(world.fetches, 3)
  await end()
})

test('a hint during a fetch makes another after it, never beside it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { world, source, advance, end } = createWorld(promise)
  await advance(0)
  source.hint()
  source.hint()
  await advance(500)
  assert.equal(world.fetches, 1)
  world.answer = () => 'main@sha1:2'
  resolve()
  await advance(200)
  await advance(200)
  assert.deepEqual([world.fetches, world.mostRunning], [2, 1])
  await end()
})

test('failures back off, keep the last good revision, and end with the next good fetch', async () => {
  const { world, source, advance, end } = createWorld()
  await advance(0)
  world.answer = () => {
    throw new HubError('source_unreachable', 'down')
  }
  await advance(60_000)
  assert.equal(source.state.revision, 'main@sha1:1')
  assert.deepEqual([source.state.failure?.count, source.state.failure?.since], [1, 60_000])
  await advance(700)
  assert.equal(world.fetches, 2)
  await advance(50)
  assert.equal(world.fetches, 3)
  assert.deepEqual(world.failures, ['down', 'down'])
  world.answer = () => 'main@sha1:1'
  await advance(1_500)
  assert.equal(source.state.failure, null)
  assert.deepEqual(world.seen, ['main@sha1:1'])
  await end()
})

test('it ends when told to, in the middle of a wait', async () => {
  const { world, advance, end } = createWorld()
  await advance(0)
  await end()
  await advance(600_000)
  assert.equal(world.fetches, 1)
})
