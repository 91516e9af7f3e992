import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { systemClock } from '../../agent/cluster/clock.ts'
import { AgentError } from '../../agent/errors.ts'
import type { SigningKey } from '../../hub/bundle/sign.ts'
import { repeat } from '../../hub/clock.ts'
import { changeDesired, configNames } from '../support/changing-desired.ts'
import { createCrashWorld, crashPoints } from '../support/crash-world.ts'
import { createFaultyCluster, type Storm } from '../support/faulty-cluster.ts'
import { createMemoryCluster, type MemoryCluster } from '../support/memory-cluster.ts'
import { assertOracle, type Desired, type LiveConfig } from '../support/oracle.ts'
import { createSeed, type Seed } from '../support/seed.ts'
import { makeSigningKey } from '../support/signing-key.ts'
import { until } from '../support/until.ts'

/** More for a long run. */
const seeds = Number(process.env['SEEDS'] ?? 20)
const seedsAtOnce = 10
const commits = 3
/** Waits of the agent, such as those between tries, are this much shorter. */
const haste = 20
const clock = {
  now: () => performance.now() * haste,
  sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms / haste, signal),
}
const inventories = ['base', 'one', 'two'].map(
  (name) => `/ConfigMap/groundswell-system/groundswell-inventory-${name}-shop`,
)

describe('an agent through storms of faults', () => {
  let key: SigningKey

  before(async () => {
    key = await makeSigningKey()
  })

  function readAll(cluster: MemoryCluster): LiveConfig[] {
    return configNames.flatMap((name) => {
      const object = cluster.read(`/ConfigMap/shop/${name}`)
      if (!object) return []
      const { uid, labels } = object.metadata
      const application = labels?.['groundswell.dev/application'] ?? ''
      return [{ name, uid: uid!, application, text: (object['data'] as { text: string }).text }]
    })
  }

  /** Commits one after another, each met by a storm, in some of which the agent dies. Returns the faults. */
  async function live(seed: Seed, storms: readonly Kind[]): Promise<number> {
    const cluster = createMemoryCluster()
    const storm: Storm = { on: false, faults: 0 }
    const has = (kind: Kind) => storms.includes(kind)
    const faulty = has('api') ? createFaultyCluster(cluster, seed.random, storm) : cluster
    const disk = (): void => {
      if (!storm.on || !has('disk') || seed.random() < 0.3) return
      storm.faults += 1
      throw new AgentError('trust_state_unwritable', 'storm: no space left on device')
    }
    const world = createCrashWorld(faulty, key, 'shop', { clock, disk })
    const lives: ReturnType<typeof world.start>[] = []
    const start = (...dies: Parameters<typeof world.start>) => {
      const life = world.start(...dies)
      lives.push(life)
      return life
    }
    // An agent that never comes to rest would keep the test's process from ending.
    const rivals = has('rival') ? createRival(cluster, seed, storm) : undefined
    await using _ = {
      async [Symbol.asyncDispose]() {
        storm.on = false
        rivals?.stop()
        for (const life of lives) await life.kill()
      },
    }
    const first = (n: number) => ({ application: n % 2 ? 'one-shop' : 'two-shop', text: `${n}` })
    let desired: Desired = new Map(configNames.slice(0, 6).map((name, n) => [name, first(n)]))
    await world.commit(desired)
    const begin = start()
    await begin.inSync()
    await begin.kill()
    const uids = new Map(readAll(cluster).map(({ name, uid }) => [name, uid]))
    const left = new Set<string>()
    for (let n = 0; n < commits; n += 1) {
      if (has('inventory')) {
        // What only the inventory remembered is nobody's to delete from here on.
        for (const id of inventories) cluster.drop(id)
        for (const { name } of readAll(cluster)) left.add(name)
        storm.faults += 1
      }
      desired = changeDesired(desired, 'shop', seed)
      await world.commit(desired)
      storm.on = true
      const enough = storm.faults + 3 + Math.floor(seed.random() * 10)
      const nth = 1 + Math.floor(seed.random() * 4)
      const point = crashPoints[Math.floor(seed.random() * crashPoints.length)]!
      const life = start(seed.random() < 0.4 ? { point, nth } : undefined)
      // Both have the same verified content, for as long as the older one has not learnt of the other.
      const twin = has('twin') ? start() : undefined
      if (twin) storm.faults += 1
      const isOver = () => storm.faults >= enough || life.isInSync() || life.dead
      await until(isOver, { deadlineMs: 30_000, intervalMs: 1, what: 'the storm to be over' })
      storm.on = false
      await twin?.kill()
      await life.inSync()
      await life.kill()
      // It may have died at any time, also after the storm.
      const last = start()
      await last.inSync()
      if (rivals) await isRight(cluster, desired)
      await last.kill()
    }
    const there = readAll(cluster).filter(({ name }) => desired.has(name) || !left.has(name))
    assertOracle(world.recorded, there, 'shop', uids)
    return storm.faults
  }

  /** Another manager that writes into what is ours while a storm is on. */
  function createRival(cluster: MemoryCluster, seed: Seed, storm: Storm) {
    const stop = repeat(5, () => {
      const name = configNames[Math.floor(seed.random() * configNames.length)]!
      const id = `/ConfigMap/shop/${name}`
      if (!storm.on || !cluster.read(id)) return
      storm.faults += 1
      const manager = `rival-${Math.floor(seed.random() * 3)}`
      cluster.edit(id, manager, (object) => ({ ...object, data: { text: 'by a rival' } }))
    })
    return { stop }
  }

  const isRight = (cluster: MemoryCluster, desired: Desired) =>
    until(
      () => readAll(cluster).every(({ name, text }) => text === (desired.get(name)?.text ?? text)),
      { deadlineMs: 30_000, intervalMs: 5, what: 'what rivals wrote to be put right' },
    )

  type Kind = 'api' | 'disk' | 'inventory' | 'rival' | 'twin'

  /** A few seeds at a time: they mostly wait, and each has deadlines that a busy machine must not pass. */
  async function liveAll(from: number, storms: readonly Kind[]): Promise<number> {
    const open = Array.from({ length: seeds }, (_, n) => n).values()
    let faults = 0
    async function liveNext(): Promise<void> {
      for (const n of open) {
        const seed = createSeed(process.env['SEED'] ?? String(from + n))
        try {
          const met = await live(seed, storms)
          faults += met
        } catch (cause) {
          throw new Error(`SEED=${seed.text}: ${(cause as Error).message}`, { cause })
        }
      }
    }
    await Promise.all(Array.from({ length: seedsAtOnce }, liveNext))
    return faults
  }

  for (const [title, from, storms, least] of [
    [
      'F31, F34, F35, F38, F40, F44, F54: an API server that is away, cuts answers and watches, denies and refuses',
      3_000,
      ['api'],
      3,
    ],
    ['F26: a disk that is full again and again', 4_000, ['disk'], 3],
    ['F43: inventories that are lost', 5_000, ['inventory'], 3],
    ['F28: two agents at once', 7_000, ['api', 'twin'], 3],
    ['F33: rivals that write into what is ours', 8_000, ['api', 'rival'], 3],
    ['F26, F31, F35, F40, F43: all of it together', 6_000, ['api', 'disk', 'inventory'], 6],
  ] as const) {
    it(`${title}: nothing is lost, nothing that is wanted is deleted (${seeds} seeds)`, async (t) => {
      const faults = await liveAll(from, storms)
      t.diagnostic(`${faults} faults`)
      assert.ok(faults >= seeds * least, `${faults} faults`)
    })
  }
})
