import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import * as fc from 'fast-check'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import { type Known, standingOf } from '../../../../hub/status/cluster-view.ts'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import type { ClusterStatus } from '../../../../hub/status/status.ts'
import { createTargets } from '../../../../hub/status/targets.ts'
import { application, assignment } from './known-world.ts'

const clusters = ['a', 'b', 'c', 'd']
const applications = ['shop', 'till']

function setUp() {
  const state = emptyState()
  const statuses = new Map<string, ClusterStatus>()
  const status = (cluster: string) => statuses.get(cluster) ?? unknownCluster(cluster)
  const known = (): Known => ({ fleet: null, state, status, offered: () => undefined, now: 0 })
  const git = { contents: null as Contents | null }
  const targets = createTargets(known, () => git.contents)
  return { state, statuses, status, known, git, targets }
}

/** As it was counted before there were sums: every cluster, for one application. */
function countAnew({ state, status, git }: ReturnType<typeof setUp>, name: string) {
  const wanted = git.contents?.applications.get(name)
  const counts = { updated: 0, pending: 0, failed: 0, unreachable: 0, drifted: 0 }
  let [targets, behind] = [0, 0]
  for (const cluster of clusters) {
    const assigned = state.assignments.get(cluster)?.get(name)
    if (!wanted?.has(cluster) && (assigned?.digest ?? null) === null) continue
    const { applications: told, connection } = status(cluster)
    targets += 1
    counts[standingOf(assigned, told[name], connection)] += 1
    if ((told[name]?.driftedObjects ?? 0) > 0) counts.drifted += 1
    const asked = wanted?.get(cluster)?.digest ?? null
    if (wanted && asked !== (assigned?.digest ?? null)) behind += 1
  }
  return targets === 0 ? undefined : { targets, counts, behind }
}

describe('where applications are', () => {
  it('is counted of what changed as it would be of everything (property)', () => {
    const step = fc.record({
      what: fc.constantFrom('assign', 'remove', 'report', 'connect', 'leave', 'commit', 'all'),
      cluster: fc.constantFrom(...clusters),
      name: fc.constantFrom(...applications),
      wanted: fc.subarray(clusters),
      ...{ drifted: fc.boolean(), failed: fc.boolean(), ask: fc.boolean() },
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = setUp()
        const { state, statuses, status, git, targets } = world
        const check = () => {
          for (const name of applications) {
            assert.deepEqual(targets.of(name), countAnew(world, name), name)
          }
          const there = applications.filter((name) => countAnew(world, name))
          assert.deepEqual(targets.names(), there)
        }
        steps.forEach(({ what, cluster, name, wanted, drifted, failed, ask }, turn) => {
          const before = status(cluster)
          const mine = state.assignments.get(cluster) ?? new Map()
          if (what === 'assign' || what === 'remove') {
            const digest = what === 'remove' ? null : digestOf(String(turn))
            mine.set(name, assignment(cluster, name, { digest, generation: turn }))
            state.assignments.set(cluster, mine)
          } else if (what === 'report') {
            const { digest = null, generation = 0 } = mine.get(name) ?? {}
            const phase = failed ? 'Failed' : digest === null ? 'Removed' : 'Applied'
            const driftedObjects = drifted ? 1 : 0
            const told = application(name, { digest, generation, phase, driftedObjects })
            statuses.set(cluster, {
              ...before,
              applications: { ...before.applications, [name]: told },
            })
          } else if (what === 'connect') {
            const connection = { state: 'Connected', since: turn, replica: 'r' } as const
            statuses.set(cluster, { ...before, connection })
          } else if (what === 'leave') {
            const connection = { state: 'Disconnected', since: turn } as const
            statuses.set(cluster, { ...before, connection })
          } else if (what === 'commit') {
            const content = { digest: digestOf('x'), size: 1, revision: 'r' }
            const asked = new Map(wanted.map((one) => [one, content]))
            const all = new Map(git.contents?.applications).set(name, asked)
            git.contents = { applications: all, faults: [], warnings: [], skipped: new Map() }
          }
          if (what === 'all') targets.touchAll()
          else if (what !== 'commit') targets.touch(cluster)
          if (ask) check()
        })
        check()
      }),
      { numRuns: 500 },
    )
  })

  it('is behind where Git asks for something else, and not where it asks for nothing any more, or leaves it as it is', () => {
    const { state, git, targets } = setUp()
    for (const one of clusters) {
      state.assignments.set(one, new Map([['shop', assignment(one, 'shop')]]))
    }
    const asked = new Map(
      ['a', 'b', 'c'].map((one) => [
        one,
        { digest: digestOf(one === 'a' ? 'wanted' : 'newer'), size: 1, revision: 'r' },
      ]),
    )
    const skipped = new Map([['shop', new Set(['c', 'd'])]])
    git.contents = { applications: new Map([['shop', asked]]), faults: [], warnings: [], skipped }
    assert.equal(targets.of('shop')?.behind, 1, 'b alone: c and d are left as they are')
    git.contents = { ...git.contents, applications: new Map() }
    assert.equal(targets.of('shop')?.behind, 0, 'of what does not render nobody can tell')
  })

  it('is forgotten where nothing is left', () => {
    const { state, targets } = setUp()
    state.assignments.set('a', new Map([['shop', assignment('a', 'shop')]]))
    assert.deepEqual(targets.names(), ['shop'])
    state.assignments.set('a', new Map([['shop', assignment('a', 'shop', { digest: null })]]))
    targets.touch('a')
    assert.deepEqual([targets.of('shop'), targets.names()], [undefined, []])
  })
})
