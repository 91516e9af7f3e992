import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Decision } from '../../../../hub/ledger/entry.ts'
import { emptyReported, foldFacts, newestFacts } from '../../../../hub/ledger/facts.ts'
import { createFactsTaking } from '../../../../hub/sync/facts.ts'

type Facts = Extract<Decision, { type: 'facts.reported' }>

function world() {
  const state = emptyReported()
  const written: Facts[][] = []
  const said: string[] = []
  let now = 1_000_000
  let timers: { at: number; run: () => void }[] = []
  const world = { fail: false, changes: 0 }
  const taking = createFactsTaking({
    state,
    async append(decisions) {
      if (world.fail) throw new Error('the disk is full')
      written.push(decisions as Facts[])
      for (const one of decisions as Facts[]) foldFacts(state, one)
    },
    onChange: () => (world.changes += 1),
    log: (message) => said.push(message),
    monotonic: () => now,
    later: (ms, run) => timers.push({ at: now + ms, run }),
  })
  /** Lets time pass, and what is due happen. */
  async function pass(ms: number): Promise<void> {
    const until = now + ms
    for (;;) {
      const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      timers = timers.filter((one) => one !== next)
      now = next.at
      next.run()
      await new Promise((resolve) => setImmediate(resolve))
    }
    now = until
  }
  return Object.assign(world, { state, written, said, taking, pass })
}

const apis = ['apps/v1', 'v1']
const version = 'v1.35.4'

describe('what agents tell of their clusters', () => {
  test('is written at once for all who come together, a list once', async () => {
    const { written, taking, pass, state } = world()
    for (const cluster of ['a', 'b', 'c'])
      taking.take(cluster, { kubernetesVersion: version, apis })
    assert.equal(taking.known('a'), '')
    await pass(1_000)
    assert.equal(written.length, 1)
    assert.deepEqual(
      written[0]!.map(({ cluster, names }) => [cluster, names]),
      [
        ['a', apis],
        ['b', undefined],
        ['c', undefined],
      ],
    )
    assert.notEqual(taking.known('a'), '')
    assert.equal(taking.known('a'), taking.known('c'))
    assert.deepEqual(newestFacts(state).get('b')?.apis?.names, apis)
  })

  test('costs nothing when it is known, and five lines, then one each five minutes, when it goes back and forth', async () => {
    const { written, taking, pass, state } = world()
    taking.take('a', { kubernetesVersion: version, apis })
    await pass(1_000)
    taking.take('a', { kubernetesVersion: version, apis })
    await pass(5_000)
    assert.equal(written.length, 1)
    for (let n = 0; n < 30; n += 1) {
      taking.take('a', { kubernetesVersion: `v1.36.${n}`, apis })
      await pass(1_000)
    }
    assert.equal(written.length, 5)
    assert.equal(state.facts.get('a')?.at(-1)?.kubernetesVersion, 'v1.36.3')
    await pass(25 * 60_000)
    assert.equal(written.length, 6)
    assert.equal(state.facts.get('a')?.at(-1)?.kubernetesVersion, 'v1.36.29')
  })

  test('is not taken when it is no facts, and is tried again when it cannot be written', async () => {
    const fleet = world()
    fleet.taking.take('a', { kubernetesVersion: 'x', apis })
    fleet.taking.take('b', { kubernetesVersion: version, apis: ['v1', 'apps/v1'] })
    await fleet.pass(5_000)
    assert.deepEqual(fleet.written, [])
    assert.equal(fleet.said.length, 2)
    fleet.fail = true
    fleet.taking.take('a', { kubernetesVersion: version, apis })
    await fleet.pass(1_000)
    assert.equal(fleet.changes, 0)
    fleet.fail = false
    await fleet.pass(20_000)
    assert.equal(fleet.written.length, 1)
    assert.equal(fleet.changes, 1)
  })
})

test('facts that are none are told of once a minute: an agent can say them a thousand times a second', async () => {
  const fleet = world()
  const bad = { kubernetesVersion: 'x', apis }
  for (let n = 0; n < 1_000; n += 1) fleet.taking.take('a', bad)
  assert.equal(fleet.said.length, 1)
  await fleet.pass(60_000)
  fleet.taking.take('a', bad)
  assert.equal(fleet.said.length, 2)
})

describe('facts in the ledger', () => {
  const told = (cluster: string, kubernetesVersion: string, names?: string[]): Facts => ({
    ...{ type: 'facts.reported', cluster, kubernetesVersion },
    apis: `sha256:${(names ?? ['x']).join('').replace(/\W/g, '').padEnd(64, '0')}`,
    ...(names && { names }),
  })

  test('are the newest few, and an entry folded twice changes nothing', () => {
    const state = emptyReported()
    for (const minor of [1, 2, 3, 4]) foldFacts(state, told('a', `v1.${minor}.0`, ['a1']))
    const versions = () => state.facts.get('a')?.map((one) => one.kubernetesVersion)
    assert.deepEqual(versions(), ['v1.2.0', 'v1.3.0', 'v1.4.0'])
    foldFacts(state, told('a', 'v1.4.0', ['a1']))
    assert.deepEqual(versions(), ['v1.2.0', 'v1.3.0', 'v1.4.0'])
  })

  test('keep no list that nobody serves any more', () => {
    const state = emptyReported()
    for (let n = 0; n < 50; n += 1) foldFacts(state, told('a', 'v1.1.0', [`a${n}`]))
    assert.ok(state.apis.size <= 4)
    assert.deepEqual(state.facts.get('a')?.at(-1)?.apis?.names, ['a49'])
  })

  test('with a list that is not at hand are a version alone, so that the agent tells it again', () => {
    const state = emptyReported()
    foldFacts(state, told('a', 'v1.1.0'))
    assert.deepEqual(newestFacts(state).get('a'), { kubernetesVersion: 'v1.1.0' })
  })
})
