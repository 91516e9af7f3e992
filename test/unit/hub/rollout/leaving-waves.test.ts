import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Content, KeptStrategy } from '../../../../hub/rollout/rollout.ts'
import { keepLast } from '../../../../hub/rollout/plan/strategy.ts'
import { contentsOf, createWorld, fleetOf } from './decide-world.ts'
import { createDecidingHub } from './deciding-hub.ts'
import { createLeavingHub, everywhere, gated, ungated } from './leaving-world.ts'
import { good } from './world.ts'

const contentOf = (text: string): Content => ({ digest: digestOf(text), size: 1, revision: text })
const [one, two] = [contentOf('one'), contentOf('two')]
const all = (content: Content) => ({ c0: content, c1: content, c2: content })

/** All run the same: the canary, c0, and the rest, one at a time. */
async function begin(before?: string, supersede = 'replace') {
  const hub = await createDecidingHub(`supersede: ${supersede}`, before)
  await hub.commit(all(one))
  if (before) await hub.act('r1', 'approve')
  for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
  assert.equal(hub.phases(), 'Succeeded')
  hub.told.length = 0
  return hub
}

// It went from all clusters at the same moment, whatever the strategy says of its content.
describe('an application that leaves Git', () => {
  test('I6 leaves the clusters in the waves that it came in, and behind their gates', async () => {
    const hub = await begin()
    await hub.leave()
    assert.deepEqual(hub.told, [['c0', null]])
    await hub.goOn(1_000)
    await hub.goOn(2_000)
    assert.deepEqual(hub.told, [['c0', null]], 'the gate after the canary is a soak of 4 s')
    await hub.goOn(5_000)
    assert.deepEqual(hub.told.slice(1), [['c1', null]], 'one at a time')
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told.slice(1), [
      ['c1', null],
      ['c2', null],
    ])
    assert.equal(hub.phases(), 'Succeeded Succeeded')
  })

  test('is back on the canary alone where Git takes that back in time', async () => {
    const hub = await begin()
    await hub.leave()
    await hub.goOn(1_000)
    await hub.commit(all(one))
    for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told, [
      ['c0', null],
      ['c0', one.digest],
    ])
  })

  // In line behind its own removal it came back once that had gone everywhere.
  test('is back also where rollouts wait in line, and has gone from no other cluster', async () => {
    for (const content of [one, two]) {
      const hub = await begin(undefined, 'queue')
      await hub.leave()
      await hub.goOn(1_000)
      await hub.commit(all(content))
      for (let turn = 0; turn < 9; turn += 1) await hub.goOn(5_000)
      assert.deepEqual(
        hub.told.filter(([, digest]) => digest === null),
        [['c0', null]],
      )
      assert.deepEqual(hub.told[1], ['c0', content.digest])
    }
  })

  // Nothing was planned in its place, so its removal went on to all clusters.
  test('goes on nowhere either where it comes back and cannot be rendered, or selects nobody', async () => {
    for (const back of ['fails', 'selects nobody'] as const) {
      const hub = await begin()
      await hub.leave()
      await hub.goOn(1_000)
      if (back === 'fails') await hub.fail()
      else await hub.commit({})
      for (let turn = 0; turn < 9; turn += 1) await hub.goOn(5_000)
      assert.deepEqual(hub.told, [['c0', null]], back)
      await hub.commit(all(one))
      for (let turn = 0; turn < 5; turn += 1) await hub.goOn(5_000)
      assert.deepEqual(hub.told.slice(1), [['c0', one.digest]], back)
    }
  })

  // What came back waited for its canary, and meanwhile its removal went on to the others.
  test('goes on nowhere where it comes back and waits for a canary that cannot be given it', async () => {
    const hub = await begin()
    await hub.leave()
    await hub.goOn(1_000)
    await hub.commit(all(two), 'c0')
    for (let turn = 0; turn < 9; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told, [['c0', null]])
    assert.equal(hub.phases(), 'Succeeded Superseded Planned')
  })

  // Suspended a moment later it was waited for.
  test('I6 waits for its canary where that is suspended, as its content does', async () => {
    const hub = await begin()
    const faults = await hub.leave('c0')
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.deepEqual([hub.told, hub.phases()], [[], 'Succeeded Planned'])
    assert.match(
      faults[0]!.message,
      /^wave canary has no cluster that it may be removed from: c0 is suspended in Git, .*`swell rollout begin r2`/,
    )
    await hub.leave()
    for (let turn = 0; turn < 6; turn += 1) await hub.goOn(5_000)
    const gone = hub.told.map(([cluster, digest]) => [cluster, digest])
    assert.deepEqual(gone, [
      ['c0', null],
      ['c1', null],
      ['c2', null],
    ])
    assert.equal(hub.phases(), 'Succeeded Superseded Succeeded')
  })

  // The waves that it was planned in were waited for.
  test('waits no more for a canary that its strategy has no more', async () => {
    const hub = await begin()
    await hub.leave('c0')
    await hub.leaveTogether('c0')
    assert.deepEqual(hub.told, [
      ['c1', null],
      ['c2', null],
    ])
  })

  test("leaves without a canary that is suspended by a person's word, and that one once it may", async () => {
    const hub = await begin()
    await hub.leave('c0')
    await hub.act('r2', 'start')
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told, [
      ['c1', null],
      ['c2', null],
    ])
    await hub.leave()
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told.slice(2), [['c0', null]])
  })

  test('leaves once more behind its canary, and stays where it comes back while that is waited for', async () => {
    const hub = await begin()
    await hub.leave()
    for (let turn = 0; turn < 6; turn += 1) await hub.goOn(5_000)
    await hub.commit(all(one))
    for (let turn = 0; turn < 6; turn += 1) await hub.goOn(5_000)
    hub.told.length = 0
    await hub.leave('c0')
    await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Succeeded Succeeded Planned')
    await hub.commit(all(one))
    await hub.goOn(5_000)
    assert.deepEqual([hub.told, hub.phases()], [[], 'Succeeded Succeeded Succeeded Superseded'])
  })

  // Found by the play of the canary: it went on to the others, of which none had been rolled back.
  test('I6 waits where it was rolled back for the canary, came back for the others, and leaves again', async () => {
    const hub = await begin()
    await hub.leave()
    await hub.act('r2', 'rollback')
    await hub.commit(all(one), 'c0')
    await hub.goOn(1_000)
    hub.told.length = 0
    const faults = await hub.leave()
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told, [])
    assert.match(faults[0]!.message, /^wave canary .*: c0 had it aborted, or rolled back, last/)
  })

  // That the canary had been without it once was taken for a proof, though it had it again.
  test('I6 waits for a canary that has it again and is suspended', async () => {
    const hub = await begin()
    await hub.leave()
    await hub.goOn(1)
    await hub.commit(all(one))
    await hub.leave('c0')
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told, [
      ['c0', null],
      ['c0', one.digest],
    ])
  })

  test('I6 waits for people as its content did', async () => {
    const hub = await begin('[{ approval: {} }]')
    await hub.leave()
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    assert.deepEqual(hub.told, [], 'its approval is asked for')
    await hub.act('r2', 'approve')
    assert.deepEqual(hub.told, [['c0', null]])
  })
})

