import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import * as fc from 'fast-check'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import type { Assignment } from '../../../../hub/rollout/rollout.ts'
import type { Known } from '../../../../hub/status/cluster-view.ts'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import type { ApplicationStatus, ClusterStatus } from '../../../../hub/status/status.ts'
import { createSummaries } from '../../../../hub/status/summary.ts'

const names = ['a', 'b', 'c', 'd']
const applications = ['shop', 'till']

function setUp() {
  const state = emptyState()
  const statuses = new Map<string, ClusterStatus>()
  const status = (cluster: string) => statuses.get(cluster) ?? unknownCluster(cluster)
  const known = (): Known => ({ fleet: null, state, status, offered: () => undefined, now: 0 })
  return { state, statuses, status, known, summaries: createSummaries(known) }
}

const assignment = (cluster: string, application: string, turn: number): Assignment => ({
  ...{ cluster, application, size: 1, generation: turn, revision: `r${turn}`, rollout: 'x' },
  digest: turn % 5 === 0 ? null : digestOf(String(turn)),
})

const report = (assigned: Assignment, drifted: boolean, failed: boolean): ApplicationStatus => ({
  ...{ application: assigned.application, digest: assigned.digest },
  generation: assigned.generation,
  phase: failed ? 'Failed' : assigned.digest === null ? 'Removed' : 'Applied',
  health: 'Current',
  ...{ objects: 1, readyObjects: 1, unhealthy: [], errors: [], drift: [], healed: 0, updatedAt: 0 },
  driftedObjects: drifted ? 1 : 0,
})

describe('the summary', () => {
  it('counts what it was told changed as it would count everything (property)', () => {
    const step = fc.record({
      what: fc.constantFrom('assign', 'report', 'connect', 'leave', 'all'),
      cluster: fc.constantFrom(...names),
      application: fc.constantFrom(...applications),
      ...{ drifted: fc.boolean(), failed: fc.boolean(), ask: fc.boolean() },
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = setUp()
        const { state, statuses, status, summaries } = world
        steps.forEach(({ what, cluster, application, drifted, failed, ask }, turn) => {
          if (what === 'assign') {
            const mine = state.assignments.get(cluster) ?? new Map<string, Assignment>()
            mine.set(application, assignment(cluster, application, turn))
            state.assignments.set(cluster, mine)
          } else if (what === 'report') {
            const assigned = state.assignments.get(cluster)?.get(application)
            if (!assigned) return
            const reported = report(assigned, drifted, failed)
            const before = status(cluster)
            const all = { ...before.applications, [application]: reported }
            statuses.set(cluster, { ...before, applications: all })
          } else if (what === 'connect') {
            const connection = { state: 'Connected', since: turn, replica: 'r' } as const
            statuses.set(cluster, { ...status(cluster), connection })
          } else if (what === 'leave') {
            const connection = { state: 'Disconnected', since: turn } as const
            statuses.set(cluster, { ...status(cluster), connection })
          }
          if (what === 'all') summaries.touchAll()
          else summaries.touch(cluster)
          if (ask) assert.deepEqual(summaries.read(), createSummaries(world.known).read())
        })
        assert.deepEqual(summaries.read(), createSummaries(world.known).read())
      }),
      { numRuns: 500 },
    )
  })

  it('tells unreachable from failed, and counts each cluster once', () => {
    const { state, statuses, status, summaries } = setUp()
    for (const [at, cluster] of names.entries()) {
      const assigned = assignment(cluster, 'shop', at + 1)
      state.assignments.set(cluster, new Map([['shop', assigned]]))
      const connected = cluster !== 'd'
      statuses.set(cluster, {
        ...status(cluster),
        connection: connected
          ? { state: 'Connected', since: 0, replica: 'r' }
          : { state: 'Disconnected', since: 0 },
        applications: { shop: report(assigned, cluster === 'b', cluster === 'c') },
      })
    }
    const { clusters, deployments } = summaries.read()
    assert.deepEqual([clusters.total, clusters.connected, clusters.disconnected], [4, 3, 1])
    assert.deepEqual(deployments, { updated: 2, pending: 0, failed: 1, unreachable: 1, drifted: 1 })
  })

  it('sums up no application that only an agent names: each would be a label of metrics', () => {
    const { state, statuses, status, summaries } = setUp()
    const shop = assignment('a', 'shop', 1)
    state.assignments.set('a', new Map([['shop', shop]]))
    const invented = Array.from({ length: 100 }, (_, at) => `made-up-${at}`)
    const told = [shop, ...invented.map((name) => assignment('a', name, 1))]
    const reports = told.map((one) => [one.application, report(one, false, false)] as const)
    statuses.set('a', { ...status('a'), applications: Object.fromEntries(reports) })
    summaries.touch('a')
    assert.deepEqual([...summaries.applications().keys()], ['shop'])
    statuses.set('a', { ...status('a'), applications: {} })
    summaries.touch('a')
    assert.equal(summaries.applications().get('shop')?.standings.unreachable, 1)
  })
})
