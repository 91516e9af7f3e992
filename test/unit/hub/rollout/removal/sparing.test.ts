import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { leaveLimit } from '@groundswell/proto/statement.ts'
import type { Fleet } from '../../../../../hub/fleet/fleet.ts'
import { addRollout, putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { assignedBy, emptyState } from '../../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../../hub/render/contents.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type {
  Assignment,
  ClusterProgress,
  Content,
  RolloutPlan,
} from '../../../../../hub/rollout/rollout.ts'
import { createSparing } from '../../../../../hub/rollout/removal/sparing.ts'
import { createManifests } from '../../../../support/manifests.ts'
import { fleetOf } from '../decide-world.ts'
import { plan, target, wave } from '../world.ts'

const [a, b, c] = ['/ConfigMap/shop/a', '/ConfigMap/shop/b', '/ConfigMap/shop/c'] as const

const everywhere = (clusters: readonly string[], names: readonly string[]): Fleet =>
  fleetOf(clusters, Object.fromEntries(names.map((name) => [name, ''])))

interface Around {
  readonly clusters?: readonly string[]
  readonly fleet?: Fleet
  readonly skipped?: Contents['skipped']
}

function createWorld() {
  const manifests = createManifests()
  const { reads, read } = manifests
  const fingerprints = new Map<Digest, string>()
  const state = emptyState()
  const sparing = createSparing({
    state,
    objectsOf: read,
  })

  function look(wanted: Readonly<Record<string, Content | null>>, around: Around = {}) {
    const { clusters = ['x'], skipped = new Map() } = around
    const { fleet = everywhere(clusters, Object.keys(wanted)) } = around
    const made = Object.entries(wanted).filter(([, content]) => content !== null)
    const contents: Contents = {
      applications: new Map(
        made.map(([name, content]) => [name, new Map(clusters.map((one) => [one, content!]))]),
      ),
      ...{ faults: [], warnings: [], skipped, fingerprints },
    }
    return sparing.look(fleet, contents)
  }

  return {
    ...{ manifests, reads, fingerprints, state },
    content: (...[application, ids, rest]: Parameters<typeof manifests.keep>): Content => ({
      ...{ digest: manifests.keep(application, ids, rest), size: 1, revision: 'r' },
    }),
    /** What was given to a cluster; it has proven good unless it is said otherwise. */
    give(cluster: string, application: string, content: Content, isProven = true): void {
      const one: Assignment = { ...content, cluster, application, generation: 1, rollout: 'r0' }
      putAssignment(state, one)
      if (!isProven) return
      const mine = state.good.get(cluster) ?? new Map<string, Content>()
      state.good.set(cluster, mine.set(application, content))
    },
    /** A rollout that came to a cluster, and what became of it there. */
    roll(
      id: string,
      cluster: string,
      to: Content,
      from: Content,
      progress: ClusterProgress,
    ): RolloutPlan {
      const made = plan([wave('all', [cluster])], {
        ...{ id, application: 'web' },
        targets: { [cluster]: target(from, to) },
      })
      const run = createRun(made)
      addRollout(state, made, { ...run, clusters: { [cluster]: progress } })
      return made
    },
    look,
    /** What `web` leaves where it is to have something else, or nothing, while others are wanted beside it. */
    async left(
      next: Content | null,
      beside: Readonly<Record<string, Content | null>> = {},
      around: Around = {},
    ) {
      const found = look({ ...beside, ...(next && { web: next }) }, around)
      const to = next ?? { digest: null, size: 0, revision: 'r' }
      const { x } = await found.spare('web', { x: target(null, to) })
      return { leave: x?.leave, deletionPolicy: x?.deletionPolicy }
    },
  }
}

const left = (leave?: readonly string[]) => ({ leave, deletionPolicy: undefined })
const deleted = (leave?: readonly string[]) => ({ leave, deletionPolicy: 'Delete' })
const nothing: Content = { digest: null, size: 0, revision: 'r' }
const orphaned = { leave: undefined, deletionPolicy: 'Orphan' }

