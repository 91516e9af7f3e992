import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { InventoryEntry } from '../../../../../agent/apply/inventory/inventory.ts'
import { createInventoryStore } from '../../../../../agent/apply/inventory/inventory-store.ts'
import { AgentError, type AgentErrorCode } from '../../../../../agent/errors.ts'
import { createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication, removedApplication } from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'

const signal = new AbortController().signal
const home = '/ConfigMap/groundswell-system/groundswell-inventory-shop'
const entry = (name: string, more: Partial<InventoryEntry> = {}): InventoryEntry => ({
  ...{ id: `/ConfigMap/shop/${name}`, apiVersion: 'v1', uid: `uid-${name}` },
  ...{ digest: `sha256:${'0'.repeat(64)}`, fieldsHash: 'f' },
  ...more,
})

describe('createInventoryStore', () => {
  it('reads what it wrote, who made an object with it', async () => {
    const store = createInventoryStore(createMemoryCluster())
    const entries = [
      entry('found'),
      entry('made', { made: true }),
      entry('all', { made: true, account: 'shop/deployer', versions: 'v', missingSince: 7 }),
    ]
    await store.save('shop', new Map(entries.map((one) => [one.id, one])), signal)
    assert.deepEqual([...(await store.load('shop', signal)).values()], entries)
  })

  it('counts as found what an older agent wrote down, and is read by one', async () => {
    const cluster = createMemoryCluster()
    const store = createInventoryStore(cluster)
    const made = entry('made', { made: true })
    await store.save('shop', new Map([[made.id, made]]), signal)
    const object = cluster.read(home)!
    const { objects } = object['binaryData'] as { objects: string }
    const rows = JSON.parse(gunzipSync(Buffer.from(objects, 'base64')).toString()) as string[][]
    // Its rows had nine cells, all of them text; more were overlooked.
    assert.ok(rows.every((row) => row.every((cell) => typeof cell === 'string')))
    const old = rows.map((row) => row.slice(0, 9))
    const packed = gzipSync(JSON.stringify(old)).toString('base64')
    cluster.edit(home, 'older', (one) => ({ ...one, binaryData: { objects: packed } }))
    assert.deepEqual([...(await store.load('shop', signal)).values()], [entry('made')])
  })

  // Of applications that come together to an empty cluster one failed: another had made the namespace meanwhile.
  it('is saved also where another application makes its namespace at the same moment', async () => {
    const cluster = createMemoryCluster()
    let refusals = 1
    const refuse = (code: AgentErrorCode) =>
      createInventoryStore({
        ...cluster,
        async apply(resource, id, ...rest) {
          if (resource.kind === 'ConfigMap' && (refusals -= 1) >= 0) {
            const { kind, name } = { kind: 'Namespace', name: 'groundswell-system' }
            const body = { apiVersion: 'v1', kind, metadata: { name } }
            const home = { group: '', kind, namespace: '', name }
            const namespace = { ...resource, kind, plural: 'namespaces', namespaced: false }
            await cluster.apply(namespace, home, JSON.stringify(body), rest[1], signal)
            throw new AgentError(code, 'namespaces "groundswell-system" not found')
          }
          return cluster.apply(resource, id, ...rest)
        },
      })
    await refuse('apply_failed').save('shop', new Map(), signal)
    assert.ok(cluster.read(home))
    for (const [code, times] of [
      ['apply_failed', 2],
      ['apply_forbidden', 1],
    ] as const) {
      refusals = times
      await assert.rejects(refuse(code).save('shop', new Map(), signal), { code })
      assert.ok(refusals <= 0, code)
    }
  })

  it('F43: says when it cannot be read, and nothing is called removed for that', async () => {
    await using hands = createMemoryHands()
    const { cluster } = hands
    await hands.bring(presentApplication('shop', [createNamespace('shop')]))
    const store = createInventoryStore(cluster)
    assert.equal(await store.isDamaged('shop', signal), false)
    assert.equal(await store.isDamaged('none', signal), false)
    const whole = cluster.read(home)!['binaryData'] as { objects: string }
    for (const objects of ['', whole.objects.slice(0, 40), 'bm90aGluZw==']) {
      cluster.edit(home, 'kubectl', (one) => ({ ...one, binaryData: { objects } }))
      assert.equal(await store.isDamaged('shop', signal), true, objects)
      assert.deepEqual((await store.load('shop', signal)).size, 0)
    }
    // The agent that starts then knows nothing of what it is to delete.
    await using next = createMemoryHands({}, cluster)
    await next.bring(removedApplication('shop'))
    const { phase, errors } = next.state('shop')!
    assert.deepEqual([phase, errors[0]?.code], ['Failed', 'prune_failed'])
    assert.match(errors[0]?.message ?? '', /delete what bears the label .*application=shop/)
    assert.ok(cluster.read('/Namespace//shop') && cluster.read(home))
    cluster.drop('/Namespace//shop')
    cluster.drop(home)
    await next.clock.advance(120_000)
    assert.equal(next.state('shop')?.phase, 'Removed')
  })
})
