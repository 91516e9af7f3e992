import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { AgentError } from '../../../../agent/errors.ts'
import { createMirroredTrust, settleDoubt } from '../../../../agent/trust/mirror.ts'
import { formatState, parseState } from '../../../../agent/trust/state-text.ts'
import type { TrustState } from '../../../../agent/trust/state.ts'
import { signStatement } from '../../../../hub/bundle/sign.ts'
import { createMemoryCopy } from '../../../support/state-copies.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

/** Roots by version. */
const roots: Uint8Array[] = []
before(async () => {
  const key = await makeSigningKey()
  for (const version of [1, 2, 3]) {
    roots[version] = (await signStatement('root', { ...rootOf('f', key), version }, [key])).envelope
  }
})

const at = (sequence: number, rest: Partial<TrustState> = {}): TrustState => ({
  root: roots[1]!,
  epoch: 1,
  sequence,
  snapshotDigest: digestOf(`${sequence}`),
  envelope: Buffer.from(`${sequence}`),
  ...rest,
})
const same = (found: TrustState, wanted: TrustState) =>
  assert.equal(formatState(found), formatState(wanted))

function kept(secret: TrustState | null, file: TrustState | null, pinned = roots[1]) {
  const copies = [createMemoryCopy('secret', secret), createMemoryCopy('file', file)] as const
  return { copies, store: createMirroredTrust(copies, pinned) }
}

describe('T2, T18: an older copy never lowers the mark', () => {
  test('of two copies the newer counts, whichever it is, and both are equal again', async () => {
    for (const [secret, file] of [
      [at(7), at(5)],
      [at(5), at(7)],
      [at(9), at(7, { epoch: 2 })],
    ] as const) {
      const { copies, store } = kept(secret, file)
      const newest = file.epoch > 1 || file.sequence > secret.sequence ? file : secret
      same(await store.load(), newest)
      for (const { text } of copies) assert.equal(text, formatState(newest))
    }
  })

  test('position and root are each the newest that is known', async () => {
    const { store } = kept(at(7), at(5, { root: roots[3]! }))
    same(await store.load(), at(7, { root: roots[3]!, envelopeRoot: roots[1]! }))
  })

  test('attested time and the head of the ledger are the furthest that is known under one root', async () => {
    const head = (index: number) => ({ index, digest: digestOf(`line ${index}`) })
    const auditFault = { code: 'audit_rewound', seen: head(9), told: null } as const
    const [secret, file] = [
      at(7, { timeFloor: 50, auditHead: head(9) }),
      at(5, { timeFloor: 60, auditHead: head(3), auditFault }),
    ]
    const both = at(7, { timeFloor: 60, auditHead: head(9), auditFault })
    same(await kept(secret, file).store.load(), both)
    same(await kept(file, secret).store.load(), both)
  })

  test('what a newer root ended does not come back from a copy that missed it', async () => {
    const seen = { index: 9, digest: digestOf('line 9') }
    const auditFault = { code: 'audit_forked', seen, told: seen } as const
    const ended = at(5, { root: roots[2]!, envelopeRoot: roots[1]! })
    const missed = at(5, { timeFloor: 9_000_000_000, auditHead: seen, auditFault })
    for (const copies of [
      [ended, missed],
      [missed, ended],
    ] as const) {
      const { timeFloor, auditHead, auditFault } = await kept(...copies).store.load()
      assert.deepEqual([timeFloor, auditHead, auditFault], [undefined, undefined, undefined])
    }
  })

  test('whatever copies there are, no mark that was saved in one of them is lost', async () => {
    const position = fc.record({ epoch: fc.integer({ min: 1, max: 3 }), sequence: fc.nat(9) })
    await fc.assert(
      fc.asyncProperty(position, position, async (a, b) => {
        const { store } = kept(at(a.sequence, a), at(b.sequence, b))
        const { epoch, sequence } = await store.load()
        for (const one of [a, b]) {
          assert.ok(epoch > one.epoch || (epoch === one.epoch && sequence >= one.sequence))
        }
      }),
    )
  })
})

describe('F27: a state that is gone or damaged', () => {
  test('a file that went with its pod is written again from the Secret, without doubt', async () => {
    const { copies, store } = kept(at(7), null)
    same(await store.load(), at(7))
    assert.equal(copies[1].text, formatState(at(7)))
    copies[1].text = 'damaged'
    same(await store.load(), at(7))
    assert.equal(copies[1].text, formatState(at(7)))
  })

  test('without its Secret an agent doubts what its file says, and writes nothing', async () => {
    const { copies, store } = kept(null, at(7))
    same(await store.load(), at(7, { doubt: 'secret is missing' }))
    copies[0].text = '{}'
    same(await store.load(), at(7, { doubt: 'secret is damaged' }))
    assert.deepEqual([copies[0].text, copies[1].text], ['{}', formatState(at(7))])
  })

  test('with nothing left it starts from the root it joined by, in doubt', async () => {
    const { store } = kept(null, null)
    const nothing = { root: roots[1]!, epoch: 1, sequence: 0, snapshotDigest: null, envelope: null }
    same(await store.load(), { ...nothing, doubt: 'secret is missing' })
    await assert.rejects(createMirroredTrust([createMemoryCopy('x')], undefined).load(), {
      code: 'trust_state_corrupt',
    })
  })

  test('every changed byte is noticed', () => {
    const text = Buffer.from(formatState(at(7)))
    for (const [place] of text.entries()) {
      const changed = Buffer.from(text)
      changed[place] = changed[place]! ^ 1
      assert.throws(() => parseState(changed.toString('latin1')), `byte ${place}`)
    }
  })

  test('a doubt that was written down outlives a restart', async () => {
    const { store } = kept(at(7, { doubt: 'lost' }), at(7))
    assert.equal((await store.load()).doubt, 'lost')
  })

  test('what cannot be written in one place was not saved', async () => {
    const { copies, store } = kept(at(7), at(7))
    copies[1].full = new AgentError('trust_state_unwritable', 'disk full')
    await assert.rejects(store.save(at(8)), { code: 'trust_state_unwritable' })
    copies[1].full = null
    same(await store.load(), at(8))
  })
})

describe('settleDoubt', () => {
  const signed = (sequence: number, rest = {}) => ({
    epoch: 1,
    sequence,
    snapshot: digestOf(`${sequence}`),
    rootVersion: 1,
    ...rest,
  })
  const doubtful = () => at(7, { doubt: 'lost' })

  test('F27: the mark rises to where the signer is, and what was accepted stays at hand', () => {
    const settled = settleDoubt(doubtful(), signed(9))
    same(settled, at(9, { envelope: Buffer.from('7') }))
    same(settleDoubt(doubtful(), signed(7)), at(7))
  })

  test('it stands until the newest root is here, and against a signer that knows less', () => {
    for (const word of [signed(9, { rootVersion: 2 }), signed(6)]) {
      same(settleDoubt(doubtful(), word), doubtful())
    }
  })

  test('without a doubt nothing changes', () => same(settleDoubt(at(7), signed(9)), at(7)))
})