describe('I4: what an application that stays leaves to others', () => {
  it('is what it had, has no more, and another is to get; not what nobody is to get', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b, c]))
    const next = world.content('web', [a])
    assert.deepEqual(await world.left(next, { shop: world.content('shop', [b]) }), left([b]))
    assert.deepEqual(await world.left(next), left())
    assert.deepEqual(await world.left(next, { shop: world.content('shop', [a]) }), left())
  })

  it('is still that where the other has come but not proven good, was rolled back, or is let be as it is', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b]))
    const [next, shop] = [world.content('web', [a]), world.content('shop', [b])]
    world.give('x', 'shop', shop, false)
    assert.deepEqual(await world.left(next, { shop }), left([b]))
    world.give('x', 'shop', { digest: null, size: 0, revision: 'r' })
    assert.deepEqual(await world.left(next, { shop }), left([b]))
    world.give('x', 'shop', shop, false)
    const skipped = new Map([['shop', new Set(['x'])]])
    const fleet = fleetOf(['x'], { web: '', shop: ', suspend: true' })
    assert.deepEqual(await world.left(next, {}, { fleet, skipped }), left([b]))
  })

  it('is nothing where the other has proven that it has it', async () => {
    const world = createWorld()
    world.give('x', 'web', { ...world.content('web', [a]), leave: [b] })
    const shop = world.content('shop', [b])
    world.give('x', 'shop', shop)
    assert.deepEqual(await world.left(world.content('web', []), { shop }), left())
    assert.deepEqual(world.reads, [])
  })

  // A new leader knew of nothing rendered before it: it planned anew what waited in line, or at a gate.
  it('is nothing where the other has proven the same objects, also to a hub that has just begun', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b]))
    world.give('x', 'shop', world.content('shop', [b]))
    const shop = world.content('shop', [b], { file: 'newer' })
    assert.deepEqual(await world.left(world.content('web', [a]), { shop }), left())
    assert.deepEqual(await world.left(null, { shop }), deleted())
  })

  it('goes on with what it left before, until somebody has that', async () => {
    const world = createWorld()
    world.give('x', 'web', { ...world.content('web', [a]), leave: [b] })
    const [next, shop] = [world.content('web', [a], { file: 'b.yaml' }), world.content('s', [b])]
    assert.deepEqual(await world.left(next, { shop }), left([b]))
    world.give('x', 'web', { ...world.content('web', [a]), leave: ['*'] })
    const many = world.content('s', [b, c, a])
    assert.deepEqual(await world.left(next, { shop: many }), left([b, c]), 'all but its own')
  })

  it('counts what it may have of contents that were replaced, or taken back, before that was confirmed', async () => {
    const done = { state: 'Done', outcome: 'Succeeded', generation: 1, at: 0, message: '' } as const
    const back = { state: 'Reverted', generation: 3, at: 0, outcome: null } as const
    for (const [title, progress, expected] of [
      ['on its way', { state: 'Offered', generation: 2, offeredAt: 0 }, left([b, c])],
      ['failed', { ...done, outcome: 'Failed', generation: 2 }, left([b, c])],
      ['skipped', { ...done, outcome: 'Skipped', generation: 0 }, left([b])],
      ['back, not confirmed', { ...back, unconfirmed: 'not connected' }, left([b, c])],
      ['back', back, left([b])],
    ] as const) {
      const world = createWorld()
      const [first, second] = [world.content('web', [a, b]), world.content('web', [a, c])]
      world.roll('r1', 'x', first, first, done)
      world.roll('r2', 'x', second, first, progress)
      world.give('x', 'web', first)
      const shop = world.content('shop', [b, c])
      assert.deepEqual(await world.left(world.content('web', [a]), { shop }), expected, title)
    }
  })

  it('is named by where it may live: with the namespace of its application, or none', async () => {
    const world = createWorld()
    const bare = ['/ConfigMap//a', 'rbac.authorization.k8s.io/ClusterRole//r']
    world.give('x', 'web', world.content('web', bare))
    const next = world.content('web', [b])
    assert.deepEqual(
      await world.left(next, { shop: world.content('shop', [a, bare[1]!]) }),
      left([a, bare[1]!, 'rbac.authorization.k8s.io/ClusterRole/shop/r']),
    )
    // Namespaced, it is another object; cluster-scoped it is the same, which the agent can tell.
    const elsewhere = world.content('shop', bare, { targetNamespace: 'other' })
    assert.deepEqual(await world.left(next, { shop: elsewhere }), left([...bare].sort()))
  })

  it('is all, where it is more than can be named, or where an application beside it cannot be rendered', async () => {
    const many = Array.from({ length: leaveLimit + 1 }, (_, at) => `/ConfigMap/shop/m${at}`)
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, ...many]))
    const next = world.content('web', [a])
    assert.deepEqual(await world.left(next, { shop: world.content('shop', many) }), left(['*']))
    const some = world.content('shop', many.slice(1))
    assert.equal((await world.left(next, { shop: some })).leave?.length, leaveLimit)
    assert.deepEqual(await world.left(next, { shop: null }), left(['*']))
    const more = world.content('web', [a, b, ...many])
    assert.deepEqual(await world.left(more, { shop: null }), left(), 'nothing is lost')
    const lost = { digest: digestOf('lost'), size: 1, revision: 'r' }
    assert.deepEqual(await world.left(next, { shop: lost }), left(['*']), 'nobody knows what comes')
    world.give('x', 'web', lost)
    const shop = world.content('shop', [a, b])
    assert.deepEqual(
      await world.left(next, { shop }),
      left([b]),
      'whatever it had, that is not its',
    )
  })

  it('is nothing to plan where nothing of it is there', async () => {
    const world = createWorld()
    const shop = world.content('shop', [b])
    assert.deepEqual(await world.left(world.content('web', [a]), { shop }), left())
    world.give('x', 'web', { digest: null, size: 0, revision: 'r' })
    assert.deepEqual(await world.left(world.content('web', [a]), { shop }), left())
  })
})

