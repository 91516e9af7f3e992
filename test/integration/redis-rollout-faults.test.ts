import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { openChaosProxy } from '../support/chaos-proxy.ts'
import { judgeLedger } from '../support/ledger-oracle.ts'
import { createDeafWakeUps, lastFor, playRollout } from '../support/played-rollout.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { createSeed } from '../support/seed.ts'

/* What a Redis does to a rollout that is short of losing everything; the oracle judges the ledger. */

let server: TestRedis
let redis: Redis
let fleets = 0
/** Offers of a rollout that nothing disturbs: one a cluster. */
const offers = 5

before(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
})
after(async () => {
  redis.disconnect()
  await server.stop()
})

/** Keys of a fleet as they are now, and a way back to them. */
async function copyKeys(fleet: string): Promise<() => Promise<void>> {
  const keys = await redis.keys(`gs:{${fleet}}:*`)
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  return async () => {
    const now = await redis.keys(`gs:{${fleet}}:*`)
    if (now.length > 0) await redis.del(...now)
    for (const [at, key] of keys.entries()) {
      const dump = dumps[at]
      if (dump) await redis.restore(key, 0, dump, 'REPLACE')
    }
  }
}

type Disturb = (fleet: string) => Promise<void>

const disturbances: Readonly<Record<string, Disturb>> = {
  /* F13 */
  'a replica that may not be written': async () => {
    await redis.replicaof('127.0.0.1', 1)
    await lastFor(250)
    await redis.replicaof('NO', 'ONE')
  },
  'no memory left': async () => {
    await redis.config('SET', 'maxmemory', '1')
    await lastFor(250)
    await redis.config('SET', 'maxmemory', '0')
  },
  /* F15 */
  'a Redis that hangs': async () => {
    await redis.client('PAUSE', 400, 'ALL')
  },
  'all connections cut': async () => {
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  },
  flushed: async () => {
    await redis.flushall()
  },
}

async function play(name: string, points: readonly number[], disturb: Disturb): Promise<void> {
  const fleet = `fault${(fleets += 1)}`
  const played = await playRollout({
    ...{ url: server.url, fleet },
    at: async (step) => {
      if (points.includes(step)) await disturb(fleet)
    },
  })
  assert.equal(judgeLedger(played.text).offers, offers, `${name}: nothing was offered twice`)
}

describe('a rollout goes on and ends the same', () => {
  const points = [2, 4, 7]
  for (const [title, name] of [
    ['F13: after it was a replica', 'a replica that may not be written'],
    ['F13: after it was full', 'no memory left'],
    ['F15: after it hung', 'a Redis that hangs'],
    ['F15: after it was unreachable', 'all connections cut'],
  ] as const) {
    test(title, () => play(name, points, disturbances[name]!))
  }

  test('F12: after a failover that lost the last writes', async () => {
    const copies = new Map<number, () => Promise<void>>()
    let step = 0
    await play('failover', [1, 2, 3, 4, 5, 6, 7, 8], async (fleet) => {
      step += 1
      copies.set(step, await copyKeys(fleet))
      if (step % 3 !== 0) return
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await copies.get(step - 1)!()
    })
  })

  test('F8: when answers are swallowed: done, and the caller does not know', async () => {
    await using proxy = await openChaosProxy(new URL(server.url).host)
    const { text } = await playRollout({
      ...{ url: `redis://${proxy.address}`, fleet: 'swallow' },
      at: async (step) => {
        if (step % 3 !== 0) return
        proxy.freeze('down')
        await lastFor(150)
        proxy.reset()
      },
    })
    assert.equal(judgeLedger(text).offers, offers)
  })

  test('F17, F18: when no wake-up ever comes: the sweep alone brings it to its end', async () => {
    const { text } = await playRollout({
      url: server.url,
      fleet: 'deaf',
      wakeUps: createDeafWakeUps,
    })
    assert.equal(judgeLedger(text).offers, offers)
  })

  test('F58: in 20 compositions by chance, with crashes of the hub: none lost, no wave too early', async () => {
    const seed = createSeed(process.env['SEED'])
    const names = [...Object.keys(disturbances), 'the hub dies']
    for (let round = 0; round < 20; round += 1) {
      const fleet = `any${(fleets += 1)}`
      const said: string[] = []
      const { text } = await playRollout({
        ...{ url: server.url, fleet },
        at: async (step, restart) => {
          if (seed.random() > 0.3) return
          const name = names[Math.floor(seed.random() * names.length)]!
          said.push(`${name} at ${step}`)
          if (name === 'the hub dies') await restart()
          else await disturbances[name]!(fleet)
        },
      }).catch((cause: unknown) => {
        throw new Error(`SEED=${seed.text}, round ${round}: ${said.join('; ')}`, { cause })
      })
      assert.equal(judgeLedger(text).offers, offers, `SEED=${seed.text}: ${said.join('; ')}`)
    }
  })
})
