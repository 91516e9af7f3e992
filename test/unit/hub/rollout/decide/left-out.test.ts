import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import { findLeftOut } from '../../../../../hub/rollout/decide/left-out.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type { Content } from '../../../../../hub/rollout/rollout.ts'
import { enrol } from '../../status/known-world.ts'
import { createDecidingHub } from '../deciding-hub.ts'
import { contentsOf, createWorld, fleetOf } from '../decide-world.ts'
import { good, plan, wave } from '../world.ts'

const waves = `, rollout: { waves: [
  { name: canary, clusters: [a] },
  { name: rest, clusters: [b, c] },
] }`.replaceAll('\n', ' ')

/** As after a look at Git that made something of all clusters but these. */
function withoutThem(fleet: ReturnType<typeof fleetOf>, ...left: string[]) {
  const contents = contentsOf(fleet)
  const mine = new Map(contents.applications.get('shop'))
  for (const cluster of left) mine.delete(cluster)
  const applications = new Map([['shop', mine]])
  return { ...contents, applications, skipped: new Map([['shop', new Set(left)]]) }
}

describe('a wave that nothing can be given to', () => {
  test('I6 keeps a commit from the waves behind, until a person says so', async () => {
    const { deciding, created } = createWorld()
    const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
    const [fault] = await deciding.decide(fleet, withoutThem(fleet, 'a'))
    assert.deepEqual(
      created.map(({ plan, start }) => [Object.keys(plan.targets), start]),
      [[['b', 'c'], false]],
    )
    assert.match(fault!.message, /wave canary has no cluster that can be given main@sha1:/)
    assert.match(fault!.message, /a is left as it is/)
    assert.match(fault!.message, /`swell rollout begin r1` goes on without that wave/)
  })

  test('I6 keeps back what comes again, where its clusters had it rolled back last, and says what brings it there', async () => {
    const { state, assign, deciding, created } = createWorld()
    const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
    const before = plan([wave('canary', ['a']), wave('rest', ['b', 'c'])], { id: 'r0' })
    const clusters = Object.fromEntries(
      ['a', 'b', 'c'].map((name) => [
        name,
        { state: 'Reverted', generation: 2, at: 1, outcome: null } as const,
      ]),
    )
    const ended = { phase: 'RolledBack', startedAt: 0, finishedAt: 1, clusters } as const
    addRollout(state, before, { ...createRun(before), ...ended })
    assign('shop', contentOf('old'), 'a', 'b', 'c')
    state.overruled.set('r0', new Set(['b', 'c']))
    const [fault] = await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(
      created.map((one) => [Object.keys(one.plan.targets), one.start]),
      [[['b', 'c'], false]],
    )
    assert.match(fault!.message, /: a had it aborted, or rolled back, last, so nothing would/)
    assert.match(fault!.message, /`swell rollout abort r1`, then `swell rollout start shop`, bring/)
  })

  test('keeps nothing back where it is the last, or others of it go', async () => {
    for (const left of ['c', 'b']) {
      const { deciding, created } = createWorld()
      const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
      assert.deepEqual(await deciding.decide(fleet, withoutThem(fleet, left)), [])
      assert.equal(created[0]?.start, true, left)
    }
  })

  test('is judged by the waves that were planned: by others it is planned anew', async () => {
    const { state, deciding, created } = createWorld()
    const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
    const contents = withoutThem(fleet, 'a')
    await deciding.decide(fleet, contents)
    const { plan } = created[0]!
    assert.equal(findLeftOut(plan, fleet, contents, state)?.wave, 'canary')
    const other = fleetOf(['a', 'b', 'c'], { shop: waves.replace('canary', 'first') })
    assert.equal(findLeftOut(plan, other, contents, state), undefined)
  })

  // Suspended in mid-rollout it was waited for; before, the commit went to the waves behind at once.
  test('I6 keeps a commit back too where its clusters are suspended', async () => {
    const { deciding, created } = createWorld()
    const fleet = fleetOf(['a/{ suspend: true }', 'b', 'c'], { shop: waves })
    const [fault] = await deciding.decide(fleet, contentsOf(fleet))
    assert.equal(created[0]?.start, false)
    assert.match(
      fault!.message,
      /^wave canary has no cluster .*: a is suspended in Git, so nothing/,
    )
  })

  test('I6 keeps a commit back too where its clusters are revoked', async () => {
    const { state, deciding, created } = createWorld()
    state.revoked.set('a', 'stolen')
    const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
    const [fault] = await deciding.decide(fleet, contentsOf(fleet))
    assert.equal(created[0]?.start, false)
    assert.match(fault!.message, /a is revoked, so nothing/)
  })

  test('keeps nothing back that a cluster of it has proven, suspended since', async () => {
    const { state, assign, deciding, created } = createWorld()
    const fleet = fleetOf(['a/{ suspend: true }', 'b', 'c'], { shop: waves })
    assign('shop', good, 'a')
    state.good.set('a', new Map([['shop', good]]))
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.equal(created[0]?.start, true)
  })

  test('is passed over as ever where none of its clusters ever joined', async () => {
    const { deciding, created } = createWorld(['b', 'c'])
    const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
    assert.deepEqual(await deciding.decide(fleet, withoutThem(fleet, 'a')), [])
    assert.equal(created[0]?.start, true, 'a is not enrolled')
  })
})

