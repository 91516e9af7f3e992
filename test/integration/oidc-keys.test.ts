import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { exportJWK, SignJWT } from 'jose'
import { parseIssuer } from '../../hub/access/issuer-setting.ts'
import { verifyLogin } from '../../hub/access/login.ts'
import { createIssuer } from '../../hub/access/oidc.ts'
import { HubError } from '../../hub/errors.ts'
import { freePort } from '../support/free-port.ts'

/* The keys of an identity provider: as long as they are known nobody is locked out, and nobody let in who is not known. */

interface Pair {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const pairOf = (kid: string): Pair => ({
  kid,
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
})

/** A provider that only says who it is and which keys it has. */
async function startProvider(pairs: Pair[]) {
  const issuer = `http://127.0.0.1:${await freePort()}`
  let asked = 0
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url !== '/keys') {
      response.end(
        JSON.stringify({
          ...{ issuer, jwks_uri: `${issuer}/keys`, authorization_endpoint: `${issuer}/auth` },
          ...{ token_endpoint: `${issuer}/token`, response_types_supported: ['code'] },
        }),
      )
      return
    }
    asked += 1
    const keys = await Promise.all(
      pairs.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid })),
    )
    response.end(JSON.stringify({ keys }))
  })
  const start = async (): Promise<void> => {
    server.listen(Number(new URL(issuer).port), '127.0.0.1')
    await once(server, 'listening')
  }
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  await start()
  return {
    ...{ issuer, start, stop, [Symbol.asyncDispose]: stop },
    get asked() {
      return asked
    },
  }
}

async function openWorld(pairs: Pair[]) {
  const provider = await startProvider(pairs)
  const { issuer } = provider
  const setting = parseIssuer(
    { issuer, clientId: 'hub', cliClientId: 'swell', roles: { admin: ['platform'] } },
    'oidc.yaml',
  )
  const { keys } = createIssuer(setting, {}, () => performance.now())
  const tokenOf = async ({ kid, privateKey }: Pair): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000)
    const claims = { iss: issuer, aud: 'swell', sub: 'ada', groups: ['platform'] }
    return new SignJWT({ ...claims, iat: now, exp: now + 3_600 })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(privateKey)
  }
  return {
    provider,
    tokenOf,
    judge: async (token: string) => (await verifyLogin(token, keys, setting, Date.now()))?.actor,
    [Symbol.asyncDispose]: () => provider.stop(),
  }
}

const isUnavailable = (error: unknown): boolean =>
  !(error instanceof HubError) || error.code === 'issuer_unavailable'

describe('F53: an identity provider', () => {
  it('that is away locks nobody out whose key is known, for ten minutes, and lets nobody else in', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const [known, foreign] = [pairOf('k1'), pairOf('k2')]
    await using world = await openWorld([known])
    const token = await world.tokenOf(known)
    assert.equal(await world.judge(token), 'oidc:ada')
    await world.provider.stop()
    t.mock.timers.setTime(Date.now() + 9 * 60_000)
    assert.equal(await world.judge(token), 'oidc:ada')
    await assert.rejects(world.tokenOf(foreign).then(world.judge), isUnavailable)
    // Said to be of a key that is known, and signed by another.
    const forged = await world.tokenOf({ ...foreign, kid: 'k1' })
    assert.equal(await world.judge(forged), undefined)
    t.mock.timers.setTime(Date.now() + 2 * 60_000)
    await assert.rejects(world.judge(token), isUnavailable)
    await world.provider.start()
    assert.equal(await world.judge(token), 'oidc:ada')
  })

  it('with new keys is asked for them by the first token that names one, and not by each', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const [first, second] = [pairOf('k1'), pairOf('k2')]
    const pairs = [first]
    await using world = await openWorld(pairs)
    const old = await world.tokenOf(first)
    assert.equal(await world.judge(old), 'oidc:ada')
    pairs.splice(0, 1, second)
    t.mock.timers.setTime(Date.now() + 31_000)
    assert.equal(await world.judge(await world.tokenOf(second)), 'oidc:ada')
    assert.equal(world.provider.asked, 2)
    // What the provider has taken back counts no more, and asking for it again and again costs it nothing.
    for (let tries = 0; tries < 20; tries += 1) assert.equal(await world.judge(old), undefined)
    assert.equal(world.provider.asked, 2)
  })
})
