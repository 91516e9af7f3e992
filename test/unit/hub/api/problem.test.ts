import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RequestError, toProblem } from '../../../../hub/api/problem.ts'
import { HubError } from '../../../../hub/errors.ts'

describe('toProblem', () => {
  it('passes every fault on with its place', () => {
    const faults = [
      { file: 'apps/shop.yaml', line: 12, column: 3, message: 'unknown field "pruen"' },
      { cluster: 'lab', message: 'does not render' },
    ]
    const problem = toProblem(new HubError('render_failed', 'no', { faults }), 'urn:uuid:1')
    assert.deepEqual(problem, {
      type: 'https://groundswell.dev/problems/render-failed',
      title: 'The application does not render',
      status: 422,
      detail: 'no',
      instance: 'urn:uuid:1',
      code: 'render_failed',
      errors: faults,
    })
  })

  it('copies only the named members of a fault', () => {
    const fault = { message: 'x', token: 'secret' }
    const problem = toProblem(new HubError('plan_invalid', 'no', { faults: [fault] }), '')
    assert.deepEqual(problem.errors, [{ message: 'x' }])
  })

  for (const error of [
    new Error('ECONNREFUSED 10.0.0.7:6379'),
    new HubError('internal', 'ECONNREFUSED 10.0.0.7:6379'),
    new HubError('config_invalid', 'ECONNREFUSED 10.0.0.7:6379'),
    'ECONNREFUSED 10.0.0.7:6379',
  ])
    it(`keeps the inside of ${error instanceof HubError ? error.code : typeof error} in the log`, () => {
      const problem = toProblem(error, '')
      assert.equal(problem.status, 500)
      assert.doesNotMatch(JSON.stringify(problem), /10\.0\.0\.7/)
    })

  it("turns the web framework's own refusals into ours", () => {
    const of = (statusCode: number) =>
      toProblem(Object.assign(new Error('x'), { statusCode }), '').code
    assert.deepEqual([400, 404, 413, 415, 500].map(of), [
      'invalid',
      'not_found',
      'too_large',
      'media_type_unsupported',
      'internal',
    ])
  })

  it('says which content type a body has to have', () => {
    const { detail } = toProblem(Object.assign(new Error('x'), { statusCode: 415 }), '')
    assert.match(detail, /`Content-Type: application\/json`/)
  })

  it('gives a stale If-Match 412', () => {
    assert.equal(toProblem(new RequestError('precondition_failed', 'x'), '').status, 412)
  })
})
