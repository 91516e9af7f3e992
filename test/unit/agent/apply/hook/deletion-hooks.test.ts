import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication, removedApplication } from '../../../../support/verified-snapshot.ts'
import { createJob, createMemoryHands } from '../memory-hands.ts'

const idOf = (name: string) => `batch/Job/shop/${name}`
const settings = '/ConfigMap/shop/settings'
const home = '/Namespace//shop'
const inventory = '/ConfigMap/groundswell-system/groundswell-inventory-shop'
const hook = (event: string, policy?: string) => ({
  'argocd.argoproj.io/hook': event,
  ...(policy !== undefined && { 'argocd.argoproj.io/hook-delete-policy': policy }),
})

const shop = (generation = 1) =>
  presentApplication(
    'shop',
    [
      createNamespace('shop'),
      createConfig('shop', 'settings', { text: '1' }),
      createJob('backup', hook('PreDelete')),
      createJob('farewell', { 'helm.sh/hook': 'post-delete' }),
    ],
    { generation, timeout: 60_000 },
  )
const gone = (generation = 2) => removedApplication('shop', 'Delete', generation)

describe('hooks of a removal', () => {
  it('are not run while the application lives, and hold up nothing', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop())
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.deepEqual(hands.writes(), [`apply ${home}`, `apply ${settings}`])
  })

  it('run before anything is deleted and after all of it is gone, and go with their namespace', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop())
    await hands.bring(gone())
    await hands.clock.advance(5_000)
    assert.deepEqual(hands.writes().slice(2), [`apply ${idOf('backup')}`])
    assert.equal(hands.state('shop')?.waiting, 'pre-delete hook Job shop/backup has not ended')
    assert.ok(hands.cluster.read(settings))
    hands.end(idOf('backup'), 'Complete')
    await hands.clock.advance(5_000)
    assert.deepEqual(hands.writes().slice(3), [`delete ${settings}`, `apply ${idOf('farewell')}`])
    hands.end(idOf('farewell'), 'Complete')
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    for (const id of [home, settings, idOf('backup'), idOf('farewell'), inventory]) {
      assert.equal(hands.cluster.read(id), undefined, id)
    }
  })

  it('one that fails holds the removal with words, deletes nothing, and runs again when it is asked anew', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop())
    await hands.bring(gone())
    hands.end(idOf('backup'), 'Failed')
    await hands.clock.advance(600_000)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    assert.deepEqual(
      hands.state('shop')?.errors.map(({ code, message }) => `${code}: ${message}`),
      ['hook_failed: pre-delete hook Job shop/backup failed: Test: of course'],
    )
    assert.deepEqual(hands.writes().slice(2), [`apply ${idOf('backup')}`])
    await hands.bring(gone(3))
    hands.end(idOf('backup'), 'Complete')
    await hands.clock.advance(5_000)
    assert.equal(hands.cluster.read(settings), undefined)
  })

  it('one that does not end is waited for as long as the application says, and no longer', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop())
    await hands.bring(gone())
    await hands.clock.advance(70_000)
    const [error] = hands.state('shop')!.errors
    assert.match(
      error!.message,
      /pre-delete hook Job shop\/backup failed: has not ended within 60 s/,
    )
    assert.ok(hands.cluster.read(settings))
  })

  it('do not run when the objects are only let go', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop())
    await hands.bring(removedApplication('shop', 'Orphan'))
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.equal(hands.cluster.read(idOf('backup')), undefined)
    assert.ok(hands.cluster.read(settings))
  })

  it('run once, whatever lingers, and again for the next removal of an application that came back', async () => {
    await using hands = createMemoryHands()
    const runs = () =>
      hands.cluster.calls.filter((call) => call === `apply ${idOf('backup')}`).length
    await hands.bring(shop())
    hands.cluster.edit(settings, 'somebody', (object) => ({
      ...object,
      metadata: { ...object.metadata, finalizers: ['example.org/wait'] },
    }))
    await hands.bring(gone())
    hands.end(idOf('backup'), 'Complete')
    await hands.clock.advance(30_000)
    assert.match(hands.state('shop')?.waiting ?? '', /finalizers example.org\/wait/)
    assert.equal(runs(), 1)
    // Taken back before it was through.
    await hands.bring(shop(3))
    await hands.clock.advance(5_000)
    await hands.bring(gone(4))
    await hands.clock.advance(5_000)
    assert.equal(runs(), 2)
  })

  it('are known by the agent that starts meanwhile; without their content nothing is deleted', async () => {
    const cluster = createMemoryCluster()
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(shop())
    }
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(gone())
      await hands.clock.advance(60_000)
      assert.equal(hands.state('shop')?.phase, 'Failed')
      assert.match(
        hands.state('shop')?.errors[0]?.message ?? '',
        /their content is not here any more/,
      )
      assert.ok(cluster.read(settings))
      assert.ok(!cluster.calls.some((call) => call.startsWith('delete')))
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.resume(shop(), gone())
    assert.deepEqual([...(await hands.workloads.kept())], [shop().manifestDigest])
    hands.end(idOf('backup'), 'Complete')
    await hands.clock.advance(5_000)
    hands.end(idOf('farewell'), 'Complete')
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.equal((await hands.workloads.kept()).size, 0)
  })

  it('keep their content from when the removal is known, however many others are taken up before it', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop())
    const many = Array.from({ length: 50 }, (_, at) => presentApplication(`a${at}`, []))
    const brought = hands.bring(...many, gone())
    assert.deepEqual([...(await hands.workloads.kept())], [shop().manifestDigest])
    await brought
  })

  it('with restarts at any time: each made once, nothing deleted before the first is through (I4)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('restart', 'wait', 'end'), { maxLength: 14 }),
        async (steps) => {
          const cluster = createMemoryCluster()
          let hands = createMemoryHands({}, cluster)
          await hands.bring(shop())
          await hands.bring(gone())
          const end = (name: string) => {
            const job = cluster.read(idOf(name))
            if (job && !job['status']) hands.end(idOf(name), 'Complete')
          }
          for (const step of [...steps, 'end', 'wait', 'end', 'wait']) {
            if (step === 'wait') await hands.clock.advance(2_000)
            if (step === 'end') for (const name of ['backup', 'farewell']) end(name)
            if (step !== 'restart') continue
            await hands.workloads.close()
            hands = createMemoryHands({}, cluster)
            await hands.resume(shop(), gone())
          }
          await hands.clock.advance(5_000)
          assert.equal(hands.state('shop')?.phase, 'Removed')
          await hands.workloads.close()
          const told = cluster.calls.filter((call) => /^(apply|delete) batch|^delete/.test(call))
          const [first] = told
          assert.equal(first, `apply ${idOf('backup')}`)
          for (const name of ['backup', 'farewell']) {
            assert.equal(told.filter((call) => call === `apply ${idOf(name)}`).length, 1, name)
          }
          const order = [`delete ${settings}`, `apply ${idOf('farewell')}`, `delete ${home}`]
          assert.deepEqual(
            told.filter((call) => order.includes(call)),
            order,
          )
        },
      ),
      { numRuns: 60 },
    )
  })
})
