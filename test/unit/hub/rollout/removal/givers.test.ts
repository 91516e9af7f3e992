import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Fleet } from '../../../../../hub/fleet/fleet.ts'
import { putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { createGivers } from '../../../../../hub/rollout/removal/givers.ts'
import type { Content } from '../../../../../hub/rollout/rollout.ts'
import { createManifests } from '../../../../support/manifests.ts'
import { fleetOf } from '../decide-world.ts'
import { target } from '../world.ts'

const [a, b] = ['/ConfigMap/shop/a', '/ConfigMap/shop/b'] as const

function createWorld() {
  const manifests = createManifests()
  const { reads, read } = manifests
  const state = emptyState()
  return {
    ...{ state, reads },
    content: (...[application, ids, rest]: Parameters<typeof manifests.keep>): Content => ({
      ...{ digest: manifests.keep(application, ids, rest), size: 1, revision: 'r' },
    }),
    give(application: string, content: Content, isProven = true): void {
      const one = { ...content, cluster: 'x', application, generation: 1, rollout: 'r0' }
      putAssignment(state, one)
      if (!isProven) return
      const mine = state.good.get('x') ?? new Map<string, Content>()
      state.good.set('x', mine.set(application, content))
    },
    /** Of whom `web` gets objects where Git asks for these; an application that is null cannot be rendered. */
    async from(
      wanted: Readonly<Record<string, Content | null>>,
      around: { fleet?: Fleet; skipped?: Map<string, Set<string>>; alike?: readonly Digest[] } = {},
    ) {
      const names = Object.keys(wanted).map((name) => [name, ''] as const)
      const { fleet = fleetOf(['x'], Object.fromEntries(names)), skipped = new Map() } = around
      const made = Object.entries(wanted).flatMap(([name, one]) =>
        one ? [[name, new Map([['x', one]])] as const] : [],
      )
      const find = createGivers({
        ...{ state, fleet, contents: { applications: new Map(made), skipped } },
        isAlike: (...both) => both.every((one) => around.alike?.includes(one)),
        read,
      })
      const found = await find('web', { x: target(null, wanted['web']!) })
      return found['x']?.from
    },
  }
}

describe('of whom an application gets objects', () => {
  it('is who has them there, as long as that has them, and is to have them no more', async () => {
    const world = createWorld()
    const [web, shop] = [world.content('web', [a]), world.content('shop', [b])]
    world.give('web', web)
    world.give('shop', shop)
    const next = { web: world.content('web', [a, b]), shop: world.content('shop', []) }
    assert.deepEqual(await world.from(next), { shop: shop.digest })
    assert.deepEqual(await world.from({ ...next, shop: world.content('shop', [b, a]) }), undefined)
    assert.deepEqual(await world.from({ ...next, web }), undefined, 'it gets nothing')
    world.give('shop', next.shop)
    assert.deepEqual(await world.from(next), undefined, 'it has let go')
  })

  it('is each other where a swap is reverted that was on its way', async () => {
    const world = createWorld()
    const [web, shop] = [world.content('web', [a]), world.content('shop', [b])]
    world.give('web', web)
    world.give('shop', shop)
    const swapped = { web: world.content('web', [b]), shop: world.content('shop', [a]) }
    world.give('web', swapped.web, false)
    world.give('shop', swapped.shop, false)
    assert.deepEqual(await world.from({ web, shop }), { shop: swapped.shop.digest })
  })

  it('is each other where two swap, and who leaves Git', async () => {
    const world = createWorld()
    const [web, shop] = [world.content('web', [a]), world.content('shop', [b])]
    world.give('web', web)
    world.give('shop', shop)
    const next = { web: world.content('web', [b]), shop: world.content('shop', [a]) }
    assert.deepEqual(await world.from(next), { shop: shop.digest })
    assert.deepEqual(await world.from({ web: next.web }), { shop: shop.digest })
  })

  it('is nobody who stays as it is: suspended, or not to be rendered', async () => {
    const world = createWorld()
    world.give('shop', world.content('shop', [b]))
    const web = world.content('web', [b])
    assert.deepEqual(await world.from({ web, shop: null }), undefined)
    const skipped = new Map([['shop', new Set(['x'])]])
    assert.deepEqual(
      await world.from({ web, shop: world.content('shop', []) }, { skipped }),
      undefined,
    )
  })

  it('is nobody for an id that may be two objects, nor for a Namespace, which all may ask for', async () => {
    const world = createWorld()
    const role = 'rbac.authorization.k8s.io/ClusterRole//r'
    const ids = ['/ConfigMap//a', '/Namespace//shop']
    const elsewhere = { targetNamespace: 'other' }
    const shop = world.content('shop', ids, elsewhere)
    world.give('shop', shop)
    const none = world.content('shop', [], elsewhere)
    assert.deepEqual(await world.from({ web: world.content('web', ids), shop: none }), undefined)
    const wider = world.content('shop', [...ids, role], elsewhere)
    world.give('shop', wider)
    const web = world.content('web', [role])
    assert.deepEqual(await world.from({ web, shop: none }), { shop: wider.digest })
  })

  it('is asked of no other cluster than the plan is for', async () => {
    const world = createWorld()
    const shop = world.content('shop', [b])
    world.give('shop', shop)
    const asked: string[] = []
    const { assignments } = world.state
    const get = assignments.get.bind(assignments)
    assignments.get = (cluster) => {
      asked.push(cluster)
      return get(cluster)
    }
    await world.from({ web: world.content('web', [a]), shop })
    assert.deepEqual(new Set(asked), new Set(['x']))
  })

  it('is not asked of manifests where nobody is to have other objects, nor guessed where one is lost', async () => {
    const world = createWorld()
    const [shop, next] = [world.content('shop', [b]), world.content('shop', [b], { file: 'b' })]
    world.give('shop', shop)
    const web = world.content('web', [a])
    const alike = [shop.digest!, next.digest!]
    assert.deepEqual(await world.from({ web, shop: next }, { alike }), undefined)
    assert.deepEqual(world.reads, [])
    const lost = { digest: digestOf('lost'), size: 1, revision: 'r' }
    assert.deepEqual(await world.from({ web, shop: lost }), undefined)
  })
})
