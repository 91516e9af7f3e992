import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contentsOf, createWorld, fleetOf } from './decide-world.ts'

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

  test('keeps nothing back where it is the last, or others of it go', async () => {
    for (const left of ['c', 'b']) {
      const { deciding, created } = createWorld()
      const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
      assert.deepEqual(await deciding.decide(fleet, withoutThem(fleet, left)), [])
      assert.equal(created[0]?.start, true, left)
    }
  })

  test('is passed over as ever where its clusters may get nothing at all', async () => {
    const { deciding, created } = createWorld(['b', 'c'])
    const fleet = fleetOf(['a', 'b', 'c'], { shop: waves })
    assert.deepEqual(await deciding.decide(fleet, withoutThem(fleet, 'a')), [])
    assert.equal(created[0]?.start, true, 'a is not enrolled')
  })
})
