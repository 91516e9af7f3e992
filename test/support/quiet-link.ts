import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ChaosProxy } from './chaos-proxy.ts'
import { until } from './until.ts'

export async function passQuietly(ms: number): Promise<void> {
  const start = performance.now()
  await until(() => performance.now() - start > ms, { deadlineMs: 10_000, what: 'a quiet while' })
}

/** Of a link with a heartbeat a second: nothing but one piece each way for each passes through. */
export async function assertNoPings(
  proxy: Pick<ChaosProxy, 'pieces' | 'connections'>,
  t: TestContext,
): Promise<void> {
  const start = { ...proxy.pieces }
  const quietMs = 5_000
  await passQuietly(quietMs)
  const count = (way: 'up' | 'down') => proxy.pieces[way] - start[way]
  t.diagnostic(`${count('up')} pieces up, ${count('down')} down in ${quietMs} ms`)
  // PINGs, and what answers them, would be more.
  const most = quietMs / 850 + 1
  assert.ok(count('up') <= most && count('down') <= most)
  assert.ok(count('up') >= 4 && count('down') >= 4)
  assert.equal(proxy.connections, 1)
}
