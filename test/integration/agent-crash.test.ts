import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createKubeCluster } from '../../agent/cluster/kube.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import type { Cluster, LiveObject } from '../../agent/cluster/port.ts'
import type { SigningKey } from '../../hub/bundle/sign.ts'
import { changeDesired, configNames as names } from '../support/changing-desired.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { type Crash, crashPoints, createCrashWorld } from '../support/crash-world.ts'
import { kubeCall } from '../support/kube-request.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import { type Desired, type LiveConfig, assertOracle } from '../support/oracle.ts'
import { createSeed, type Seed } from '../support/seed.ts'
import { makeSigningKey } from '../support/signing-key.ts'

/** More for a long run. */
const seeds = Number(process.env['SEEDS'] ?? 20)
const commits = 3

const toConfig = ({ metadata, ...object }: LiveObject): LiveConfig => ({
  name: metadata.name,
  uid: metadata.uid!,
  application: metadata.labels?.['groundswell.dev/application'] ?? '',
  text: (object['data'] as { text: string }).text,
})

describe('F19: an agent that is killed between any two of its effects', () => {
  let key: SigningKey

  before(async () => {
    key = await makeSigningKey()
  })

  /** Some commits, with a death in each; the last one in peace. Returns how many deaths there were. */
  async function live(
    cluster: Cluster,
    namespace: string,
    seed: Seed,
    crashOf: () => Crash,
    read: () => Promise<LiveConfig[]>,
  ): Promise<number> {
    const world = createCrashWorld(cluster, key, namespace)
    const first = (n: number) => ({
      ...{ application: `${n % 2 ? 'one' : 'two'}-${namespace}`, text: `first ${n}` },
    })
    let desired: Desired = new Map(names.slice(0, 6).map((name, n) => [name, first(n)]))
    await world.commit(desired)
    const begin = world.start()
    await begin.inSync()
    await begin.kill()
    const uids = new Map((await read()).map(({ name, uid }) => [name, uid]))
    let deaths = 0
    for (let n = 0; n < commits; n += 1) {
      desired = changeDesired(desired, namespace, seed)
      await world.commit(desired)
      const life = world.start(crashOf())
      await Promise.race([life.died, life.inSync()])
      if (life.dead) deaths += 1
      await life.kill()
    }
    const last = world.start()
    await last.inSync()
    await last.kill()
    assertOracle(world.recorded, await read(), namespace, uids)
    return deaths
  }

  for (const point of crashPoints) {
    it(`at "${point}" loses nothing, deletes nothing that is wanted, and ends in sync (${seeds} seeds)`, async () => {
      let deaths = 0
      for (let n = 0; n < seeds; n += 1) {
        const seed = createSeed(process.env['SEED'] ?? String(1_000 + n))
        const cluster = createMemoryCluster()
        const crash = () => ({ point, nth: 1 + Math.floor(seed.random() * 3) })
        const read = async () =>
          names.flatMap((name) => {
            const object = cluster.read(`/ConfigMap/shop/${name}`)
            return object ? [toConfig(object)] : []
          })
        try {
          deaths += await live(cluster, 'shop', seed, crash, read)
        } catch (cause) {
          throw new Error(`SEED=${seed.text}: ${(cause as Error).message}`, { cause })
        }
      }
      assert.ok(deaths >= seeds / 2, `${deaths} deaths`)
    })
  }

  describe('on a real API server', () => {
    let plane: ControlPlane

    before(async () => {
      plane = await startControlPlane({ name: 'crash' })
    })
    after(() => plane?.stop())

    it(`at any point comes to the same end (${seeds} seeds)`, async (t) => {
      const connection = await loadConnection({ kubeconfig: plane.kubeconfig })
      const cluster = createKubeCluster(connection)
      let deaths = 0
      for (let n = 0; n < seeds; n += 1) {
        const seed = createSeed(process.env['SEED'] ?? String(2_000 + n))
        const namespace = `crash-${n}`
        let turn = n
        const crash = () => ({
          point: crashPoints[(turn += 1) % crashPoints.length]!,
          nth: 1 + Math.floor(seed.random() * 2),
        })
        const path = `/api/v1/namespaces/${namespace}/configmaps?labelSelector=groundswell.dev/application`
        const read = async () =>
          (await kubeCall<{ items: LiveObject[] }>(plane, 'GET', path)).items.map(toConfig)
        try {
          deaths += await live(cluster, namespace, seed, crash, read)
        } catch (cause) {
          throw new Error(`SEED=${seed.text}: ${(cause as Error).message}`, { cause })
        }
      }
      t.diagnostic(`${deaths} deaths in ${seeds * commits} commits`)
      assert.ok(deaths >= seeds, `${deaths} deaths`)
      await cluster.close()
    })
  })
})
