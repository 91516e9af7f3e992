import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FleetView, SourceView, SummaryView } from '../../../../hub/client/gen/api.ts'
import {
  judgeAgents,
  judgeAuthorities,
  judgeCaller,
  judgeClock,
  judgeFleet,
  judgeHealth,
  judgeRoot,
  judgeSources,
  judgeVersion,
} from '../../../../hub/cli/diagnosis.ts'

const now = Date.UTC(2026, 0, 1)
const inDays = (days: number): string => new Date(now + days * 86_400_000).toISOString()
const states = (found: readonly { readonly state: string }[]) => found.map(({ state }) => state)
const clusters = {
  ...{ total: 3, connected: 3, disconnected: 0, neverConnected: 0, stale: 0 },
  ...{ waitForApproval: 0, locked: 0, revoked: 0 },
}
const summary = (more: Partial<SummaryView['clusters']>, failed = 0) =>
  ({ clusters: { ...clusters, ...more }, deployments: { failed } }) as SummaryView

describe('a diagnosis', () => {
  it('names a commit by as much of it as Git does', () => {
    const source = { name: 'fleet', suspended: false, failure: null }
    const revision = `main@sha1:${'0123456789abcdef'.repeat(2)}01234567`
    const [found] = judgeSources([{ ...source, revision }] as SourceView[])
    assert.equal(found?.message, 'main@sha1:0123456')
    const refused = judgeFleet({ refused: revision, faults: [] } as unknown as FleetView)
    assert.equal(refused.message, 'main@sha1:0123456 refused')
    const faults = [{ message: 'x' }]
    assert.equal(judgeFleet({ refused: null, faults } as unknown as FleetView).message, '1 fault')
  })

  it('says of a Redis that takes nothing that it is connected, not that it works', () => {
    const found = judgeHealth({
      ready: true,
      checks: [{ name: 'redis', ok: true }],
      warnings: ['redis_unwritable'],
    })
    assert.deepEqual(
      found.map(({ check, state, message }) => `${check} ${state} ${message}`),
      [
        'hub: redis OK is connected',
        'hub: redis_unwritable FAIL Redis answers but takes nothing: rollouts stand still, agents go on',
      ],
    )
  })

  it('has something to do wherever not all is well', () => {
    const source = { name: 'fleet', suspended: false, revision: 'main@sha1:a', failure: null }
    const failure = { code: 'x', message: 'no such host', since: inDays(0), count: 3 }
    const root = { expiresAt: inDays(3) } as Parameters<typeof judgeRoot>[0]
    const found = [
      judgeVersion('1.0.0', '1.1.0'),
      judgeClock(-90_000),
      judgeClock(8_000),
      ...judgeHealth({
        ready: false,
        checks: [
          { name: 'redis', ok: false },
          { name: 'new', ok: false },
        ],
        warnings: [
          'root_expires',
          'ledger_unwritable',
          'ledger_unpushed',
          'redis_unwritable',
          'signer_unavailable',
          'renderer_unavailable',
          'disk_low',
        ],
      }),
      judgeCaller(
        { actor: 'ci', role: null, expiresAt: inDays(2) } as Parameters<typeof judgeCaller>[0],
        now,
      ),
      ...judgeSources([
        { ...source, failure },
        { ...source, suspended: true },
        { ...source, revision: null },
      ] as SourceView[]),
      judgeFleet({ refused: 'main@sha1:b', faults: [], warnings: [] } as unknown as FleetView),
      judgeFleet({ refused: null, faults: [], warnings: [{}] } as unknown as FleetView),
      ...judgeAgents(
        summary({ disconnected: 1, neverConnected: 1, stale: 1, waitForApproval: 1, locked: 1 }, 2),
      ),
      ...judgeAuthorities([
        { pin: 'x', state: 'Issuing', from: inDays(-300), to: inDays(5), daysLeft: 5 },
        { pin: 'x', state: 'Issuing', from: inDays(-300), to: inDays(-1), daysLeft: -1 },
      ]),
      ...judgeRoot(root, now),
      ...judgeRoot({ ...root, expiresAt: inDays(-1) }, now),
    ]
    for (const one of found) {
      assert.match(one.state, /WARN|FAIL/, JSON.stringify(one))
      assert.notEqual(one.advice, '', one.check)
    }
  })

  it('tells what ends soon from what has ended', () => {
    const until = (days: number) =>
      judgeRoot({ expiresAt: inDays(days) } as Parameters<typeof judgeRoot>[0], now)
    assert.deepEqual([until(100), until(5), until(-1)].map(states), [['OK'], ['WARN'], ['FAIL']])
  })

  it('is quiet where all is well', () => {
    assert.deepEqual(states(judgeAgents(summary({}))), ['OK'])
    assert.equal(judgeClock(1_000).state, 'OK')
    assert.equal(judgeClock(undefined).state, 'SKIP')
    assert.equal(judgeVersion('1.0.0', '1.0.0').advice, '')
  })
})
