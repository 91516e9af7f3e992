import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNews } from '../../../../hub/roles/news.ts'

function world() {
  const taken: string[] = []
  const naps: number[] = []
  const life = new AbortController()
  const world = { broken: 0, during: async (): Promise<void> => {} }
  const news = createNews({
    async onRevision(name, revision) {
      await world.during()
      if (world.broken > 0) {
        world.broken -= 1
        throw new Error('Redis is away')
      }
      taken.push(`${name} ${revision}`)
    },
    onFailure() {},
    sleep: async (ms) => void naps.push(ms),
    signal: life.signal,
  })
  return Object.assign(world, { news, taken, naps, life })
}

test('news waits until somebody follows it, the newest of each name alone', async () => {
  const { news, taken } = world()
  for (const revision of ['1', '2', '3']) news.put('fleet', revision)
  news.put('apps', '7')
  await news.settle()
  assert.deepEqual(taken, [])
  news.follow()
  await news.settle()
  assert.deepEqual(taken, ['fleet 3', 'apps 7'])
})

test('news that cannot be taken in is told again, unless it was overtaken', async () => {
  const made = world()
  made.broken = 3
  made.news.follow()
  made.news.put('fleet', '1')
  await made.news.settle()
  assert.deepEqual(made.taken, ['fleet 1'])
  assert.deepEqual(made.naps, [1_000, 2_000, 4_000])
  made.broken = 1
  made.during = async () => {
    made.during = async () => {}
    made.news.put('fleet', '3')
  }
  made.news.put('fleet', '2')
  await made.news.settle()
  assert.deepEqual(made.taken, ['fleet 1', 'fleet 3'])
})

test('news ends with the process', async () => {
  const made = world()
  made.broken = Infinity
  made.during = async () => made.life.abort()
  made.news.follow()
  made.news.put('fleet', '1')
  await made.news.settle()
  assert.deepEqual(made.taken, [])
})