const contentOf = (text: string): Content => ({ digest: digestOf(text), size: 1, revision: text })
const [old, bad, fixed] = [contentOf('old'), contentOf('bad'), contentOf('fixed')]
const all = (content: Content) => ({ c0: content, c1: content, c2: content })

/** All run the old: the canary, c0, and the rest. */
async function begin(strategy = 'supersede: replace') {
  const hub = await createDecidingHub(strategy)
  await hub.commit(all(old))
  for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
  assert.equal(hub.phases(), 'Succeeded')
  hub.told.length = 0
  return hub
}

describe('what waits since no cluster of a wave could be given it', () => {
  // It was planned without the canary for ever, nobody was told any more, and who began it went past the canary.
  test('I6 goes with the canary first, once that can be given it', async () => {
    const hub = await begin()
    await hub.commit(all(bad), 'c0')
    await hub.goOn(5_000)
    assert.deepEqual([hub.phases(), hub.told], ['Succeeded Planned', []])
    await hub.commit(all(bad))
    assert.equal(hub.phases(), 'Succeeded Superseded Progressing')
    assert.deepEqual(hub.told, [['c0', bad.digest]])
  })

  test('goes without it by the word of a person', async () => {
    const hub = await begin()
    await hub.commit(all(bad), 'c0')
    await hub.act('r2', 'start')
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Succeeded')
    assert.deepEqual(
      hub.told.map(([name]) => name),
      ['c1', 'c2'],
    )
  })

  test('I6 does not begin as its turn in line comes', async () => {
    const hub = await begin('supersede: queue')
    await hub.commit(all(fixed))
    await hub.commit(all(bad), 'c0')
    for (let turn = 0; turn < 8; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Succeeded Planned')
    await hub.commit(all(bad))
    assert.equal(hub.phases(), 'Succeeded Succeeded Superseded Progressing')
  })

  test('I6 does not begin as a person has go on what was paused before it', async () => {
    const hub = await begin()
    await hub.commit(all(bad))
    await hub.act('r2', 'pause')
    await hub.commit({ ...all(bad), c1: fixed }, 'c0')
    await hub.act('r2', 'resume')
    assert.equal(hub.phases(), 'Succeeded Progressing Planned')
  })

  test('I6 waits also where it was planned before, and never went', async () => {
    const hub = await begin()
    for (const content of [bad, fixed, bad]) await hub.commit(all(content), 'c0')
    assert.equal(hub.phases(), 'Succeeded Superseded Superseded Planned')
  })

  for (const action of ['abort', 'rollback'] as const) {
    test(`I6 waits also where it was ended by ${action}, taken back in Git and asked for again`, async () => {
      const hub = await begin()
      await hub.commit(all(bad))
      await hub.act('r2', action)
      for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
      await hub.commit(all(old))
      for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
      hub.told.length = 0
      await hub.commit(all(bad), 'c0')
      await hub.goOn(5_000)
      assert.match(hub.phases(), / Planned$/)
      assert.deepEqual(hub.told, [])
    })
  }

  test('I6 waits also where one of the others had it alone, and proved it', async () => {
    const hub = await begin()
    for (const beside of [old, fixed]) {
      await hub.commit({ ...all(beside), c2: bad })
      for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    }
    assert.equal(hub.phases(), 'Succeeded Succeeded Succeeded')
    hub.told.length = 0
    await hub.commit(all(bad), 'c0')
    await hub.goOn(5_000)
    assert.deepEqual([hub.phases(), hub.told], ['Succeeded Succeeded Succeeded Planned', []])
  })

  // What one of the others was to get beside it the canary had proven, and that counted for both.
  test('I6 waits also where the canary has proven something else that comes with it', async () => {
    const hub = await begin()
    await hub.commit(all(fixed))
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    await hub.commit({ ...all(old), c0: fixed })
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    hub.told.length = 0
    await hub.commit({ ...all(bad), c2: fixed }, 'c0')
    await hub.goOn(5_000)
    assert.match(hub.phases(), / Planned$/)
    assert.deepEqual(hub.told, [])
  })

  // Left out as Git took it back, the canary was still one of whom it was rolled back; the others got it without.
  test('I6 waits also where it comes again to the others, and the canary was left out as it was taken back', async () => {
    const hub = await begin()
    await hub.commit(all(bad))
    await hub.act('r2', 'rollback')
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    await hub.commit(all(old), 'c0')
    hub.told.length = 0
    await hub.commit(all(bad))
    await hub.goOn(5_000)
    assert.deepEqual([hub.phases(), hub.told], ['Succeeded RolledBack Planned', []])
  })

  // It had been told to some, so it was taken for proven: the others got it without the canary that had never passed it.
  test('I6 waits also where it came as far as the canary, and gave way before that had proven it', async () => {
    const hub = await begin()
    for (const content of [bad, fixed]) await hub.commit(all(content))
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    hub.told.length = 0
    await hub.commit(all(bad), 'c0')
    await hub.goOn(5_000)
    assert.deepEqual([hub.phases(), hub.told], ['Succeeded Superseded Succeeded Planned', []])
  })
})

describe('a wave that was without a cluster that can be given something', () => {
  const spec = (canaries: string, rest: string) =>
    `, rollout: { waves: [{ name: canary, clusters: [${canaries}] }, { name: rest, clusters: [${rest}] }] }`

  /** Cluster a is left as it is, and what is to go to the others is planned. */
  async function wait(fleet: ReturnType<typeof fleetOf>) {
    const world = createWorld()
    await world.deciding.decide(fleet, withoutThem(fleet, 'a'))
    const { plan } = world.created[0]!
    addRollout(world.state, plan, createRun(plan))
    assert.deepEqual(world.summary(), [['shop', 'b c', false]])
    return world
  }

  // What was planned waited on, and whoever began it as they were told went past the new canary.
  test('I6 is gone through as soon as another cluster is picked for it', async () => {
    const world = await wait(fleetOf(['a', 'b', 'c'], { shop: spec('a', 'b, c') }))
    const other = fleetOf(['a', 'b', 'c'], { shop: spec('a, b', 'c') })
    assert.deepEqual(await world.deciding.decide(other, withoutThem(other, 'a')), [])
    assert.deepEqual(world.summary()[1], ['shop', 'b c', true])
    assert.deepEqual(world.created[1]!.plan.waves[0]!.clusters, ['b'])
  })

  test('I6 is gone through as soon as another cluster of it has joined', async () => {
    const fleet = fleetOf(['a', 'b', 'c', 'd'], { shop: spec('a, d', 'b, c') })
    const world = await wait(fleet)
    enrol(world.state, 'd')
    assert.deepEqual(await world.deciding.decide(fleet, withoutThem(fleet, 'a')), [])
    assert.deepEqual(world.summary()[1], ['shop', 'b c d', true])
  })

  test('is waited for without a plan more at each look', async () => {
    const fleet = fleetOf(['a', 'b', 'c'], { shop: spec('a', 'b, c') })
    const world = await wait(fleet)
    const [fault] = await world.deciding.decide(fleet, withoutThem(fleet, 'a'))
    assert.match(fault!.message, /`swell rollout begin r1` goes on without/)
    assert.equal(world.created.length, 1)
  })
})
