import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { listExpected } from '../../../../../hub/rollout/removal/expected.ts'
import type { Content } from '../../../../../hub/rollout/rollout.ts'
import { fleetOf } from '../decide-world.ts'
import { good, old } from '../world.ts'

function createWorld() {
  const state = emptyState()
  const give = (cluster: string, application: string, content: Content) =>
    putAssignment(state, { ...content, cluster, application, generation: 1, rollout: 'r' })
  const prove = (cluster: string, application: string, content: Content) =>
    state.good.set(cluster, new Map(state.good.get(cluster)).set(application, content))
  const list = (
    fleet: Parameters<typeof listExpected>[1],
    applications: Readonly<Record<string, Readonly<Record<string, Content>>>>,
    skipped: Readonly<Record<string, readonly string[]>> = {},
    isAlike = (one: unknown, other: unknown) => one === other,
  ) => {
    const contents = {
      applications: new Map(
        Object.entries(applications).map(([name, mine]) => [name, new Map(Object.entries(mine))]),
      ),
      skipped: new Map(Object.entries(skipped).map(([name, some]) => [name, new Set(some)])),
    }
    const found = listExpected(state, fleet, contents, isAlike)
    return Object.fromEntries(
      [...found].map(([cluster, some]) => [
        cluster,
        some.map(({ application, digest }) => `${application} ${digest && digest.slice(-4)}`),
      ]),
    )
  }
  return { state, give, prove, list }
}

const end = (content: Content) => content.digest!.slice(-4)

describe('what is expected on clusters', () => {
  it('is what Git places there, until it is assigned and has proven good', () => {
    const { give, prove, list } = createWorld()
    const fleet = fleetOf(['a', 'b', 'c', 'd'], { shop: '' })
    const shop = { a: good, b: good, c: good, d: good }
    give('b', 'shop', good)
    for (const name of ['c', 'd']) prove(name, 'shop', good)
    give('c', 'shop', old)
    give('d', 'shop', good)
    const waits = [`shop ${end(good)}`]
    assert.deepEqual(list(fleet, { shop }), { a: waits, b: waits, c: waits })
  })

  it('is not what names the same objects as what has proven good', () => {
    const { give, prove, list } = createWorld()
    give('a', 'shop', old)
    prove('a', 'shop', old)
    const fleet = fleetOf(['a'], { shop: '' })
    assert.deepEqual(
      list(fleet, { shop: { a: good } }, {}, () => true),
      {},
    )
    assert.deepEqual(list(fleet, { shop: { a: good } }), { a: [`shop ${end(good)}`] })
  })

  it('is unknown where it cannot be rendered, on all clusters that its targets pick or on one of them', () => {
    const { list } = createWorld()
    const fleet = fleetOf(['a', 'b', 'c/{suspend: true}'], { shop: '' })
    assert.deepEqual(list(fleet, {}), { a: ['shop null'], b: ['shop null'] })
    const one = list(fleet, { shop: { b: good } }, { shop: ['a', 'c'] })
    assert.deepEqual(one, { a: ['shop null'], b: [`shop ${end(good)}`] })
  })

  it('is what was given, where it is left as it is: of one that is suspended, and of one that is broken too', () => {
    const { give, list } = createWorld()
    give('a', 'shop', old)
    const suspended = fleetOf(['a', 'b'], { shop: ', suspend: true' })
    assert.deepEqual(list(suspended, { shop: {} }, { shop: ['a', 'b'] }), {
      a: [`shop ${end(old)}`],
    })
    const broken = fleetOf(['a', 'b'], { shop: '' })
    assert.deepEqual(list(broken, {}), {
      a: [`shop ${end(old)}`, 'shop null'],
      b: ['shop null'],
    })
  })

  it('is nothing of an application that is gone, or that a cluster is selected for no more', () => {
    const { give, list } = createWorld()
    give('a', 'gone', old)
    give('a', 'shop', good)
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const { a } = list(fleet, { shop: { b: good } })
    assert.equal(a, undefined)
  })
})
