import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { errors, SignJWT, UnsecuredJWT } from 'jose'
import { parseIssuer } from '../../../../hub/access/issuer-setting.ts'
import { verifyLogin } from '../../../../hub/access/login.ts'

const now = 1_800_000_000
const setting = parseIssuer(
  {
    issuer: 'https://id.example',
    clientId: 'hub',
    cliClientId: 'swell',
    roles: { admin: ['platform'], viewer: ['staff', 'guests'] },
  },
  'oidc.yaml',
)
const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const good = {
  iss: 'https://id.example',
  aud: 'swell',
  sub: 'ada',
  iat: now - 10,
  exp: now + 300,
  groups: ['staff', 'platform'],
}

type Header = Record<string, unknown>
/** A member set to undefined is left out. */
const sign = (claims: object, header: Header = {}, key = mine.privateKey) =>
  new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: 'ES256', ...header }).sign(key)
const keys = async ({ kid }: { kid?: string }) => {
  if (kid !== undefined && kid !== 'k1') throw new errors.JWKSNoMatchingKey()
  return mine.publicKey
}
const judge = (token: string, how: Partial<typeof setting> = {}) =>
  verifyLogin(token, keys, { ...setting, ...how }, now * 1_000)

describe('a login', () => {
  it('is who the token says, with the highest role of its groups', async () => {
    assert.deepEqual(await judge(await sign({})), {
      actor: 'oidc:ada',
      role: 'admin',
      groups: ['staff', 'platform'],
      names: ['ada'],
      expiresAt: (now + 300) * 1_000,
    })
    const plain = await judge(await sign({ groups: undefined }))
    assert.deepEqual([plain?.role, plain?.groups], [null, []])
    assert.equal((await judge(await sign({ groups: 'guests' })))?.role, 'viewer')
  })

  it('keeps what else they are called, so that the author of a commit is known', async () => {
    const claims = { email: 'ada@example.com', preferred_username: 'ada', name: 'Ada Lovelace' }
    const who = await judge(await sign({ ...claims, email_verified: false }))
    assert.deepEqual(who?.names, ['ada', 'ada@example.com', 'Ada Lovelace'])
    assert.deepEqual((await judge(await sign({ name: 7, email: '' })))?.names, ['ada'])
  })

  it('takes clocks that differ by half a minute, and no more', async () => {
    assert(await judge(await sign({ exp: now - 29 })))
    assert(await judge(await sign({ nbf: now + 29 })))
    assert.equal(await judge(await sign({ exp: now - 31 })), undefined)
    assert.equal(await judge(await sign({ nbf: now + 31 })), undefined)
  })

  it('passes on that the provider cannot be asked', async () => {
    const away = () => Promise.reject(new TypeError('fetch failed'))
    await assert.rejects(verifyLogin(await sign({}), away, setting, now * 1_000), /fetch failed/)
  })

  it('is named by another claim where the setting says so, if that is sure', async () => {
    const byMail = { nameClaim: 'email' }
    const email = 'ada@example.com'
    assert.equal((await judge(await sign({ email }), byMail))?.actor, `oidc:${email}`)
    for (const sure of [true, 'true']) {
      const told = await sign({ email, email_verified: sure })
      assert.equal((await judge(told, byMail))?.actor, `oidc:${email}`)
    }
    // Some providers spell it as text.
    for (const doubtful of [false, 'false', '', 0, null]) {
      const told = await sign({ email, email_verified: doubtful })
      assert.equal(await judge(told, byMail), undefined, JSON.stringify(doubtful))
    }
    assert.equal(await judge(await sign({}), byMail), undefined)
  })

  it('takes access tokens only as such, where the setting wants them', async () => {
    const access = { accept: 'accessToken', audiences: ['hub-api'] } as const
    const aud = 'hub-api'
    assert(await judge(await sign({ aud }, { typ: 'at+jwt' }), access))
    for (const typ of [undefined, 'JWT', 'application/jwt', 'dpop+jwt'])
      assert.equal(await judge(await sign({ aud }, { typ }), access), undefined)
  })
})

