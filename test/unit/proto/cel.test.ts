import assert from 'node:assert/strict'
import { test } from 'node:test'
import { celLimits, CelError, parseCel, type TimeBound } from '@groundswell/proto/cel.ts'

const variables = ['apiVersion', 'kind', 'metadata', 'spec', 'status']
const within: TimeBound = (run) => run()

const object = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', generation: 3, labels: { tier: 'web' } },
  spec: { size: 2, share: 0.5 },
  status: {
    observedGeneration: 3,
    phase: 'Running',
    share: 0.75,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Synced', status: 'False' },
    ],
    nothing: null,
  },
}

const answers: readonly (readonly [expression: string, answer: boolean])[] = [
  ['status.observedGeneration == metadata.generation', true],
  ["status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')", true],
  ["status.conditions.exists(e, e.type == 'Synced' && e.status == 'True')", false],
  ['has(status.missing)', false],
  ['has(status.phase) && status.phase in ["Running", "Done"]', true],
  ['status.share > 0.5 && status.share >= spec.share', true],
  ['spec.size + 1 == 3 && spec.size * 2 > 3', true],
  ['status.nothing == null', true],
  ["metadata.labels['tier'].startsWith('w')", true],
  ["metadata.labels.?zone.orValue('none') == 'none'", true],
  ["kind.matches('^W[a-z]+$')", true],
  ["status.conditions.map(e, e.type).join(',') == 'Ready,Synced'", true],
  ['has(status.constructor) || has(status.__proto__)', false],
]

test('an expression says of an object what Kubernetes’ own CEL would', () => {
  for (const [expression, answer] of answers) {
    assert.equal(parseCel(expression, variables).test(object, within), answer, expression)
  }
})

test('a variable nobody gave has no members', () => {
  const program = parseCel('has(status.phase)', variables)
  assert.equal(program.test({ kind: 'Widget' }, within), false)
})

const faults: readonly (readonly [expression: string, message: RegExp, offset: number])[] = [
  ['', /Unexpected token/, 0],
  ['status.', /Unexpected token|Expected/, 7],
  ['has(status.x) &&', /Unexpected token/, 16],
  ['true && statu.phase == "x"', /Unknown variable: statu/, 8],
  ['"Running"', /gives string, and must be true or false/, 0],
  ['1 + 1', /gives int/, 0],
  ['"a" - 1 == 2', /string - int|overload/, 0],
  ['load("file")', /load/, 0],
  [`${'('.repeat(100)}true${')'.repeat(100)}`, /Exceeded maxDepth/, 60],
  [`true${' || true'.repeat(490)}`, /Exceeded maxAstNodes/, 0],
  [' '.repeat(celLimits.text + 1), /longer than 4000/, 0],
]

test('a bad expression is a fault with its place', () => {
  for (const [expression, message, offset] of faults) {
    assert.throws(
      () => parseCel(expression, variables),
      (error) => {
        assert.ok(error instanceof CelError, expression)
        assert.match(error.message, message)
        if (offset > 0) assert.ok(error.offset >= offset - 1, `${expression}: ${error.offset}`)
        return true
      },
    )
  }
})

test('an expression that comes to no answer says why', () => {
  const run = (expression: string) => () => parseCel(expression, variables).test(object, within)
  assert.throws(run('status.gone == 1'), { name: 'CelError', message: /No such key: gone/ })
  assert.throws(run('status.phase'), { message: 'gives string, and must be true or false' })
  const long = { status: { list: Array.from({ length: celLimits.values + 1 }, (_, at) => at) } }
  const program = parseCel('has(status.list)', variables)
  assert.throws(() => program.test(long, within), { message: /too much to look at/ })
})