// What was to be given was in no wave: the rollout ended at once, and the next one was planned, without an end.
test('what was rendered before its application left Git goes in waves all the same', async () => {
  const { deciding, created, assign } = createWorld(['a', 'b'])
  const before = fleetOf(['a', 'b'], { shop: '', db: '' })
  assign('shop', good, 'a')
  assign('db', good, 'a', 'b')
  await deciding.decide(fleetOf(['a', 'b'], { db: '' }), contentsOf(before))
  assert.deepEqual(
    created.map(({ plan: { targets, waves } }) => [
      Object.keys(targets),
      waves.map(({ clusters }) => clusters),
    ]),
    [[['b'], [['b']]]],
  )
})

// What was planned in its place waits for a person, and it went on meanwhile: it deleted what others were to have.
test('a removal under way ends where Git gives to others what it would delete, and removes so many others that it waits', async () => {
  const owners = ['db', 'web', 'shop', 'shop'] as const
  const hub = await createLeavingHub({ shop: gated }, { owners })
  await hub.approve('shop')
  await hub.commit({ shop: null })
  await hub.goOn()
  const given = [...owners.slice(0, 2), 'web', 'shop'] as const
  await hub.commit({ db: null, queue: null }, { owners: given })
  assert.equal(hub.phases('shop'), 'Succeeded Superseded Planned')
  await hub.approve('shop')
  assert.deepEqual(hub.has('shop'), everywhere.slice(1))
  await hub.world.perform({
    kind: 'act',
    application: 'shop',
    action: 'begin',
    cluster: 'c0',
    actor: 'alice',
  })
  await hub.goOn()
  await hub.approve('shop')
  assert.deepEqual([hub.has('shop'), hub.has('web')], [[], everywhere])
})

// Which was broken before was in memory alone: with any that is broken, each start of the hub ended all removals.
test('a removal under way goes on after a restart beside one that was broken before it left', async () => {
  const hub = await createLeavingHub({ shop: gated })
  await hub.approve('shop')
  await hub.commit({ web: { ...ungated, broken: true } })
  await hub.commit({ shop: null })
  await hub.goOn()
  await hub.world.perform({ kind: 'crash' })
  await hub.goOn()
  assert.equal(hub.phases('shop'), 'Succeeded Progressing')
  await hub.approve('shop')
  assert.deepEqual([hub.has('shop'), hub.world.faults], [[], []])
})

test('a removal under way ends after a restart as well where another breaks since', async () => {
  const hub = await createLeavingHub({ shop: gated })
  await hub.approve('shop')
  await hub.commit({ queue: { ...ungated, broken: true } })
  await hub.commit({ shop: null })
  await hub.goOn()
  await hub.world.perform({ kind: 'crash' })
  await hub.commit({ web: { ...ungated, broken: true } })
  assert.equal(hub.phases('shop'), 'Succeeded Superseded')
})

describe('the strategy of an application that left Git', () => {
  const spec = (name: string) => ({ waves: [{ name, selector: {} }] })
  const keep = (past?: KeptStrategy, inGit: Record<string, string> = {}) => {
    const strategies = new Map(
      Object.entries(inGit).map(([name, first]) => [name, { name, file: '', spec: spec(first) }]),
    )
    return keepLast({ strategies } as never, past)
  }

  test('is the one of that name as Git has it now, or as it was last', () => {
    const past = { name: 's', spec: spec('before') }
    assert.deepEqual(keep(past, { s: 'now' }), { name: 's', spec: spec('now') })
    assert.deepEqual(keep(past, { other: 'now' }), past)
    assert.deepEqual(keep({ spec: spec('own') }, { s: 'now' }), { spec: spec('own') })
    assert.equal(keep(undefined, { s: 'now' }), undefined)
  })
})
