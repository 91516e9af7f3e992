import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  parseReply,
  parseRequest,
  readFailure,
  writeFailure,
} from '../../../../hub/fork-server/messages.ts'
import { RunFailure, runFailureCodes } from '../../../../hub/fork-server/run.ts'

/** As it arrives at the other end. */
const send = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('what hub and fork server tell each other', () => {
  it('a failure arrives as it was', () => {
    for (const code of runFailureCodes) {
      const details = { stdout: 'out', stderr: 'err', ...(code === 'failed' && { exitCode: 128 }) }
      const sent = new RunFailure(code, 'git exit 128', details)
      const reply = parseReply(send({ id: 7, failure: writeFailure(sent) }))
      assert.ok(reply && 'failure' in reply)
      const { message, exitCode, stdout, stderr } = readFailure(reply.failure)
      assert.deepEqual({ code: reply.failure.code, message }, { code, message: 'git exit 128' })
      assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: undefined, ...details })
    }
  })

  it('what is no failure of a program was no start of one', () => {
    assert.equal(writeFailure(new TypeError('a bug')).code, 'not_started')
  })

  it('a request names a program of the closed list', () => {
    const request = { id: 1, program: 'git', args: [], cwd: '/', env: {}, maxBytes: 1 }
    assert.deepEqual(parseRequest(send(request)), request)
    assert.deepEqual(parseRequest({ stop: 1 }), { stop: 1 })
    for (const strange of [null, 'git', { ...request, program: 'sh' }, { ...request, args: '' }]) {
      assert.equal(parseRequest(strange), undefined)
    }
  })

  it('a reply of another shape is none', () => {
    assert.deepEqual(parseReply({ ready: true }), { ready: true })
    const printed = { stdout: 'a', stderr: '' }
    assert.deepEqual(parseReply({ id: 1, printed }), { id: 1, printed })
    for (const strange of [
      undefined,
      {},
      { printed },
      { id: 1, printed: { stdout: 'a' } },
      { id: 1, failure: { ...printed, code: 'unheard', message: 'of' } },
    ]) {
      assert.equal(parseReply(strange), undefined)
    }
  })
})
