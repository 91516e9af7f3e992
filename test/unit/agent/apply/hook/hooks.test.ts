import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication, type TestObject } from '../../../../support/verified-snapshot.ts'
import { createJob, createMemoryHands } from '../memory-hands.ts'

const argo = (hook: string, policy?: string, wave?: number) => ({
  'argocd.argoproj.io/hook': hook,
  ...(policy !== undefined && { 'argocd.argoproj.io/hook-delete-policy': policy }),
  ...(wave !== undefined && { 'argocd.argoproj.io/sync-wave': String(wave) }),
})
const helm = (hook: string, weight: number) => ({
  'helm.sh/hook': hook,
  'helm.sh/hook-weight': String(weight),
})
const idOf = (name: string) => `batch/Job/shop/${name}`
const namespace = createNamespace('shop')
const config = (text: string) => createConfig('shop', 'settings', { text })
const applied = (...names: string[]) => names.map((name) => `apply ${name}`)
const settings = '/ConfigMap/shop/settings'
const shop = (objects: readonly TestObject[], generation = 1, timeout = 60_000) =>
  presentApplication('shop', [namespace, ...objects], { generation, timeout })

describe('a pre hook', () => {
  const objects = (text = '1') => [config(text), createJob('migrate', argo('PreSync'))]

  it('runs after the namespace and before all else, and is waited for', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop(objects()))
    await hands.clock.advance(5_000)
    assert.deepEqual(hands.writes(), applied('/Namespace//shop', idOf('migrate')))
    assert.equal(hands.state('shop')?.phase, 'Applying')
    assert.equal(hands.state('shop')?.waiting, 'pre hook Job shop/migrate has not ended')
    hands.end(idOf('migrate'), 'Complete')
    await hands.clock.advance(1_000)
    assert.deepEqual(hands.writes().slice(2), applied(settings))
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.equal(hands.state('shop')?.waiting, undefined)
    // A hook is not one of the objects that have to stay.
    assert.equal(hands.state('shop')?.objects, 2)
  })

  it('stops the application when it fails, is named, and is not run again by itself', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop(objects()))
    hands.end(idOf('migrate'), 'Failed')
    await hands.clock.advance(300_000)
    const { phase, errors } = hands.state('shop')!
    assert.equal(phase, 'Failed')
    assert.deepEqual(errors, [
      {
        object: idOf('migrate'),
        file: 'migrate.yaml',
        code: 'hook_failed',
        message: 'pre hook Job shop/migrate failed: Test: of course',
      },
    ])
    assert.deepEqual(hands.writes(), applied('/Namespace//shop', idOf('migrate')))
    // A retry that a person asked for is one.
    await hands.bring(shop(objects(), 2))
    assert.deepEqual(hands.writes().slice(2), [
      `delete ${idOf('migrate')}`,
      `apply ${idOf('migrate')}`,
    ])
    hands.end(idOf('migrate'), 'Complete')
    await hands.clock.advance(1_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })

  it('fails when it does not end in time', async () => {
    await using hands = createMemoryHands()
    await hands.bring(shop(objects()))
    await hands.clock.advance(58_000)
    assert.equal(hands.state('shop')?.phase, 'Applying')
    await hands.clock.advance(5_000)
    const [error] = hands.state('shop')!.errors
    assert.equal(error?.code, 'hook_failed')
    assert.match(error.message, /pre hook Job shop\/migrate failed: has not ended within 60 s/)
    assert.ok(!hands.writes().includes(`apply ${settings}`))
  })

  it('runs once for each content: not for a repair, a reconnect or a restart', async () => {
    const cluster = createMemoryCluster()
    const runs = () => cluster.calls.filter((call) => call === `apply ${idOf('migrate')}`).length
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(shop(objects()))
      hands.end(idOf('migrate'), 'Complete')
      await hands.clock.advance(1_000)
      cluster.edit(settings, 'rival', (object) => ({ ...object, data: { text: 'other' } }))
      cluster.drop(idOf('migrate'))
      await hands.clock.advance(60_000)
      assert.equal(hands.state('shop')?.healed, 1)
      await hands.bring(shop(objects(), 2))
      assert.equal(runs(), 1)
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(shop(objects(), 2))
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.equal(runs(), 1)
    await hands.bring(shop(objects('2'), 3))
    assert.equal(runs(), 2)
    assert.deepEqual(cluster.read(settings)?.['data'], { text: '1' })
  })

  it('is waited for by the agent that starts while it runs, and not run twice', async () => {
    const cluster = createMemoryCluster()
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(shop(objects()))
    }
    // Also when nobody remembers: the object says which run it is.
    cluster.drop('/ConfigMap/groundswell-system/groundswell-inventory-shop')
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(shop(objects()))
    await hands.clock.advance(2_000)
    hands.end(idOf('migrate'), 'Complete')
    await hands.clock.advance(2_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.equal(cluster.calls.filter((call) => call === `apply ${idOf('migrate')}`).length, 1)
  })

  it('is not run again when its object went before its end was seen, until it is retried', async () => {
    const cluster = createMemoryCluster()
    const runs = () => cluster.calls.filter((call) => call === `apply ${idOf('migrate')}`).length
    const job = createJob('migrate', argo('PreSync'))
    const quick = { ...job, spec: { ...(job['spec'] as object), ttlSecondsAfterFinished: 0 } }
    const all: TestObject[] = [config('1'), quick]
    for (const restart of [false, true]) {
      let hands = createMemoryHands({}, cluster)
      const before = runs()
      const generation = restart ? 3 : 1
      await hands.bring(shop(all, generation))
      assert.equal(runs(), before + 1)
      const spec = cluster.read(idOf('migrate'))?.['spec']
      assert.equal((spec as { ttlSecondsAfterFinished?: number }).ttlSecondsAfterFinished, 300)
      if (restart) {
        await hands.workloads.close()
        hands = createMemoryHands({}, cluster)
      }
      cluster.drop(idOf('migrate'))
      if (restart) await hands.bring(shop(all, generation))
      await hands.clock.advance(120_000)
      assert.equal(runs(), before + 1)
      assert.match(hands.state('shop')?.errors[0]?.message ?? '', /went before its end was seen/)
      await hands.bring(shop(all, generation + 1))
      assert.equal(runs(), before + 2)
      hands.end(idOf('migrate'), 'Complete')
      await hands.clock.advance(2_000)
      assert.equal(hands.state('shop')?.phase, 'Applied')
      await hands.workloads.close()
      all.push(createConfig('shop', 'more'))
    }
  })

  it('leaves alone what bears its name and is not its application’s', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('other', [namespace, createJob('migrate')]))
    await hands.bring(
      presentApplication('other', [namespace, createJob('migrate')]),
      presentApplication('shop', objects()),
    )
    const [error] = hands.state('shop')!.errors
    assert.equal(error?.code, 'owned_by_other')
    assert.ok(!hands.writes().some((call) => call.startsWith('delete')))
  })
})

