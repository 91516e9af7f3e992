import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { viewApplication } from '../../../../hub/status/application-view.ts'
import type { Known } from '../../../../hub/status/cluster-view.ts'
import { createTargets } from '../../../../hub/status/targets.ts'
import {
  listClusterNames,
  standingOf,
  summarizeCluster,
  viewCluster,
  viewDiff,
  viewGroup,
} from '../../../../hub/status/cluster-view.ts'
import type { Health, Phase } from '../../../../hub/status/status.ts'
import { application, assignment, cluster, enrol, knownOf } from './known-world.ts'

const connected = { state: 'Connected', since: 0, replica: 'r' } as const
const away = { state: 'Disconnected', since: 0 } as const
const phases: readonly Phase[] = ['Pending', 'Applying', 'Applied', 'Failed', 'Removed']
const healths: readonly Health[] = [
  'Unknown',
  'InProgress',
  'Current',
  'Failed',
  'Terminating',
  'NotFound',
]

describe('standingOf', () => {
  test('I8 only the exact digest and generation, applied and healthy, on a live stream is updated', () => {
    const status = fc.record({
      digest: fc.constantFrom(digestOf('wanted'), digestOf('other'), null),
      generation: fc.constantFrom(1, 2),
      phase: fc.constantFrom(...phases),
      health: fc.constantFrom(...healths),
    })
    const connection = fc.constantFrom(connected, away, { state: 'NeverConnected' } as const)
    fc.assert(
      fc.property(fc.option(status, { nil: undefined }), connection, (told, connection) => {
        const standing = standingOf(
          assignment('a', 'shop'),
          told && application('shop', told),
          connection,
        )
        const exact = told?.digest === digestOf('wanted') && told.generation === 1
        const failed = told?.phase === 'Failed' || told?.health === 'Failed'
        if (connection.state !== 'Connected') assert.equal(standing, 'unreachable')
        else if (exact && failed) assert.equal(standing, 'failed')
        else {
          const good = exact && told.phase === 'Applied' && told.health === 'Current'
          assert.equal(standing, good ? 'updated' : 'pending')
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a removal is updated once it was carried out, and nothing assigned is pending', () => {
    const gone = assignment('a', 'shop', { digest: null })
    const told = (phase: Phase) => application('shop', { digest: null, phase, health: 'NotFound' })
    assert.equal(standingOf(gone, told('Applying'), connected), 'pending')
    assert.equal(standingOf(gone, told('Removed'), connected), 'updated')
    assert.equal(standingOf(undefined, told('Removed'), connected), 'pending')
  })
})

describe('viewCluster', () => {
  const applications = {
    shop: application('shop', { driftedObjects: 2 }),
    web: application('web', {
      phase: 'Failed',
      errors: [{ object: '/Pod/n/x', file: '', code: 'c', message: 'no' }],
    }),
    stray: application('stray', {
      errors: [{ object: '', file: '', code: 'c', message: 'Unauthorized' }],
    }),
  }
  const assignments = [assignment('a', 'shop'), assignment('a', 'web'), assignment('a', 'late')]

  test('counts what its applications are, and lists those that still report', () => {
    const view = viewCluster(knownOf(assignments, [cluster('a', { applications })]), 'a')
    assert.deepEqual(view.counts, { applications: 4, updated: 1, pending: 2, failed: 1 })
    assert.equal(view.driftedObjects, 2)
    assert.deepEqual(
      view.applications.map(({ name, upToDate, message }) => [name, upToDate, message]),
      [
        ['late', false, ''],
        ['shop', true, ''],
        ['stray', false, 'Unauthorized'],
        ['web', false, '/Pod/n/x: no'],
      ],
    )
    assert.deepEqual(
      [view.displayName, view.labels, view.groups],
      ['The A', { ring: 'one' }, ['all']],
    )
    const { applications: _, ...summary } = view
    assert.deepEqual(
      summarizeCluster(knownOf(assignments, [cluster('a', { applications })]), 'a'),
      summary,
    )
  })

  test('one that is away counts nothing as updated or failed', () => {
    const status = cluster('a', { applications, connection: away })
    const { counts, connection } = viewCluster(knownOf(assignments, [status]), 'a')
    assert.deepEqual(counts, { applications: 4, updated: 0, pending: 4, failed: 0 })
    assert.deepEqual(connection, { state: 'Disconnected', since: new Date(0).toISOString() })
  })

  test('an application that was removed is listed until that is done', () => {
    const gone = assignment('a', 'shop', { digest: null })
    const listed = (phase: Phase) =>
      viewCluster(
        knownOf([gone], [cluster('a', { applications: { shop: application('shop', { phase }) } })]),
        'a',
      ).applications.length
    assert.deepEqual([listed('Applied'), listed('Removed')], [1, 0])
  })

  test('T34: who may not see all of its applications is told no names of the others', () => {
    const hold = { refuse: false, until: null, reason: 'audit', source: 'file', fault: '' }
    const told = (message: string) => {
      const status = cluster('a', {
        refusal: { code: 'approval_missing', message },
        ledgerFault: { code: 'ledger_behind', message },
        holds: [
          { ...hold, applications: [] },
          { ...hold, applications: ['shop', 'grid'] },
          { ...hold, applications: ['grid'] },
        ],
      })
      const known = knownOf([assignment('a', 'shop'), assignment('a', 'grid')], [status])
      const { refusal, auditFault, holds } = viewCluster(known, 'a', (name) => name === 'shop')
      const all = viewCluster(known, 'a')
      assert.deepEqual([all.refusal?.message, all.holds?.length], [message, 3])
      const names = holds?.map(({ applications }) => applications)
      return [refusal?.code, refusal?.message, auditFault?.message, names] as const
    }
    const mine = 'shop: 0 of 1 approvers'
    assert.deepEqual(told(mine), ['approval_missing', mine, mine, [[], ['shop']]])
    const [code, refusal, fault, holds] = told('more of grid, shop than')
    assert.deepEqual([code, holds], ['approval_missing', [[], ['shop']]])
    assert.doesNotMatch(`${refusal} ${fault}`, /grid/)
    assert.match(refusal!, /may not see/)
  })

  test('lag runs from the offer until it is accepted', () => {
    const view = (accepted: number, offered?: number) => {
      const offer = offered === undefined ? undefined : { sequence: offered, at: 40_000 }
      const known = knownOf([], [cluster('a', { sequence: accepted })], { offered: () => offer })
      const { acceptedSequence, offeredSequence, lagSeconds } = viewCluster(known, 'a')
      return [acceptedSequence, offeredSequence, lagSeconds]
    }
    assert.deepEqual(view(3, 4), [3, 4, 60])
    assert.deepEqual(view(4, 4), [4, 4, 0])
    assert.deepEqual(view(4), [4, 4, null])
  })

  test('its life: declared, enrolled, detached from Git, revoked', () => {
    const known = knownOf([assignment('ghost', 'shop')], [])
    enrol(known.state, 'a', 'b', 'left')
    known.state.revoked.set('b', 'stolen')
    const lives = listClusterNames(known).map((name) => [name, viewCluster(known, name).lifecycle])
    assert.deepEqual(lives, [
      ['a', 'Enrolled'],
      ['b', 'Revoked'],
      ['c', 'Declared'],
      ['ghost', 'Detached'],
      ['left', 'Detached'],
    ])
    // Before Git was read nobody can be called detached from it.
    assert.equal(viewCluster({ ...known, fleet: null }, 'a').lifecycle, 'Enrolled')
  })
})

test('a group counts who is connected and who is not', () => {
  const known = knownOf([], [cluster('a')])
  assert.deepEqual(viewGroup(known, 'all')?.counts, { clusters: 2, connected: 1, unreachable: 1 })
  assert.equal(viewGroup(known, 'none'), undefined)
})

test('a difference names what is wanted and what is reported', () => {
  const drift = [{ object: '/Pod/n/x', missing: true, firstSeen: 0, fields: [] }]
  const status = application('shop', { digest: digestOf('other'), drift, driftedObjects: 1 })
  const known = knownOf(
    [assignment('a', 'shop')],
    [cluster('a', { applications: { shop: status } })],
  )
  const view = viewDiff(known, 'a', 'shop')
  assert.deepEqual(
    [view.desiredDigest, view.reportedDigest],
    [digestOf('wanted'), digestOf('other')],
  )
  assert.equal(view.upToDate, false)
  assert.deepEqual(view.drift, [{ ...drift[0], firstSeen: '1970-01-01T00:00:00.000Z' }])
})

test('an application counts each of its clusters once, by what can be said of it', () => {
  const list = ['a', 'b', 'c', 'd'].map((name) => assignment(name, 'shop'))
  const told = (rest: Parameters<typeof application>[1]) => ({ shop: application('shop', rest) })
  const known = knownOf(list, [
    cluster('a', { applications: told({ driftedObjects: 1 }) }),
    cluster('b', { applications: told({}), connection: away }),
    cluster('c', { applications: told({ phase: 'Failed' }) }),
    cluster('d'),
  ])
  const nothing = { contents: null, faults: [], warnings: [] }
  const look = (at: Known, name: string) => {
    const targets = createTargets(
      () => at,
      () => null,
    )
    return viewApplication(at, nothing, name, targets.of(name))
  }
  const view = look(known, 'shop')
  assert.deepEqual(view?.counts, { updated: 1, pending: 1, failed: 1, unreachable: 1, drifted: 1 })
  assert.equal(view.targets, 4)
  assert.equal(look(known, 'nobody'), undefined)
  const gone = knownOf([assignment('a', 'old'), assignment('b', 'dead', { digest: null })], [])
  assert.equal(look(gone, 'old')?.targets, 1)
  assert.equal(look(gone, 'dead'), undefined)
})
