import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { judgeLedger } from '../support/ledger-oracle.ts'
import { playRollout } from '../support/played-rollout.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

/* Redis loses everything in the middle of a rollout, at each point where it may stand. */

let server: TestRedis
let redis: Redis
before(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
})
after(async () => {
  redis.disconnect()
  await server.stop()
})

const leastPoints = 12

test('F11: FLUSHALL at any point of a rollout changes nothing of how it goes', async () => {
  const { steps, text } = await playRollout({ url: server.url, fleet: 'whole' })
  assert.ok(steps >= leastPoints, `${steps} points`)
  const offers = judgeLedger(text).offers
  for (let point = 1; point <= steps; point += 1) {
    const flushed = await playRollout({
      ...{ url: server.url, fleet: `flush${point}` },
      at: async (step) => {
        if (step === point) await redis.flushall()
      },
    })
    assert.equal(flushed.steps, steps)
    assert.equal(judgeLedger(flushed.text).offers, offers, `nothing was offered twice, at ${point}`)
  }
})
