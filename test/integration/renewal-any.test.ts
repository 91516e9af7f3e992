import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCertificateKey } from '../../agent/link/x509.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { openRenewalWorld } from '../support/renewal-world.ts'
import { createSeed } from '../support/seed.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* Certificates renewed over links that lose and delay, and a disk that fails: `RENEWAL_RUNS=10000` for a night. */

const runs = Number(process.env['RENEWAL_RUNS'] ?? 400)
const lifeMs = 3_600_000

test(`T20: an honest agent is never taken for two, ${runs} times`, async (t) => {
  await using directory = await createTempDir('renewal')
  const time = { now: Date.now() }
  const authority = await loadAuthority(directory.path, 'f', () => time.now, lifeMs)
  const keys = await Promise.all(Array.from({ length: 40 }, () => createCertificateKey()))
  let next = 0
  const makeKey = () => keys[(next += 1) % keys.length]!
  const from = createSeed(process.env['SEED'])
  t.diagnostic(`seed ${from.text}`)
  for (let run = 0; run < runs; run += 1) {
    const seed = createSeed(String((Number(from.text) + run) % 2 ** 31))
    const world = await openRenewalWorld(seed, authority, time, makeKey)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(seed.random() * list.length)]!
    const pass = (ms: number) => void (time.now += ms)
    const moves: readonly (() => unknown)[] = [
      ...Array.from({ length: 3 }, () => () => pass(Math.floor(seed.random() * (lifeMs / 5)))),
      ...Array.from({ length: 3 }, () => () => {
        pass(60_000)
        return world.ask()
      }),
      ...Array.from({ length: 3 }, () => world.answer),
      ...Array.from({ length: 2 }, () => world.take),
      ...Array.from({ length: 4 }, () => () => world.connected() || world.dial()),
      ...[world.lose, world.cut, world.crash],
      () => (world.faults.save = pick(['none', 'before', 'after'])),
      () => (world.faults.save = 'none'),
      () => (world.faults.claimLost = seed.random() < 0.5),
    ]
    await world.dial()
    for (let move = 0; move < 60; move += 1) {
      await pick(moves)()
      assert.equal(world.lockedFor(), undefined, `SEED=${seed.text}`)
    }
    Object.assign(world.faults, { save: 'none', claimLost: false })
    for (let tries = 0; tries < 6 && !world.connected(); tries += 1) {
      pass(400_000)
      await world.dial()
    }
    assert.ok(world.connected() || !world.mayClaim(), `SEED=${seed.text}: it finds its way back`)
  }
})

test('T20: an answer that another has taken the place of is asked for again', async () => {
  await using directory = await createTempDir('renewal')
  const time = { now: Date.now() }
  const authority = await loadAuthority(directory.path, 'f', () => time.now, lifeMs)
  const keys = await Promise.all(Array.from({ length: 2 }, () => createCertificateKey()))
  const world = await openRenewalWorld(createSeed('1'), authority, time, () => keys.pop()!)
  await world.dial()
  time.now += lifeMs * 0.7
  for (let asked = 0; asked < 2; asked += 1) {
    await world.ask()
    await world.answer()
    time.now += 61_000
  }
  // The first answer was long on its way: the hub knows the second by now.
  await world.take()
  assert.ok(!world.connected())
  await world.dial()
  assert.equal(world.generation(), 1)
  await world.ask()
  await world.answer()
  await world.take()
  assert.equal(world.generation(), 2)
  assert.ok(world.mayClaim())
})