describe('hooks', () => {
  it('go by weight, and run after the objects when they say post', async () => {
    await using hands = createMemoryHands()
    await hands.bring(
      shop([
        config('1'),
        createJob('second', helm('pre-install,pre-upgrade', 2)),
        createJob('first', helm('pre-install', -1)),
        createJob('notify', helm('post-upgrade', 0)),
      ]),
    )
    const step = async (name: string) => {
      hands.end(idOf(name), 'Complete')
      await hands.clock.advance(1_000)
      return hands.writes().at(-1)
    }
    assert.equal(hands.writes().at(-1), `apply ${idOf('first')}`)
    assert.equal(await step('first'), `apply ${idOf('second')}`)
    assert.equal(await step('second'), `apply ${idOf('notify')}`)
    assert.ok(hands.writes().includes(`apply ${settings}`))
    await step('notify')
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })

  it('are deleted when they say so, and stay remembered', async () => {
    await using hands = createMemoryHands()
    const objects = [config('1'), createJob('migrate', argo('PreSync', 'HookSucceeded'))]
    await hands.bring(shop(objects))
    hands.end(idOf('migrate'), 'Complete')
    await hands.clock.advance(60_000)
    assert.equal(hands.cluster.read(idOf('migrate')), undefined)
    assert.equal(hands.writes().filter((call) => call.includes('migrate')).length, 2)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    // And one that left the manifest is no loss to hold back.
    await hands.bring(shop([config('1')], 2))
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })

  it('are not taken for run by the end of a run before, which their policy keeps', async () => {
    await using hands = createMemoryHands()
    const objects = (text: string, policy: string) =>
      shop([config(text), createJob('migrate', argo('PreSync', policy))], Number(text))
    await hands.bring(objects('1', 'HookFailed'))
    hands.end(idOf('migrate'), 'Complete')
    await hands.clock.advance(1_000)
    await hands.bring(objects('2', 'HookFailed'))
    const { phase, errors } = hands.state('shop')!
    assert.deepEqual([phase, errors[0]?.code], ['Failed', 'hook_failed'])
    assert.match(errors[0]?.message ?? '', /is there from a run before, .* delete it, and give it/)
    assert.deepEqual(hands.cluster.read(settings)?.['data'], { text: '1' })
    hands.cluster.drop(idOf('migrate'))
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.waiting, 'pre hook Job shop/migrate has not ended')

    // Where it lets go of the end it came to, that goes first; while it runs it is waited for.
    await hands.bring(objects('3', 'HookSucceeded'))
    await hands.clock.advance(1_000)
    assert.match(hands.state('shop')?.waiting ?? '', /migrate waits for its former run to go/)
    const uid = hands.cluster.read(idOf('migrate'))?.metadata.uid
    hands.end(idOf('migrate'), 'Complete')
    await hands.clock.advance(1_000)
    assert.equal(hands.state('shop')?.waiting, 'pre hook Job shop/migrate has not ended')
    assert.notEqual(hands.cluster.read(idOf('migrate'))?.metadata.uid, uid)
  })

  it('for failure run once when an object was refused, and only then', async () => {
    let broken = false
    await using hands = createMemoryHands({
      admit: ({ name }) => {
        if (broken && name === 'settings') throw new Error('webhook says no')
      },
    })
    const objects = (text: string) => [config(text), createJob('tell', argo('SyncFail'))]
    await hands.bring(shop(objects('1')))
    await hands.clock.advance(10_000)
    assert.equal(hands.cluster.read(idOf('tell')), undefined)
    broken = true
    await hands.bring(shop(objects('2'), 2))
    await hands.clock.advance(120_000)
    hands.end(idOf('tell'), 'Complete')
    await hands.clock.advance(300_000)
    assert.equal(hands.writes().filter((call) => call === `apply ${idOf('tell')}`).length, 1)
    assert.equal(hands.state('shop')?.phase, 'Failed')
  })

  it('never delete a claim to data', async () => {
    await using hands = createMemoryHands()
    const claim = (size: string) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'shop', annotations: argo('PreSync', 'HookSucceeded') },
      spec: { resources: { requests: { storage: size } } },
      status: { phase: 'Bound' },
    })
    await hands.bring(shop([config('1'), claim('1Gi')]))
    await hands.bring(shop([config('2'), claim('2Gi')], 2))
    assert.ok(!hands.writes().some((call) => call.startsWith('delete')))
  })

  it('run at most once for a content, whatever restarts, repairs and ends come when (property)', async () => {
    const events = fc.array(
      fc.constantFrom('restart', 'wait', 'end', 'drift', 'snapshot', 'content'),
      { maxLength: 14 },
    )
    await fc.assert(
      fc.asyncProperty(events, async (events) => {
        const cluster = createMemoryCluster()
        const runs = () => cluster.calls.filter((call) => call === `apply ${idOf('migrate')}`)
        let content = 0
        let generation = 1
        const app = () =>
          shop([config(String(content)), createJob('migrate', argo('PreSync'))], generation)
        let hands = createMemoryHands({}, cluster)
        try {
          await hands.bring(app())
          for (const event of events) {
            if (event === 'restart') {
              await hands.workloads.close()
              hands = createMemoryHands({}, cluster)
              await hands.bring(app())
            }
            if (event === 'wait') await hands.clock.advance(2_000)
            if (event === 'end' && cluster.read(idOf('migrate'))) {
              hands.end(idOf('migrate'), 'Complete')
            }
            if (event === 'drift' && cluster.read(settings)) {
              cluster.edit(settings, 'rival', (object) => ({ ...object, data: {} }))
            }
            if (event === 'content') content += 1
            if (event === 'content' || event === 'snapshot') {
              generation += 1
              await hands.bring(app())
            }
            assert.ok(runs().length <= content + 1, `${runs().length} runs of ${content + 1}`)
            const text = (cluster.read(settings)?.['data'] as { text?: string } | undefined)?.text
            // The newest content is there only once its hook has run.
            if (text === String(content)) assert.equal(runs().length, content + 1)
          }
        } finally {
          await hands.workloads.close()
        }
      }),
      { numRuns: 60 },
    )
  })
})