describe('I4: what becomes of the objects of an application that goes', () => {
  it('is what its manifest says', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b]))
    assert.deepEqual(await world.left(null), deleted())
    world.give('x', 'web', world.content('web', [a, b], { deletionPolicy: 'Orphan' }))
    assert.deepEqual(await world.left(null, { shop: world.content('shop', [a]) }), orphaned)
  })

  it('is that they are let go where all of them are to go to others', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b]))
    assert.deepEqual(await world.left(null, { shop: world.content('shop', [a, b, c]) }), orphaned)
    const halves = { shop: world.content('shop', [a]), bank: world.content('bank', [b]) }
    assert.deepEqual(await world.left(null, halves), orphaned)
    const bare = world.content('shop', ['/ConfigMap//a', '/ConfigMap//b'])
    assert.deepEqual(await world.left(null, { shop: bare }), orphaned)
  })

  it('is that those are left which go to others, where only some do', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b]))
    assert.deepEqual(await world.left(null, { shop: world.content('shop', [b]) }), deleted([b]))
    const elsewhere = world.content('shop', ['/ConfigMap//a'], { targetNamespace: 'other' })
    assert.deepEqual(await world.left(null, { shop: elsewhere }), deleted())
  })

  it('is not guessed where what goes, or what comes, cannot be read', async () => {
    const world = createWorld()
    world.give('x', 'web', world.content('web', [a, b]))
    const lost = { digest: digestOf('lost'), size: 1, revision: 'r' }
    await assert.rejects(world.left(null, { shop: lost }), { code: 'content_missing' })
    world.give('x', 'web', lost)
    await assert.rejects(world.left(null), { code: 'content_missing' })
  })
})

