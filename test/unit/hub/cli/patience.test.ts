import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CliFailure } from '../../../../hub/cli/failure.ts'
import { askPatiently } from '../../../../hub/cli/patience.ts'
import { createFakeTerminal } from '../../../support/fake-terminal.ts'

const away = new CliFailure(2, 'cannot reach the hub')

/** A terminal whose time passes only while it waits. */
function setUp(signal = new AbortController().signal) {
  let now = 0
  return createFakeTerminal({
    now: () => now,
    wait: async (milliseconds) => void (now += milliseconds),
    signal,
  })
}

describe('whoever follows something', () => {
  it('goes on when the hub is back, as after an upgrade, and is told once that it was away', async () => {
    const { terminal, said } = setUp()
    const answers = [
      away,
      new CliFailure(1, 'not ready', { status: 503 }),
      new CliFailure(1, 'too many requests', { status: 429 }),
      away,
    ]
    const seen = await askPatiently(terminal, 1_000, async () => {
      const failure = answers.shift()
      if (failure) throw failure
      return 'there'
    })
    assert.equal(seen, 'there')
    assert.equal(said.err, 'cannot reach the hub; it is asked again\n')
  })

  it('gives up after five minutes, and at once where the hub says no', async () => {
    const { terminal } = setUp()
    const ask = async () => Promise.reject(away)
    await assert.rejects(askPatiently(terminal, 1_000, ask), away)
    assert.equal(terminal.now(), 300_000)
    const refusal = new CliFailure(1, 'No rollout r', { status: 404 })
    const fresh = setUp()
    await assert.rejects(
      askPatiently(fresh.terminal, 1_000, () => Promise.reject(refusal)),
      refusal,
    )
    assert.equal(fresh.terminal.now(), 0)
  })

  it('ends at Ctrl-C', async () => {
    const { terminal } = setUp(AbortSignal.abort())
    const seen = await askPatiently(terminal, 1_000, () => Promise.reject(away))
    assert.equal(seen, undefined)
  })
})
