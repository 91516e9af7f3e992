import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIssuer } from '../../../../hub/access/issuer-setting.ts'

const least = { issuer: 'https://id.example', clientId: 'hub' }

describe('parseIssuer', () => {
  it('fills in what most providers have', () => {
    const setting = parseIssuer(least, 'oidc.yaml')
    assert.deepEqual(
      [setting.cliClientId, setting.audiences, setting.accept, setting.nameClaim, setting.origin],
      ['hub', ['hub'], 'idToken', 'sub', undefined],
    )
    assert.equal(setting.roles.size, 0)
  })

  it('gives a group the highest role that names it', () => {
    const roles = { admin: ['a', 'b'], viewer: ['b', 'c'] }
    const setting = parseIssuer({ ...least, roles, url: 'https://hub.example/' }, 'oidc.yaml')
    assert.deepEqual(Object.fromEntries(setting.roles), { a: 'admin', b: 'admin', c: 'viewer' })
    assert.equal(setting.origin, 'https://hub.example')
  })

  it('takes a provider without TLS on this machine alone', () => {
    for (const issuer of ['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1'])
      assert.equal(parseIssuer({ ...least, issuer }, 'x').issuer, issuer)
    for (const issuer of ['http://id.example', 'ftp://id', 'id.example', 'https://u:p@id.example'])
      assert.throws(() => parseIssuer({ ...least, issuer }, 'x'), { code: 'config_invalid' })
  })

  it('says every fault at once', () => {
    const wrong = { issuer: 7, audiences: [], roles: { root: ['x'] }, typo: 1 }
    assert.throws(
      () => parseIssuer(wrong, 'oidc.yaml'),
      (error: Error & { faults: { message: string }[] }) => {
        const text = error.faults.map(({ message }) => message).join('\n')
        return ['issuer', 'clientId', 'audiences', 'root', 'typo'].every((word) =>
          text.includes(word),
        )
      },
    )
    for (const url of ['https://hub.example/path', 'http://hub.example', 'hub'])
      assert.throws(() => parseIssuer({ ...least, url }, 'x'), /url/)
  })
})
