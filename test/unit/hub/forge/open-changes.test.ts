import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { OpenChanges } from '../../../../hub/forge/open-change.ts'
import { createOpenChanges } from '../../../../hub/forge/open-changes.ts'

/** A host whose answers are given by hand, and a clock that is set. */
function world() {
  const asked: PromiseWithResolvers<OpenChanges>[] = []
  const late = new AbortController()
  let now = 1_000_000
  const changes = createOpenChanges({
    forge: {
      listOpenChanges(signal) {
        const answer = Promise.withResolvers<OpenChanges>()
        signal.addEventListener('abort', () => answer.reject(signal.reason))
        asked.push(answer)
        return answer.promise
      },
    },
    clock: () => now,
    timeout: () => late.signal,
  })
  return { asked, late, list: changes.list, pass: (ms: number) => void (now += ms) }
}

const nothing: OpenChanges = { changes: [], more: false }

describe('what is open on a Git host', () => {
  test('is asked for once, however many look at the same time and shortly after', async () => {
    const { asked, list, pass } = world()
    const looks = Promise.all([list(), list()])
    pass(11_000)
    void list()
    asked[0]!.resolve(nothing)
    assert.deepEqual(await looks, [nothing, nothing])
    pass(14_999)
    assert.equal(await list(), nothing)
    assert.equal(asked.length, 1)
    pass(1)
    void list()
    assert.equal(asked.length, 2)
  })

  test('is asked for again soon after it failed, and not by each who looks', async () => {
    const { asked, list, pass } = world()
    const first = list()
    asked[0]!.reject(new HubError('forge_refused', 'the token is not valid'))
    await assert.rejects(first, /the token is not valid/)
    pass(4_999)
    await assert.rejects(list(), /the token is not valid/)
    assert.equal(asked.length, 1)
    pass(1)
    const next = list()
    asked[1]!.resolve(nothing)
    assert.equal(await next, nothing)
  })

  test('is told to be late by a host that does not answer', async () => {
    const { late, list } = world()
    const look = list()
    late.abort(new DOMException('late', 'TimeoutError'))
    await assert.rejects(look, (error: unknown) => {
      assert.ok(error instanceof HubError)
      assert.equal(error.code, 'forge_unreachable')
      assert.match(error.message, /did not tell its open changes within 12 s/)
      return true
    })
  })

  test('is not kept for ever when the clock is set back', async () => {
    const { asked, list, pass } = world()
    const first = list()
    asked[0]!.resolve(nothing)
    await first
    pass(-3_600_000)
    void list()
    assert.equal(asked.length, 2)
  })
})
