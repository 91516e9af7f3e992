import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createBeginOrder } from '../../../../../hub/rollout/decide/begin-order.ts'
import { contentsOf, createWorld, fleetOf, objects } from '../decide-world.ts'
import { createLeavingHub, gated } from '../leaving-world.ts'
import { good, old } from '../world.ts'

const dependsOn = (...names: readonly string[]) =>
  `, dependsOn: [${names.map((name) => `{ name: ${name} }`).join()}]`

test('what is deferred is begun once: before what depends on it, however far, or at the end', async () => {
  const fleet = fleetOf(['a'], {
    ...{ base: '', db: dependsOn('base'), web: '', shop: dependsOn('db') },
  })
  const begun: string[] = []
  const order = createBeginOrder(fleet)
  const turnOf = (name: string) =>
    order.turnOf(name, async (application, run) => {
      begun.push(application)
      await run()
    })
  for (const name of ['base', 'web', 'db']) turnOf(name).defer(async () => undefined)
  await turnOf('shop').beginFirsts()
  assert.deepEqual(begun, ['base', 'db'])
  await order.beginRest()
  assert.deepEqual(begun, ['base', 'db', 'web'])
})

// It was offered while nobody had planned yet what it was to wait for.
test('I6 what gives objects to another is begun after what it depends on', async () => {
  const id = '/ConfigMap/shop/a'
  const next = { ...good, digest: digestOf('next') }
  const { deciding, assign, summary } = createWorld(['a'], {
    async objectsOf(_, manifest) {
      const has = manifest === old.digest || manifest === next.digest
      return objects({ fingerprint: manifest, spellings: new Set(has ? [id] : []) })
    },
  })
  const fleet = fleetOf(['a'], { db: '', shop: dependsOn('db'), web: '' })
  assign('db', { ...good, digest: digestOf('db before') }, 'a')
  assign('shop', old, 'a')
  const { applications, ...rest } = contentsOf(fleet)
  const faults = await deciding.decide(fleet, {
    ...rest,
    applications: new Map([...applications, ['web', new Map([['a', next]])]]),
  })
  assert.deepEqual(faults, [])
  assert.deepEqual(
    summary().map(([name]) => name),
    ['db', 'shop', 'web'],
  )
})

// What takes the place of a rollout under way was begun at once, before anything of the same commit.
test('I6 what takes the place of one that would delete what others get is begun after what it depends on', async () => {
  const owners = ['queue', 'queue', 'shop', 'web'] as const
  const hub = await createLeavingHub({ shop: { ...gated, dependsOn: ['queue'] } }, { owners })
  await hub.approve('shop')
  await hub.commit({ db: null }, { owners: ['queue', 'queue', 'db', 'web'] })
  await hub.goOn()
  assert.equal(hub.phases('shop'), 'Succeeded Progressing')
  await hub.commit({}, { owners: ['queue', 'queue', 'queue', 'web'] })
  const last = [...hub.world.hub.state.plans.values()].slice(-2)
  assert.deepEqual(
    last.map(({ application }) => application),
    ['queue', 'shop'],
  )
})
