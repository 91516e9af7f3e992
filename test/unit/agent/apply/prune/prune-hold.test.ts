import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { PrunePolicy } from '@groundswell/proto/manifest.ts'
import type { Sparing } from '@groundswell/proto/statement.ts'
import { createWorkloads } from '../../../../../agent/apply/workloads.ts'
import { confirmationOf, holdManyPrunes } from '../../../../../agent/apply/prune/prune-hold.ts'
import type { VerifiedPresent } from '../../../../../agent/trust/verified.ts'
import { noKeys } from '../../../../../agent/secrets/keys.ts'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createManualClock } from '../../../../support/manual-clock.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import {
  presentApplication,
  type TestObject,
  verifiedSnapshot,
} from '../../../../support/verified-snapshot.ts'

const run = <T>(run: () => T): T => run()
const never = new AbortController().signal
const usual: PrunePolicy = { enabled: true, allowEmpty: false }
const configs = (count: number) =>
  Array.from({ length: count }, (_, index) => createConfig('shop', `c${index}`))

/** An application with so many objects in a namespace it does not own, then with other ones. */
async function createWorld() {
  const cluster = createMemoryCluster()
  const clock = createManualClock()
  const deps = { cluster, clusterId: 'c1', keys: noKeys, clock, random: () => 0.5, within: run }
  const workloads = createWorkloads({ ...deps, log: () => {}, onChange: () => {} })
  const home = presentApplication('home', [createNamespace('shop')])
  let generation = 0
  const go = async (
    objects: readonly TestObject[],
    { undo, ...prune }: Partial<PrunePolicy> & Sparing = {},
    ...others: VerifiedPresent[]
  ) => {
    const changes = {
      ...{ generation: (generation += 1), prune: { ...usual, ...prune } },
      ...(undo && { undo }),
    }
    const app = presentApplication('shop', objects, changes)
    await workloads.reconcile(verifiedSnapshot(home, app, ...others), never)
    return app.manifest
  }
  return {
    go,
    errors: () => workloads.states().find(({ application }) => application === 'shop')!.errors,
    deletes: () => cluster.calls.filter((call) => call.startsWith('delete ')).length,
    async [Symbol.asyncDispose]() {
      await workloads.close()
    },
  }
}

describe('deletions that wait for a person', () => {
  it('F42: are those of more than 30 % and more than five objects: none of them is made', async () => {
    await using world = await createWorld()
    await world.go(configs(20))
    await world.go(configs(13))
    assert.equal(world.deletes(), 0)
    const [error] = world.errors()
    assert.equal(error?.code, 'prune_held')
    assert.match(
      error.message,
      /^7 of 20 objects would be deleted, more than 30 % \(and 5\); none is/,
    )
    assert.match(error.message, /ConfigMap shop\/c13, .*confirmPrune: \[sha256:[0-9a-f]{64}\]$/)
  })

  it('are not those of a few objects', async () => {
    await using world = await createWorld()
    await world.go(configs(6))
    await world.go(configs(1))
    assert.deepEqual(world.errors(), [])
    assert.equal(world.deletes(), 5)
  })

  it('are those of more than fifty objects, however many there are', () => {
    const manifest = { ...presentApplication('shop', configs(1)).manifest }
    const ids = Array.from({ length: 51 }, (_, index) => `/ConfigMap/shop/x${index}`)
    assert.throws(() => holdManyPrunes(ids, 10_000, { manifest }), /51 of 10000 .* more than 50; /)
    holdManyPrunes(ids.slice(1), 10_000, { manifest })
  })

  it('are made once the digest that was asked for is confirmed, and only for that set', async () => {
    await using world = await createWorld()
    await world.go(configs(20))
    const wanted = confirmationOf(await world.go(configs(10)))
    assert.ok(world.errors()[0]?.message.includes(wanted))
    await world.go(configs(9), { confirmed: [wanted] })
    assert.equal(world.deletes(), 0, 'confirmed for another set of objects')
    await world.go(configs(10), { confirmed: [wanted] })
    assert.deepEqual(world.errors(), [])
    assert.equal(world.deletes(), 10)
  })

  it('are by the limit that the application sets', async () => {
    await using world = await createWorld()
    await world.go(configs(10))
    await world.go(configs(9), { limit: 0 })
    assert.equal(world.errors()[0]?.code, 'prune_held')
    await world.go(configs(2), { limit: '80%' })
    assert.deepEqual(world.errors(), [])
    assert.equal(world.deletes(), 8)
  })

  it('do not count what another application takes over', async () => {
    await using world = await createWorld()
    await world.go(configs(20))
    const other = presentApplication('other', configs(20).slice(10))
    await world.go(configs(10), {}, other)
    assert.deepEqual(world.errors(), [])
    assert.equal(world.deletes(), 0)
  })

  it('F55: hold one object that takes others along, and let the rest go', async () => {
    await using world = await createWorld()
    const claim: TestObject = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'shop' },
    }
    await world.go([...configs(3), claim])
    const after = await world.go(configs(2))
    const [error] = world.errors()
    assert.equal(error?.object, '/PersistentVolumeClaim/shop/data')
    assert.match(error.message, /is not deleted: its data may go with it/)
    assert.equal(world.deletes(), 1)
    await world.go(configs(2), { confirmed: [confirmationOf(after)] })
    assert.deepEqual(world.errors(), [])
    assert.equal(world.deletes(), 2)
  })

  // What an earlier hold had kept is of before what is undone, and nobody has confirmed it since.
  it('are those of an undo as well, whose way out is a commit that reverts and confirms', async () => {
    await using world = await createWorld()
    await world.go(configs(20))
    await world.go(configs(10))
    const back = await world.go(configs(10), { undo: true })
    assert.equal(world.deletes(), 0)
    const [error] = world.errors()
    assert.equal(error?.code, 'prune_held')
    assert.match(
      error.message,
      /What ran before is applied again\. .* in Git, once what was rolled back is reverted there: confirmPrune: \[sha256:[0-9a-f]{64}\]$/,
    )
    await world.go(configs(10), { undo: true, confirmed: [confirmationOf(back)] })
    assert.deepEqual(world.errors(), [])
    assert.equal(world.deletes(), 10)
  })

  it('never exceed the limit without a confirmation (property)', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (kept, lost) => {
        const manifest = presentApplication('shop', configs(1)).manifest
        const ids = Array.from({ length: lost }, (_, index) => `/ConfigMap/shop/x${index}`)
        const known = kept + lost
        const free = lost <= 50 && lost <= Math.max(5, Math.floor(known * 0.3))
        const hold = () => holdManyPrunes(ids, known, { manifest })
        if (free) assert.doesNotThrow(hold)
        else assert.throws(hold, { code: 'prune_held' })
        const confirmed = [confirmationOf(manifest)]
        holdManyPrunes(ids, known, { manifest: { ...manifest, prune: { ...usual, confirmed } } })
      }),
    )
  })
})
