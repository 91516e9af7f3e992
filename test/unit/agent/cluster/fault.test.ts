import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyFault, pruneFault } from '../../../../agent/cluster/fault.ts'

const id = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const answer = (status: number, body: object) => ({
  status,
  retryAfter: undefined,
  body: JSON.stringify(body),
})

describe('applyFault', () => {
  for (const [status, body, code] of [
    [422, { message: 'field is immutable' }, 'apply_invalid'],
    [400, { message: 'strict decoding error' }, 'apply_invalid'],
    [403, { message: 'forbidden' }, 'apply_forbidden'],
    [
      404,
      { message: 'namespaces "shop" not found', details: { kind: 'namespaces' } },
      'apply_failed',
    ],
    [
      404,
      { message: 'the server could not find the requested resource', details: {} },
      'kind_unknown',
    ],
    [409, { message: 'conflict' }, 'apply_conflict'],
    [500, { message: 'failed calling webhook' }, 'apply_failed'],
    [
      500,
      { message: 'failed to create typed patch object (x): .y: field not declared' },
      'apply_invalid',
    ],
  ] as const) {
    it(`reads ${status} ${body.message} as ${code}`, () => {
      const fault = applyFault(id, answer(status, body))
      assert.equal(fault.code, code)
      assert.equal(fault.message, `Deployment shop/web: ${body.message}`)
    })
  }

  it('does not repeat what the API server quotes of a Secret (I10)', () => {
    const body = {
      message: 'data[x]: Invalid value: "canary"',
      reason: 'Invalid',
      details: { causes: [{ field: 'data[x]', message: 'Invalid value: "canary"' }] },
    }
    const fault = applyFault({ ...id, kind: 'Secret' }, answer(422, body))
    assert.match(fault.message, /Invalid data\[x\]/)
    assert.doesNotMatch(fault.message, /canary/)
  })

  it('copes with an answer that is no Status', () => {
    const fault = pruneFault(id, { status: 500, retryAfter: undefined, body: '<html>' })
    assert.equal(fault.code, 'prune_failed')
  })

  it('F31: takes no answer of one that is busy or away for a refusal, nor of a deletion', () => {
    for (const status of [429, 502, 503, 504]) {
      const away = answer(status, { message: 'try again' })
      assert.equal(applyFault(id, away).code, 'cluster_unreachable')
      assert.equal(pruneFault(id, away).code, 'cluster_unreachable')
    }
  })
})
