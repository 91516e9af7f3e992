import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLooks } from '../../../../../hub/rollout/advance/looks.ts'

/** A rollout of so many clusters in flight whose looks take so long. */
function createWorld(inFlight: number, tookMs: number) {
  let now = 0
  const due: { at: number; run: () => void }[] = []
  const looks: number[] = []
  const notice = createLooks({
    async look() {
      looks.push(now)
      now += tookMs
    },
    inFlight: () => inFlight,
    clock: () => now,
    later: (ms, run) => void due.push({ at: now + ms, run }),
  })
  async function pass(ms: number): Promise<void> {
    const end = now + ms
    for (;;) {
      await new Promise(setImmediate)
      const next = due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      due.splice(due.indexOf(next), 1)
      now = Math.max(now, next.at)
      next.run()
    }
    now = Math.max(now, end)
  }
  const hear = (count: number): void => {
    for (let n = 0; n < count; n += 1) notice(['shop'])
  }
  return { looks, pass, hear }
}

describe('looks at a rollout', () => {
  test('the first news is looked at at once, and again when there was none for long', async () => {
    const { looks, pass, hear } = createWorld(10, 5)
    hear(1)
    assert.deepEqual(looks, [0])
    await pass(1_000)
    hear(1)
    assert.deepEqual(looks, [0, 1_005])
  })

  test('all have reported: looked at after the short rest; some have: after the long one', async () => {
    for (const [news, at] of [
      [10, 35],
      [9, 125],
    ] as const) {
      const { looks, pass, hear } = createWorld(10, 5)
      hear(1)
      await pass(10)
      hear(news)
      await pass(1_000)
      assert.deepEqual(looks, [0, at], `${news} reports`)
    }
  })

  test('the last report of all makes the look, when the short rest is over', async () => {
    const { looks, pass, hear } = createWorld(10, 5)
    hear(1)
    await pass(60)
    hear(9)
    assert.deepEqual(looks, [0])
    hear(1)
    assert.deepEqual(looks, [0, 65])
  })

  test('news during a look is looked at, and nothing looks without news', async () => {
    const { looks, pass, hear } = createWorld(1, 5)
    hear(3)
    await pass(10_000)
    assert.deepEqual(looks, [0, 35])
  })

  test('a storm of reports makes few looks: they take at most a seventh of the time', async () => {
    const { looks, pass, hear } = createWorld(1_000, 20)
    for (let ms = 0; ms < 5_000; ms += 10) {
      hear(50)
      await pass(10)
    }
    assert.ok(looks.length <= 5_000 / (7 * 20) + 1, `${looks.length} looks`)
    assert.ok(looks.length > 5, `${looks.length} looks`)
  })
})
