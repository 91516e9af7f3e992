import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEntry } from '../../../../../hub/client/gen/api.ts'
import { checkChain } from '../../../../../hub/dashboard/data/chain.ts'

function line(index: number, change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    ...{ index, at: '2026-05-01T06:00:00Z', actor: 'ada', type: 'hold.released' },
    ...{ subject: 'application/shop', message: '' },
    ...{ previous: `sha256:${index - 1}`, digest: `sha256:${index}`, ...change },
  }
}

describe('lines of the ledger', () => {
  it('that follow each other end with the digest of the last', () => {
    assert.deepEqual(checkChain([line(7), line(8), line(9)]), {
      ...{ kind: 'whole', from: 7, to: 9, head: 'sha256:9' },
    })
    assert.deepEqual(checkChain([]), { kind: 'empty' })
  })

  it('of which one was changed, or is missing, are broken after it', () => {
    const changed = checkChain([line(7), line(8, { digest: 'sha256:other' }), line(9)])
    assert.ok(changed.kind === 'broken' && changed.index === 9, changed.kind)
    const missing = checkChain([line(7), line(9)])
    assert.ok(missing.kind === 'broken' && missing.index === 9, missing.kind)
    const twice = checkChain([line(7), line(7)])
    assert.ok(twice.kind === 'broken' && twice.index === 7, twice.kind)
  })
})
