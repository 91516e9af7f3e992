import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  healthCheckLimit,
  parseHealthChecks,
  parseHealthExpression,
} from '@groundswell/proto/health-check.ts'

test('an expression sees the members of the object, and all of it', () => {
  const value = { status: { phase: 'On' }, self: { extra: { on: true } } }
  const holds = (text: string) => parseHealthExpression(text).test(value, (run) => run())
  assert.equal(holds('status.phase == "On" && self.extra.on'), true)
  assert.equal(holds('has(spec.paused)'), false)
})

test('checks of a manifest are held to their shape', () => {
  const fine = [{ apiVersion: 'a/v1', kind: 'A', current: 'true' }]
  assert.equal(parseHealthChecks(fine), fine)
  const bad: unknown[] = [
    {},
    [1],
    [{ apiVersion: 'a/v1', kind: 'A' }],
    [{ apiVersion: 'a/v1', kind: 'A', current: 'true', failed: 1 }],
    Array.from({ length: healthCheckLimit + 1 }, () => fine[0]),
  ]
  for (const value of bad) assert.throws(() => parseHealthChecks(value), TypeError)
})
