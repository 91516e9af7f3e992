import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentError } from '../../../../../agent/errors.ts'
import type { Vault } from '../../../../../agent/secrets/vault.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication,
  type TestObject,
} from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'

const minute = 60_000
const id = '/Secret/shop/db'
const path = 'secret/data/shop/db'

const namespace: TestObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }
const secret = (annotations = {}): TestObject => ({
  ...{ apiVersion: 'v1', kind: 'Secret' },
  metadata: { name: 'db', namespace: 'shop', annotations },
  stringData: { password: `vault:${path}#password` },
})
const plain: TestObject = {
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain', namespace: 'shop' } },
  stringData: { a: 'b' },
}

/** A Vault with one secret, and an agent's hands that look at it every five minutes. */
function createWorld(cluster = createMemoryCluster(), start = { value: 'one', version: 1 }) {
  let fault: AgentError | undefined
  let gate = Promise.resolve()
  let reads = 0
  let { value, version } = start
  const current = () => ({ values: { password: value }, version: `${version}@t`, lease: undefined })
  let last: ReturnType<typeof current> | undefined
  const vault: Vault = {
    read: async () => {
      reads += 1
      await gate
      if (fault) throw fault
      last = current()
      return last
    },
    last: () => last,
  }
  const references = { vault, interval: 5 * minute }
  const hands = createMemoryHands({}, cluster, { references })
  return {
    hands,
    put(next: string) {
      value = next
      version += 1
    },
    fail(code?: 'vault_unavailable' | 'secret_unresolved') {
      fault = code && new AgentError(code, `Vault: ${code}`)
    },
    reads: () => reads,
    /** Has it answer nothing until what is returned is called. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
    value: () => {
      const data = cluster.read(id)?.['data'] as { password: string } | undefined
      return data && Buffer.from(data.password, 'base64').toString()
    },
    writes: () => hands.writes().filter((call) => call.startsWith(`apply ${id}`)).length,
    state: () => hands.state('shop'),
    [Symbol.asyncDispose]: () => hands[Symbol.asyncDispose](),
  }
}

describe('values in Vault', () => {
  const app = () => presentApplication('shop', [namespace, secret(), plain])

  it('are applied, and applied anew when they changed, without a commit', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(app())
    assert.equal(world.value(), 'one')
    for (let round = 0; round < 3; round++) await hands.clock.advance(6 * minute)
    assert.equal(world.writes(), 1, 'what is the same is not written')
    world.put('two')
    await hands.clock.advance(6 * minute)
    assert.equal(world.value(), 'two')
    assert.equal(world.writes(), 2)
    const { phase, health, healed, driftedObjects } = world.state() ?? {}
    assert.deepEqual([phase, health, healed, driftedObjects], ['Applied', 'Current', 0, 0])
    await hands.clock.advance(30 * minute)
    assert.equal(world.writes(), 2)
  })

  it('that changed while the agent was away are applied when it is back', async () => {
    const cluster = createMemoryCluster()
    {
      await using before = createWorld(cluster)
      await before.hands.bring(app())
    }
    {
      await using same = createWorld(cluster)
      const writes = same.writes()
      await same.hands.bring(app())
      await same.hands.clock.advance(6 * minute)
      assert.equal(same.writes(), writes, 'nothing to write')
      assert.ok(same.reads() > 0, 'and it was looked at')
    }
    await using after = createWorld(cluster, { value: 'three', version: 3 })
    await after.hands.bring(app())
    await after.hands.clock.advance(minute)
    assert.equal(after.value(), 'three')
  })

  it('that drift are not put right by a change of report to what is to be reported', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(presentApplication('shop', [namespace, secret()], { drift: 'report' }))
    hands.cluster.edit(id, 'somebody', (object) => ({ ...object, data: { password: 'eA==' } }))
    await hands.clock.advance(20 * minute)
    assert.equal(world.writes(), 1)
    assert.equal(world.state()?.driftedObjects, 1)
  })

  it('stay as they were read while Vault is away; the application says so, and heals', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(app())
    world.fail('vault_unavailable')
    // One failure may be a moment's.
    await hands.clock.advance(11 * minute)
    assert.equal(world.state()?.health, 'Unknown')
    const [worst] = world.state()?.unhealthy ?? []
    assert.equal(worst?.object, id)
    assert.equal(worst.message, 'Vault: vault_unavailable; it stays as it was read last')
    assert.equal(world.state()?.phase, 'Applied')
    hands.cluster.edit(id, 'somebody', (object) => ({ ...object, data: { password: 'eA==' } }))
    await hands.clock.advance(minute)
    assert.equal(world.value(), 'one', 'healed from memory')
    assert.equal(hands.cluster.calls.filter((call) => call.startsWith('delete')).length, 0)
    world.fail()
    await hands.clock.advance(6 * minute)
    assert.equal(world.state()?.health, 'Current')
  })

  it('that Vault says no to are a failure at once, and what is there stays', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(app())
    world.fail('secret_unresolved')
    await hands.clock.advance(6 * minute)
    assert.equal(world.state()?.health, 'Failed')
    assert.equal(world.value(), 'one')
    assert.equal(hands.cluster.calls.filter((call) => call.startsWith('delete')).length, 0)
  })

  it('that cannot be had keep the object of before, with the reason at the object', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(app())
    world.fail('secret_unresolved')
    await hands.bring(presentApplication('shop', [namespace, secret({ now: 'changed' })]))
    const [error] = world.state()?.errors ?? []
    assert.deepEqual([error?.object, error?.code], [id, 'secret_unresolved'])
    assert.equal(world.state()?.phase, 'Failed')
    assert.equal(world.value(), 'one')
    assert.ok(hands.cluster.read('/Secret/shop/plain'), 'nothing is pruned meanwhile')
    world.fail()
    await hands.clock.advance(minute)
    assert.equal(world.state()?.phase, 'Applied')
    assert.ok(!hands.cluster.read('/Secret/shop/plain'))
  })

  it('of an application that goes while they are read are no matter to the rest', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(app())
    world.put('two')
    const release = world.hold()
    await hands.clock.advance(6 * minute)
    await hands.bring(removedApplication('shop'))
    await hands.bring()
    release()
    await hands.clock.advance(minute)
    await hands.bring(app())
    world.put('three')
    await hands.clock.advance(6 * minute)
    assert.equal(world.value(), 'three')
  })

  it('are looked at no more once nothing refers to them', async () => {
    await using world = createWorld()
    const { hands } = world
    await hands.bring(app())
    world.fail('secret_unresolved')
    await hands.clock.advance(6 * minute)
    assert.equal(world.state()?.health, 'Failed')
    await hands.bring(presentApplication('shop', [namespace, plain]))
    await hands.clock.advance(6 * minute)
    const reads = world.reads()
    assert.equal(world.state()?.health, 'Current')
    await hands.clock.advance(30 * minute)
    assert.equal(world.reads(), reads)
  })
})
