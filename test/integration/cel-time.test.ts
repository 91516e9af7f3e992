import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCel } from '@groundswell/proto/cel.ts'
import { createTimeBound } from '@groundswell/proto/v8.ts'

const within = createTimeBound(50)

test('an expression that takes too long is broken off, and the next one is answered', () => {
  const status = { text: `${'a'.repeat(60)}!`, list: Array.from({ length: 5_000 }, (_, at) => at) }
  const slow = [
    "status.text.matches('^(a+)+$')",
    'status.list.all(a, status.list.all(b, status.list.exists(c, c == a + b || a >= 0)))',
    'status.list.map(a, status.list.map(b, status.list + status.list)).size() > 0',
  ]
  for (const expression of slow) {
    const started = performance.now()
    const memory = process.memoryUsage().rss
    assert.throws(() => parseCel(expression, ['status']).test({ status }, within), {
      name: 'CelError',
      message: /timed out after 50ms/,
    })
    assert.ok(performance.now() - started < 2_000, expression)
    assert.ok(process.memoryUsage().rss - memory < 400 * 1024 * 1024, expression)
  }
  assert.equal(parseCel('status.list.size() == 5000', ['status']).test({ status }, within), true)
})