describe('T33, B79: no login is', () => {
  const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const tail = async (header: object) => {
    const [, body, signature] = (await sign({})).split('.')
    return `${b64(header)}.${body}.${signature}`
  }
  const vectors: Record<string, () => string | Promise<string>> = {
    'an expired token': () => sign({ exp: now - 60 }),
    'one without an end': () => sign({ exp: undefined }),
    'one of the future': () => sign({ nbf: now + 60 }),
    'one without a time of issue': () => sign({ iat: undefined }),
    'one of another issuer': () => sign({ iss: 'https://id.example.evil' }),
    'one of an issuer with a slash more': () => sign({ iss: 'https://id.example/' }),
    'one without issuer': () => sign({ iss: undefined }),
    'one for another application': () => sign({ aud: 'payroll' }),
    'one for nobody': () => sign({ aud: [] }),
    'one for us by another spelling': () => sign({ aud: 'SWELL' }),
    'one for us and others, issued to one of those': () =>
      sign({ aud: ['swell', 'payroll'], azp: 'payroll' }),
    'one for us and others, issued to nobody named': () => sign({ aud: ['swell', 'payroll'] }),
    'an access token': () => sign({}, { typ: 'at+jwt' }),
    'a logout token': () => sign({}, { typ: 'logout+jwt' }),
    'alg none': () => new UnsecuredJWT(good).encode(),
    'alg none with a signature': () => tail({ alg: 'none' }),
    'alg None': () => tail({ alg: 'None' }),
    'an HMAC by the public key': () =>
      new SignJWT(good)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from(mine.publicKey.export({ type: 'spki', format: 'pem' }))),
    'one by a key of its own header': () =>
      sign({}, { jwk: other.publicKey.export({ format: 'jwk' }) }, other.privateKey),
    'one by a key that its header points at': () =>
      sign({}, { jku: 'https://evil.example/keys' }, other.privateKey),
    'one of a key that is not known': () => sign({}, { kid: 'k9' }),
    'one of a key named like a file': () => sign({}, { kid: '../../dev/null' }),
    'one of a key named __proto__': () => sign({}, { kid: '__proto__' }),
    'one signed by somebody else': () => sign({}, {}, other.privateKey),
    'one with another body': async () => {
      const [head, , signature] = (await sign({})).split('.')
      return `${head}.${b64({ ...good, sub: 'root' })}.${signature}`
    },
    'one with a critical header we do not know': () => tail({ alg: 'ES256', crit: ['x'], x: 1 }),
    'one whose payload is not encoded': () => tail({ alg: 'ES256', crit: ['b64'], b64: false }),
    'one without a name': () => sign({ sub: undefined }),
    'one with an empty name': () => sign({ sub: '' }),
    'one with a number for a name': () => sign({ sub: 7 }),
    'one whose name writes a line of its own': () => sign({ sub: 'ada\nadmin' }),
    'one whose name is turned around': () => sign({ sub: 'ada\u202enimda' }),
    'one with ten thousand groups': () =>
      sign({ groups: Array.from({ length: 10_000 }, (_, at) => `g${at}`) }),
    'one with groups that are no text': () => sign({ groups: [{ name: 'platform' }] }),
    'one with groups as a map': () => sign({ groups: { platform: true } }),
    'a megabyte': () => sign({ filler: 'x'.repeat(1_000_000) }),
    'an encrypted token': () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..a.b.c',
    'two dots': () => '..',
    nothing: () => '',
    'a body that is no JSON': async () => {
      const [head, , signature] = (await sign({})).split('.')
      return `${head}.${Buffer.from('{').toString('base64url')}.${signature}`
    },
  }
  for (const [what, make] of Object.entries(vectors)) {
    it(`T33, B79: ${what}`, async () => assert.equal(await judge(await make()), undefined))
  }
})
