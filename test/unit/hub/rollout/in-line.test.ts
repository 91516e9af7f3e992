import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Content } from '../../../../hub/rollout/rollout.ts'
import { createDecidingHub } from './deciding-hub.ts'
import { createLeavingHub, everywhere, gated, ungated } from './leaving-world.ts'
import { clusters } from './several-git.ts'

/* What Git asked while a rollout stood somewhere, and that waits for it: in line, or behind what a person paused. */

const contentOf = (text: string): Content => ({ digest: digestOf(text), size: 1, revision: text })
const [old, bad, fixed] = [contentOf('old'), contentOf('bad'), contentOf('fixed')]
const all = (content: Content) => ({ c0: content, c1: content, c2: content })

/** All run the old, and the bad has come to the canary. */
async function begin(strategy: string) {
  const hub = await createDecidingHub(strategy)
  await hub.commit(all(old))
  for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
  assert.equal(hub.phases(), 'Succeeded')
  await hub.commit(all(bad))
  return hub
}

describe('what waits in line', () => {
  // It began by itself, and brought the canary and all others what a person had just taken back.
  for (const action of ['abort', 'rollback'] as const) {
    test(`does not bring on what the rollout before it brought, once that was ended by ${action}`, async () => {
      const hub = await begin('supersede: queue')
      await hub.commit({ ...all(bad), c2: fixed })
      assert.equal(hub.phases(), 'Succeeded Progressing Planned')
      await hub.act('r2', action)
      const before = hub.told.length
      for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
      const since = hub.told.slice(before)
      assert.deepEqual(
        since.filter(([, digest]) => digest === bad.digest),
        [],
      )
      assert.deepEqual(since.at(-1), ['c2', fixed.digest], 'what is new comes all the same')
    })
  }

  test('goes when the rollout before it has come to its end', async () => {
    const hub = await begin('supersede: queue')
    await hub.commit(all(fixed))
    for (let turn = 0; turn < 8; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Succeeded Succeeded')
  })
})

// It was withdrawn, and went out by itself once its clusters were suspended no more.
describe('what waits for a person', () => {
  const act = { application: 'shop', cluster: 'c0', actor: 'alice' } as const

  test('waits still once all its clusters were suspended, and are no more', async () => {
    const hub = await createLeavingHub({})
    const next = { ...gated, version: 1 }
    await hub.commit({ shop: gated })
    await hub.commit({ shop: next })
    await hub.world.perform({ kind: 'act', action: 'pause', ...act })
    for (const suspended of [clusters, []]) {
      await hub.commit({}, { suspended })
      await hub.goOn()
      assert.equal(hub.phases('shop'), 'Succeeded Paused')
    }
    await hub.world.perform({ kind: 'act', action: 'resume', ...act })
    await hub.goOn()
    await hub.approve('shop')
    assert.equal(hub.phases('shop'), 'Succeeded Succeeded')
  })

  test('is taken back by Git all the same while its clusters are suspended', async () => {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    await hub.commit({ shop: { ...gated, version: 1 } })
    await hub.world.perform({ kind: 'act', action: 'pause', ...act })
    await hub.commit({ shop: gated }, { suspended: clusters })
    await hub.commit({}, { suspended: [] })
    assert.match(hub.phases('shop'), /^Succeeded Superseded/)
  })

  test('is removed by no other word once all clusters of so many removals were suspended', async () => {
    const hub = await createLeavingHub({})
    await hub.commit({ shop: null, db: null, web: null })
    await hub.commit({}, { suspended: clusters })
    await hub.commit({ db: ungated, web: ungated })
    await hub.commit({}, { suspended: [] })
    assert.deepEqual([hub.phases('shop'), hub.has('shop')], ['Succeeded Planned', everywhere])
    assert.match(hub.world.faults[0]!.message, /waits for a person/)
    assert.equal(hub.phases('db'), 'Succeeded Superseded')
  })
})

describe('what waits behind a rollout that a person paused', () => {
  // The next wave was offered what Git had moved away from, until what waited took over.
  test('goes in its place once the person has it go on', async () => {
    const hub = await begin('supersede: replace')
    await hub.goOn(1)
    await hub.act('r2', 'pause')
    await hub.goOn(5_000)
    await hub.commit({ ...all(bad), c1: fixed })
    assert.equal(hub.phases(), 'Succeeded Paused Planned')
    assert.equal(await hub.act('r2', 'resume'), 'r3')
    assert.equal(hub.phases(), 'Succeeded Superseded Progressing')
    for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Superseded Succeeded')
    assert.deepEqual(
      hub.told.filter(([name]) => name === 'c1').map(([, digest]) => digest),
      [old.digest, fixed.digest],
    )
  })
})

describe('what waits behind a rollout that a person paused, and then took back', () => {
  for (const action of ['abort', 'rollback'] as const) {
    test(`comes without that, once it was ended by ${action}`, async () => {
      const hub = await begin('supersede: replace')
      await hub.act('r2', 'pause')
      await hub.commit({ ...all(bad), c2: fixed })
      assert.equal(hub.phases(), 'Succeeded Paused Planned')
      await hub.act('r2', action)
      const before = hub.told.length
      for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
      assert.match(hub.phases(), / Superseded Succeeded$/)
      const since = hub.told.slice(before).filter(([, digest]) => digest !== old.digest)
      assert.deepEqual(since, [['c2', fixed.digest]])
    })

    test(`comes without that, once it was ended by ${action}, also where a wave has no cluster that can be given it`, async () => {
      const hub = await begin('supersede: replace')
      await hub.act('r2', 'pause')
      await hub.commit({ ...all(bad), c1: fixed }, 'c0')
      await hub.act('r2', action)
      for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
      assert.match(hub.phases(), / Superseded Planned$/)
      const before = hub.told.length
      await hub.act('r4', 'start')
      for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
      assert.deepEqual(hub.told.slice(before), [['c1', fixed.digest]])
    })
  }
})

describe('a canary that has what another commit took back before it came there', () => {
  const replaces = 'supersede: replace'

  // The canary had it already, failed or not, and so was in no wave: the others got it at once.
  test('goes first again when Git asks for it again', async () => {
    const hub = await createDecidingHub(replaces, '[{ approval: {} }]')
    await hub.commit(all(old))
    await hub.act('r1', 'approve')
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    await hub.commit(all(bad))
    await hub.act('r2', 'approve')
    await hub.commit(all(fixed))
    await hub.commit(all(bad))
    assert.equal(hub.phases(), 'Succeeded Superseded Superseded Progressing')
    await hub.goOn(5_000)
    assert.deepEqual(hub.told.at(-1), ['c0', bad.digest], 'it waits for its approval')
    await hub.act('r4', 'approve')
    assert.deepEqual(
      hub.told.slice(-2).map(([name]) => name),
      ['c0', 'c0'],
    )
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Superseded Superseded Succeeded')
  })

  test('goes first again when the others were kept from it meanwhile', async () => {
    const hub = await begin(replaces)
    await hub.commit({ ...all(old), c0: bad })
    assert.equal(hub.phases(), 'Succeeded Superseded')
    await hub.commit(all(bad))
    assert.deepEqual(
      hub.told.slice(-2).map(([name]) => name),
      ['c0', 'c0'],
    )
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Superseded Succeeded')
  })
})
