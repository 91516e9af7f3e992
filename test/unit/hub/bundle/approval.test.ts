import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Root, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { listApprovals } from '../../../../hub/bundle/approval.ts'
import type { RecordedApproval } from '../../../../hub/ledger/entry.ts'

const now = 1_767_225_600_000
const policies = [{ group: 'edge', clusters: ['a', 'b'], require: { approver: 1 } }]
const root = { policies } as unknown as Root

const present = (name: string): SnapshotApplication => ({
  ...{ name, generation: 1, state: 'present', revision: 'main' },
  manifest: { digest: digestOf(name), size: 1 },
})
const approval = (
  application: string,
  bytes: number,
  change: Partial<RecordedApproval> = {},
): RecordedApproval => ({
  ...{ application, content: digestOf(application), clusters: ['a'] },
  ...{ expiresAt: now / 1000 + 60, envelope: Buffer.alloc(bytes, application).toString('base64') },
  ...change,
})
const list = (approvals: readonly RecordedApproval[], cluster = 'a') => {
  const state = { approvals: Map.groupBy(approvals, ({ application }) => application) }
  const names = [...new Set(approvals.map(({ application }) => application))]
  return listApprovals(state, root, cluster, names.map(present), now)
}

describe('approvals that go with an offer', () => {
  it('are those of its content, for its cluster, that have not expired', () => {
    const others = [
      approval('shop', 10, { content: 'removed' }),
      approval('shop', 10, { clusters: ['b'] }),
      approval('shop', 10, { expiresAt: now / 1000 }),
    ]
    const all = [approval('shop', 10), approval('blog', 20), ...others]
    assert.deepEqual(
      list(all).map(({ byteLength }) => byteLength),
      [10, 20],
    )
    assert.deepEqual(list(all, 'elsewhere'), [])
  })

  it('are as many as fit a message beside a snapshot, however many and large they are', () => {
    const large = Array.from({ length: 400 }, (_, n) => approval(`app-${n}`, 16 * 1024))
    const sum = list([...large, approval('small', 10)]).reduce(
      (sum, one) => sum + one.byteLength,
      0,
    )
    assert.ok(sum <= 2 * 1024 * 1024 && sum > 1.9 * 1024 * 1024, `${sum} bytes`)
    assert.equal(list(Array.from({ length: 600 }, (_, n) => approval(`app-${n}`, 10))).length, 500)
  })
})
