import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRefusalLog, describeHandshake } from '../../../../hub/sync/handshake.ts'

describe('what is said of a handshake that came to nothing', () => {
  it('why the certificate was refused, before what the socket says of its end', () => {
    const code = 'ECONNRESET'
    const authorizationError = 'CERT_HAS_EXPIRED'
    assert.equal(
      describeHandshake({ code, authorizationError }),
      'the client certificate has expired',
    )
    const asError = Object.assign(new Error('x'), { code: 'INVALID_PURPOSE' })
    assert.equal(
      describeHandshake({ code, authorizationError: asError }),
      'this certificate is not for clients',
    )
  })

  it('nothing of who only hung up, and the code of what has no words', () => {
    assert.equal(describeHandshake({ code: 'ECONNRESET', authorizationError: null }), undefined)
    assert.equal(describeHandshake({}), undefined)
    assert.equal(describeHandshake({ code: 'ERR_SSL_X' }), 'no TLS connection: ERR_SSL_X')
    assert.equal(
      describeHandshake({ authorizationError: 'CRL_HAS_EXPIRED' }),
      'no TLS connection: CRL_HAS_EXPIRED',
    )
  })
})

it('a flood of refusals is told as a number', () => {
  const said: [string, number][] = []
  let now = 5_000
  const tell = createRefusalLog(
    (reason, _, untold) => void said.push([reason, untold]),
    () => now,
  )
  for (let at = 0; at < 1_000; at += 1) tell(`${at}`, 'peer')
  assert.equal(said.length, 20)
  now += 1_000
  tell('later', 'peer')
  assert.deepEqual(said.at(-1), ['later', 980])
  tell('again', 'peer')
  assert.deepEqual(said.at(-1), ['again', 0])
})
