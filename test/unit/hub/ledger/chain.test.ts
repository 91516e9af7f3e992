import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HubError } from '../../../../hub/errors.ts'
import {
  type ChainHead,
  emptyChain,
  extendChain,
  followChain,
} from '../../../../hub/ledger/chain.ts'
import type { Decision } from '../../../../hub/ledger/entry.ts'

const decisions: fc.Arbitrary<Decision[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('fleet.accepted' as const), revision: fc.string() }),
    fc.record({
      type: fc.constant('cluster.revoked' as const),
      cluster: fc.string({ unit: 'binary' }),
      reason: fc.string({ unit: 'grapheme' }),
    }),
  ),
  { minLength: 1, maxLength: 8 },
)

function follow(lines: readonly string[]) {
  let head: ChainHead = emptyChain
  const entries = lines.map((line) => {
    const followed = followChain(head, line)
    head = followed.head
    return followed.entry
  })
  return { head, entries }
}

test('what was written is read back, one line each, and ends at the same head', () => {
  fc.assert(
    fc.property(decisions, (some) => {
      const made = extendChain(emptyChain, 5, 'alice', some)
      assert.ok(made.lines.every((line) => !line.includes('\n')))
      const read = follow(made.lines)
      assert.deepEqual(read.entries, JSON.parse(JSON.stringify(made.entries)))
      assert.deepEqual(read.head, made.head)
    }),
  )
})

test('F50: what a newer hub decided is not gone past, and not taken for damage', () => {
  const { lines } = extendChain(emptyChain, 5, 'alice', [
    { type: 'hold.released', application: 'shop', reason: 'x' },
  ])
  const newer = lines[0]!.replace('hold.released', 'galaxy.merged')
  assert.throws(
    () => follow([newer]),
    (error) => {
      assert.ok(error instanceof HubError && error.code === 'ledger_newer')
      assert.match(error.message, /line 1: it decides galaxy\.merged, .* a newer hub wrote it/)
      return true
    },
  )
  const odd = lines[0]!.replace('hold.released', 'hold..released')
  assert.throws(() => follow([odd]), { code: 'ledger_corrupt' })
})

test('any single changed character is found at its line or the next', () => {
  fc.assert(
    fc.property(decisions, fc.nat(), fc.nat(), (some, line, place) => {
      const { lines, head } = extendChain(emptyChain, 5, 'alice', some)
      const at = line % lines.length
      const text = lines[at]!
      const index = place % text.length
      const other = text[index] === 'x' ? 'y' : 'x'
      const broken = lines.with(at, text.slice(0, index) + other + text.slice(index + 1))
      try {
        const read = follow(broken)
        // A change in the last line alone is a valid chain, with another head.
        assert.equal(at, lines.length - 1)
        assert.notEqual(read.head.digest, head.digest)
      } catch (error) {
        assert.ok(
          error instanceof HubError && /^ledger_(corrupt|newer)$/.test(error.code),
          String(error),
        )
        const named = Number(/line (\d+):/.exec(error.message)?.[1])
        assert.ok(named === at + 1 || named === at + 2, `line ${named} for ${at + 1}`)
      }
    }),
  )
})