describe('I4: what a cluster gets that was to go back, and has not said that it did', () => {
  const back = { state: 'Reverted', generation: 2, at: 0, outcome: null } as const
  const away = { ...back, unconfirmed: 'not connected' } as const
  const done = { state: 'Done', generation: 3, at: 0, message: '' } as const

  /** Whether what follows undoes, after rollouts that ended so, oldest first, each as it was planned. */
  async function isUndone(progresses: readonly ClusterProgress[], stays = true) {
    const world = createWorld()
    const [first, second] = [world.content('web', [a]), world.content('web', [a, b])]
    const next = stays ? world.content('web', [a], { file: 'next' }) : nothing
    const follow = async (to: Content) =>
      (await world.look({ web: to }).spare('web', { x: target(null, to) })).x!
    for (const [at, progress] of progresses.entries()) {
      const made = world.roll(`r${at}`, 'x', await follow(second), first, progress)
      world.give('x', 'web', assignedBy(made, 'x', progress)!)
    }
    return (await follow(next)).undo
  }

  it('undoes as well: what is newer takes the place of the way back', async () => {
    assert.equal(await isUndone([away]), true)
    assert.equal(
      await isUndone([{ state: 'Reverting', generation: 2, offeredAt: 0, outcome: null }]),
      true,
    )
    assert.equal(await isUndone([away], false), true, 'a removal too')
  })

  it('and goes on so until something has proven good there', async () => {
    assert.equal(await isUndone([away, { ...done, outcome: 'Failed' }]), true)
    assert.equal(await isUndone([away, { ...done, outcome: 'Succeeded' }]), undefined)
    assert.equal(await isUndone([back]), undefined)
  })

  it('but undoes nothing where it only refused what it was offered', async () => {
    const refused = { ...done, outcome: 'Vetoed', withdrawn: true } as const
    assert.equal(await isUndone([refused]), undefined)
    assert.equal(await isUndone([away, refused]), true)
  })

  it('nor where no such rollout is known', async () => {
    assert.equal(await isUndone([]), undefined)
  })
})

describe('what looking for it costs', () => {
  const clusters = Array.from({ length: 1_000 }, (_, at) => `c${at}`)

  /** A thousand clusters with contents of their own, and another application that waits at its gate. */
  function createLarge(knows: (world: ReturnType<typeof createWorld>) => boolean) {
    const world = createWorld()
    const know = ({ digest }: Content, ids: string) => {
      if (knows(world)) world.fingerprints.set(digest!, ids)
    }
    const fleet = everywhere(clusters, ['web', 'shop'])
    const shop = world.content('shop', [b, c])
    know(shop, 'shop')
    const all = (ids: readonly string[], commit: string) =>
      new Map(
        clusters.map((name) => {
          const one = world.content('web', ids, { file: `${name}-${commit}` })
          know(one, ids.join())
          return [name, one] as const
        }),
      )
    const before = all([a, b], 'one')
    for (const name of clusters) world.give(name, 'web', before.get(name)!)
    return { world, fleet, shop, all, before }
  }
  const plainly = (next: ReadonlyMap<string, Content>) =>
    Object.fromEntries([...next].map(([name, one]) => [name, target(null, one)]))

  it('is no manifest where no object is lost, though another application is to get some', async () => {
    const { world, fleet, shop, all } = createLarge(() => true)
    const next = all([a, b], 'two')
    const look = world.look({ shop }, { clusters, fleet })
    const spared = await look.spare('web', plainly(next))
    assert.deepEqual(spared, plainly(next))
    assert.deepEqual(world.reads, [])
  })

  it('nor any where objects are lost and nobody is to get some', async () => {
    const { world, all, fleet, before } = createLarge(() => true)
    world.fingerprints.set(before.get('c0')!.digest!, 'ab')
    const shop = world.content('shop', [c])
    for (const name of clusters) world.give(name, 'shop', shop)
    // Another image is no other object.
    const newer = world.content('shop', [c], { file: 'newer' })
    for (const { digest } of [shop, newer]) world.fingerprints.set(digest!, 'c')
    const look = world.look({ shop: newer }, { clusters, fleet })
    await look.spare('web', plainly(all([a], 'two')))
    assert.deepEqual(world.reads, [])
  })

  it('is each manifest once, where objects are lost and another is to get them', async () => {
    const { world, fleet, shop, all } = createLarge(() => true)
    const look = world.look({ shop }, { clusters, fleet })
    const spared = await look.spare('web', plainly(all([a], 'two')))
    assert.ok(clusters.every((name) => spared[name]?.leave?.join() === b))
    assert.equal(world.reads.length, 2 * clusters.length + 1)
  })

  it('is remembered: of what an older hub made, too, once it was read', async () => {
    const { world, fleet, shop, all } = createLarge(() => false)
    const next = all([a, b], 'two')
    await world.look({ shop }, { clusters, fleet }).spare('web', plainly(next))
    assert.equal(world.reads.length, 2 * clusters.length)
    await world.look({ shop }, { clusters, fleet }).spare('web', plainly(next))
    assert.equal(world.reads.length, 2 * clusters.length)
  })
})
