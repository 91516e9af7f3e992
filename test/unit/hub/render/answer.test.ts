import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseAnswer, renderFailed } from '../../../../hub/render/answer.ts'
import { renderInput } from '../../../support/render-input.ts'

const parse = (value: unknown) => parseAnswer(Buffer.from(JSON.stringify(value)))
const id = { group: '', kind: 'ConfigMap', namespace: '', name: 'a' }

test('reads results, requests for a tree and faults', () => {
  const object = { id, apiVersion: 'v1', json: '{}', file: 'a.yaml' }
  assert.deepEqual(parse({ ok: true, objects: [object], warnings: ['w'] }), {
    kind: 'done',
    result: { objects: [object], warnings: ['w'] },
    violations: [],
    questions: [],
  })
  assert.deepEqual(parse({ ok: true }), {
    kind: 'done',
    result: { objects: [], warnings: [] },
    violations: [],
    questions: [],
  })
  const question = { id: 'q', image: 'a@sha256:1', key: 'k' }
  const asking = parse({ ok: true, questions: [question] })
  assert.deepEqual(asking.kind === 'done' && asking.questions, [
    { ...question, identities: [], trustedRoot: undefined, predicateType: undefined },
  ])
  assert.throws(() => parse({ ok: true, questions: [{ ...question, identities: [{}] }] }))
  const violation = { action: 'deny', rule: 'r', object: id, file: '', message: 'm' }
  const { file: _, ...made } = violation
  const judged = parse({ ok: true, violations: [made] })
  assert.deepEqual(judged.kind === 'done' && judged.violations, [violation])
  assert.throws(() => parse({ ok: true, violations: [{ ...violation, action: 'allow' }] }))
  assert.deepEqual(parse({ needPolicy: true }), { kind: 'needPolicy' })
  assert.deepEqual(parse({ needTree: true }), { kind: 'needTree' })
  assert.deepEqual(
    parse({ errors: [{ code: 'x', message: 'm', file: 'f', line: 3 }, { message: 'n' }] }),
    {
      kind: 'failed',
      faults: [{ message: 'm', file: 'f', line: 3 }, { message: 'n' }],
    },
  )
})

test('words that fill a page, and faults without end, are cut short', () => {
  const long = 'x'.repeat(5_000_000)
  const many = parse({
    errors: Array.from({ length: 100_000 }, () => ({ message: long.slice(0, 9) })),
  })
  assert.ok(many.kind === 'failed')
  assert.equal(many.faults.length, 501)
  assert.deepEqual(many.faults.at(-1), { message: 'and 99500 more faults' })
  const violation = { action: 'deny', rule: 'r', object: id, message: long }
  const done = parse({ ok: true, warnings: [long], violations: [violation] })
  const failed = parse({ errors: [{ message: long }] })
  assert.ok(done.kind === 'done' && failed.kind === 'failed')
  const texts = [done.result.warnings[0], done.violations[0]?.message, failed.faults[0]?.message]
  for (const text of texts) assert.match(text!, /^x{4000}… \(5000000 characters\)$/)
})

test('anything else is an error, never a result', () => {
  for (const value of [
    null,
    [],
    1,
    {},
    { ok: 1 },
    { ok: true, objects: [{}] },
    { ok: true, objects: [{ id, json: 1 }] },
  ]) {
    assert.throws(() => parse(value), TypeError)
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const isAnswer =
        typeof value === 'object' &&
        value !== null &&
        ('ok' in value || 'errors' in value || 'needTree' in value)
      fc.pre(!isAnswer)
      assert.throws(() => parse(value), TypeError)
    }),
  )
})

test('a failed render says the first fault and counts the others', () => {
  const error = renderFailed(renderInput({ path: 'apps/shop' }), [
    { message: 'bad', file: 'a.yaml', line: 2 },
    { message: 'worse' },
  ])
  assert.equal(error.code, 'render_failed')
  assert.equal(error.message, 'directory apps/shop: a.yaml:2: bad (and 1 more)')
  assert.equal(error.faults.length, 2)
})
