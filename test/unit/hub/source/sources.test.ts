import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { Mirror, SourceSpec } from '../../../../hub/source/source.ts'
import { createSources, viewSource } from '../../../../hub/source/sources.ts'

/** Sources whose fetches, sleeps and mirrors are ours to see. */
function createWorld() {
  const stop = new AbortController()
  const world = {
    fetches: 0,
    closed: 0,
    time: 1_000,
    delays: [] as number[],
    failing: false,
    wake: () => undefined as void,
  }
  const mirror = () =>
    ({
      async fetch() {
        world.fetches += 1
        if (world.failing) throw new HubError('source_unreachable', 'away')
        return 'main@sha1:1'
      },
      signer: () => null,
      close: async () => {
        world.closed += 1
      },
    }) as unknown as Mirror
  const sources = createSources({
    directory: '/mirrors',
    openMirror: async () => mirror(),
    timing: {
      now: () => world.time,
      random: () => 0.5,
      sleep: async (milliseconds, signal) => {
        world.delays.push(milliseconds)
        await new Promise<void>((resolve, reject) => {
          world.wake = resolve
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      },
    },
    onRevision: async () => undefined,
    onFailure: () => undefined,
    signal: stop.signal,
  })
  const settle = async () => new Promise<void>((resolve) => setImmediate(resolve))
  const see = (name = 'apps') => viewSource(sources.list().find(({ spec }) => spec.name === name)!)
  return { world, sources, settle, see, stop }
}

const spec: SourceSpec = {
  name: 'apps',
  url: 'https://git.example/a.git',
  ref: { branch: 'main' },
  timeout: 1_000,
}

test('a suspended source is fetched no more, keeps what it had, and goes on when it is taken up', async () => {
  const { world, sources, settle, see, stop } = createWorld()
  await sources.open(spec)
  sources.follow('apps', 60_000)
  await settle()
  assert.deepEqual([world.fetches, see().nextFetchAt], [1, 61_000])
  sources.suspend('apps')
  sources.hint('apps')
  await settle()
  assert.equal(world.fetches, 1)
  const { suspended, revision, nextFetchAt, lastFetchedAt } = see()
  assert.deepEqual(
    [suspended, revision, nextFetchAt, lastFetchedAt],
    [true, 'main@sha1:1', null, 1_000],
  )
  assert.ok(sources.mirror('apps'), 'what was read stays readable')
  sources.follow('apps', 60_000)
  await settle()
  assert.deepEqual([world.fetches, see().suspended], [2, false])
  stop.abort()
})

test('another interval is heeded from the next poll on', async () => {
  const { world, sources, settle, see, stop } = createWorld()
  await sources.open(spec)
  sources.follow('apps', 60_000)
  await settle()
  await sources.open(spec)
  sources.follow('apps', 10_000)
  assert.equal(see().interval, 10_000)
  world.wake()
  await settle()
  assert.deepEqual(world.delays, [60_000, 10_000])
  assert.equal(world.closed, 0)
  stop.abort()
})

test('what is another source is opened anew, and what is the same is not', async () => {
  const { world, sources, stop } = createWorld()
  const first = await sources.open(spec)
  assert.equal(await sources.open({ ...spec }), first)
  const changes: Partial<SourceSpec>[] = [
    { url: 'https://git.example/b.git' },
    { ref: { semver: '^1' } },
    { credential: 'x' },
    { verify: { signers: 'team', object: 'commit' } },
    { verify: { signers: 'others', object: 'commit' } },
  ]
  for (const [at, change] of changes.entries()) {
    const before = sources.mirror('apps')
    assert.notEqual(await sources.open({ ...spec, ...change }), before)
    assert.equal(world.closed, at + 1)
  }
  stop.abort()
})

test('a failure is told with its code, since when, and how often', async () => {
  const { world, sources, settle, see, stop } = createWorld()
  world.failing = true
  await sources.open(spec)
  sources.follow('apps', 60_000)
  await settle()
  world.time = 9_000
  world.wake()
  await settle()
  assert.deepEqual(see().failure, {
    ...{ code: 'source_unreachable', message: 'away' },
    ...{ since: 1_000, count: 2 },
  })
  stop.abort()
})
