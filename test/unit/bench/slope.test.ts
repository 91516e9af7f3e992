import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitLine } from '../../bench/slope.ts'

test('a line through points on a line is that line', () => {
  const line = fitLine([0, 10, 50].map((x) => ({ x, y: 7 + 3 * x })))
  assert.ok(Math.abs(line.slope - 3) < 1e-9)
  assert.ok(Math.abs(line.start - 7) < 1e-9)
})

test('a point off the line pulls it by least squares', () => {
  const { slope, start } = fitLine([
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: 2, y: 3 },
  ])
  assert.ok(Math.abs(slope - 1.5) < 1e-9)
  assert.ok(Math.abs(start + 0.5) < 1e-9)
})
