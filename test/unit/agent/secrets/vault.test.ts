import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createReferences } from '../../../../agent/secrets/references.ts'
import { createVault } from '../../../../agent/secrets/vault.ts'
import {
  createVaultSession,
  type VaultAnswer,
  type VaultRequest,
} from '../../../../agent/secrets/vault-session.ts'
import { AgentError } from '../../../../agent/errors.ts'

const never = new AbortController().signal
const answer = (status: number, body?: unknown): VaultAnswer => ({ status, body })
const errors = (status: number, ...words: string[]) => answer(status, { errors: words })

/** Vault as its API documentation has it, with what it is asked written down. */
function createWorld({ lease = 3_600, renewable = true, grows = true } = {}) {
  const asked: string[] = []
  const secrets = new Map<string, VaultAnswer>()
  const revoked = new Set<string>()
  let now = 0
  let logins = 0
  let fault: VaultAnswer | AgentError | undefined
  const put = (path: string, values: object, version = 1) =>
    secrets.set(
      path,
      answer(200, {
        data: { data: values, metadata: { version, created_time: `t${version}` } },
        lease_duration: 0,
      }),
    )
  const send = async ({ method, path, token, body }: VaultRequest): Promise<VaultAnswer> => {
    await Promise.resolve()
    asked.push(`${method} ${path}`)
    if (fault instanceof AgentError) throw fault
    if (fault) return fault
    const auth = { lease_duration: lease, renewable }
    if (path === 'auth/kubernetes/login') {
      assert.deepEqual(body, { role: 'agent', jwt: 'a.jwt' })
      logins += 1
      return answer(200, { auth: { ...auth, client_token: `token-${logins}` } })
    }
    if (token === undefined || revoked.has(token)) return errors(403, 'permission denied')
    if (path === 'auth/token/renew-self') {
      const left = grows ? lease : 1
      return answer(200, { auth: { ...auth, lease_duration: left, client_token: token } })
    }
    if (path === 'auth/token/revoke-self') {
      revoked.add(token)
      return answer(204)
    }
    return secrets.get(path) ?? answer(404, { errors: [] })
  }
  const login = { mount: 'kubernetes', role: 'agent', jwt: () => Promise.resolve('a.jwt\n') }
  const session = createVaultSession(send, login, () => now)
  const vault = createVault({ send, session, now: () => now })
  return {
    ...{ asked, put, secrets, revoked, session, vault },
    references: createReferences({ vault, paths: undefined }),
    read: (path: string) => vault.read(path, never),
    pass: (seconds: number) => {
      now += seconds * 1_000
    },
    fail: (with_: VaultAnswer | AgentError | undefined) => {
      fault = with_
    },
    logins: () => logins,
    count: (what: string) => asked.filter((one) => one === what).length,
  }
}

const refuses = (promise: Promise<unknown>, code: string, words: RegExp) =>
  assert.rejects(promise, (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.message)
    assert.match(error.message, words)
    assert.ok(!/token-\d|a\.jwt|hunter2/.test(error.message), error.message)
    return true
  })

describe('createVaultSession', () => {
  it('logs in once for all who ask at one time', async () => {
    const world = createWorld()
    const tokens = await Promise.all([1, 2, 3].map(() => world.session.token(never)))
    assert.deepEqual(tokens, ['token-1', 'token-1', 'token-1'])
    assert.equal(world.logins(), 1)
  })

  it('renews the token after two thirds of its lease, and logs in anew past its end', async () => {
    const world = createWorld({ lease: 90 })
    await world.session.token(never)
    world.pass(59)
    await world.session.token(never)
    assert.equal(world.count('POST auth/token/renew-self'), 0)
    world.pass(2)
    assert.equal(await world.session.token(never), 'token-1')
    assert.equal(world.count('POST auth/token/renew-self'), 1)
    world.pass(100)
    assert.equal(await world.session.token(never), 'token-2')
    assert.equal(world.count('POST auth/token/renew-self'), 1)
  })

  it('logs in anew when Vault renews no further, as at max_ttl, or not at all', async () => {
    for (const world of [createWorld({ grows: false }), createWorld({ renewable: false })]) {
      await world.session.token(never)
      world.pass(2_500)
      assert.equal(await world.session.token(never), 'token-2')
    }
  })

  it('logs in anew when a renewal is refused', async () => {
    const world = createWorld()
    world.revoked.add(await world.session.token(never))
    world.pass(2_500)
    assert.equal(await world.session.token(never), 'token-2')
  })

  it('gives its token back in the end', async () => {
    const world = createWorld()
    await world.session.end(never)
    assert.equal(world.asked.length, 0)
    await world.session.token(never)
    await world.session.end(never)
    assert.ok(world.revoked.has('token-1'))
  })

  it('says who was refused, where, and in what words', async () => {
    const world = createWorld()
    world.fail(errors(403, 'service account name not authorized'))
    await refuses(
      world.session.token(never),
      'vault_unavailable',
      /login as agent at auth\/kubernetes refused: 403 service account name not authorized/,
    )
  })
})

describe('createVault', () => {
  it('reads a path once for many, and again a moment later', async () => {
    const world = createWorld()
    world.put('secret/data/db', { password: 'hunter2' })
    const found = await Promise.all([world.read('secret/data/db'), world.read('secret/data/db')])
    assert.deepEqual(found[0].values, { password: 'hunter2' })
    assert.equal(found[0].version, '1@t1')
    assert.equal(world.count('GET secret/data/db'), 1)
    world.pass(3)
    await world.read('secret/data/db')
    assert.equal(world.count('GET secret/data/db'), 2)
  })

  it('logs in anew once when its token is not taken, and believes the second refusal', async () => {
    const world = createWorld()
    world.put('secret/data/db', { password: 'hunter2' })
    world.revoked.add(await world.session.token(never))
    assert.equal((await world.read('secret/data/db')).version, '1@t1')
    assert.equal(world.logins(), 2)
    world.secrets.set(
      'secret/data/other',
      errors(403, '1 error occurred:\n\t* permission denied\n\n'),
    )
    await refuses(
      world.read('secret/data/other'),
      'secret_unresolved',
      /secret\/data\/other refused: 403 1 error occurred: \* permission denied$/,
    )
    assert.equal(world.logins(), 3)
  })

  it('tells what is not there from what cannot be read', async () => {
    const world = createWorld()
    await refuses(
      world.read('secret/data/no'),
      'secret_unresolved',
      /nothing is at secret\/data\/no/,
    )
    const metadata = { version: 2, deletion_time: 'then' }
    world.secrets.set('secret/data/gone', answer(404, { data: { data: null, metadata } }))
    await refuses(world.read('secret/data/gone'), 'secret_unresolved', /newest version was deleted/)
    world.secrets.set('kv/data/old', answer(200, { data: { password: 'hunter2' } }))
    await refuses(world.read('kv/data/old'), 'secret_unresolved', /not a secret of .* version 2/)
    world.secrets.set('a/data/b', errors(503, 'Vault is sealed'))
    await refuses(world.read('a/data/b'), 'vault_unavailable', /503 Vault is sealed/)
    world.pass(6)
    world.secrets.set('a/data/c', answer(429))
    await refuses(world.read('a/data/c'), 'vault_unavailable', /a\/data\/c cannot be read: 429/)
    world.pass(6)
    world.secrets.set('a/data/d', answer(200, 'words'))
    await refuses(world.read('a/data/d'), 'secret_unresolved', /not a secret/)
  })

  it('does not have each of many wait for a Vault that is away', async () => {
    const world = createWorld()
    world.put('secret/data/a', { k: 'v' })
    world.fail(new AgentError('vault_unavailable', 'Vault: not reachable'))
    for (const path of ['secret/data/a', 'secret/data/b', 'secret/data/c']) {
      await refuses(world.read(path), 'vault_unavailable', /not reachable/)
    }
    assert.equal(world.asked.length, 1)
    world.fail(undefined)
    world.pass(6)
    assert.deepEqual((await world.read('secret/data/a')).values, { k: 'v' })
  })

  it('keeps no more than it may of what was read, and lets the oldest go', async () => {
    const world = createWorld()
    const megabyte = 'x'.repeat(1024 * 1024)
    for (let at = 0; at < 10; at++) {
      world.put(`secret/data/${at}`, { k: megabyte })
      await world.read(`secret/data/${at}`)
    }
    const held = [...Array(10).keys()].filter((at) => world.vault.last(`secret/data/${at}`))
    assert.deepEqual(held, [3, 4, 5, 6, 7, 8, 9])
  })

  it('takes none of several paths for another', async () => {
    const world = createWorld()
    world.put('secret/data/a%20b', { k: 'space' })
    assert.deepEqual((await world.read('secret/data/a b')).values, { k: 'space' })
  })
})

describe('createReferences', () => {
  const body = {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' } },
    stringData: { password: 'vault:secret/data/db#password', plain: 'as it is' },
    data: { user: Buffer.from('vault:secret/data/db#user').toString('base64'), x: 'eA==' },
  }
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  it('puts values in the place of references and leaves all else', async () => {
    const world = createWorld()
    world.put('secret/data/db', { password: 'hunter2', user: 'admin' })
    const { body: filled, versions } = await world.references.resolve(body, 'shop', never)
    assert.deepEqual(filled['stringData'], { password: 'hunter2', plain: 'as it is' })
    assert.deepEqual(filled['data'], { user: base64('admin'), x: 'eA==' })
    assert.match(versions, /^[0-9a-f]{20}$/)
  })

  it('tells versions apart by what was written when, and not by values', async () => {
    const world = createWorld()
    const seen = new Set<string>()
    for (const [values, version] of [
      [{ password: 'hunter2', user: 'admin' }, 1],
      [{ password: 'hunter3', user: 'admin' }, 1],
      [{ password: 'hunter3', user: 'admin' }, 2],
    ] as const) {
      world.put('secret/data/db', values, version)
      world.pass(3)
      seen.add((await world.references.resolve(body, 'shop', never)).versions)
    }
    assert.equal(seen.size, 2)
  })

  it('says of every reference what is wrong with it', async () => {
    const world = createWorld()
    world.put('secret/data/db', { password: 7 })
    await refuses(
      world.references.resolve(body, 'shop', never),
      'secret_unresolved',
      /data\.user: secret\/data\/db has no key "user"; .*stringData\.password: secret\/data\/db has no text at its key "password"/,
    )
    const inherited = { ...body, data: {}, stringData: { a: 'vault:secret/data/db#constructor' } }
    await refuses(
      world.references.resolve(inherited, 'shop', never),
      'secret_unresolved',
      /has no key "constructor"/,
    )
  })

  it('goes on with what was read last while Vault is away, and says so when it looks', async () => {
    const world = createWorld()
    world.put('secret/data/db', { password: 'hunter2', user: 'admin' })
    const first = await world.references.resolve(body, 'shop', never)
    world.pass(10)
    for (const fault of [
      new AgentError('vault_unavailable', 'Vault: not reachable'),
      errors(503, 'Vault is sealed'),
    ]) {
      world.fail(fault)
      world.pass(6)
      assert.deepEqual(await world.references.resolve(body, 'shop', never), first)
      const found = [{ path: 'secret/data/db', key: 'user', place: '', member: '', field: 'data' }]
      await refuses(
        world.references.look(found as never, 'shop', never),
        'vault_unavailable',
        /not reachable|sealed/,
      )
    }
    // What Vault says no to is not gone on with.
    world.fail(undefined)
    world.pass(6)
    world.secrets.delete('secret/data/db')
    await refuses(world.references.resolve(body, 'shop', never), 'secret_unresolved', /404/)
  })

  it('holds references to the paths that are listed, before anything is asked', async () => {
    const world = createWorld()
    world.put('secret/data/db', { password: 'hunter2', user: 'admin' })
    const paths = ['secret/data/{namespace}/*']
    const references = createReferences({ vault: world.vault, paths })
    await refuses(
      references.resolve(body, 'shop', never),
      'outside_scope',
      /Secrets in shop may refer/,
    )
    assert.deepEqual(world.asked, [])
  })

  it('refuses references where no Vault is configured, and leaves them where it is off', async () => {
    const none = createReferences({ vault: undefined })
    await refuses(none.resolve(body, 'shop', never), 'secret_unresolved', /see --vault/)
    const off = await createReferences({ vault: 'off' }).resolve(body, 'shop', never)
    assert.deepEqual(off, { body, versions: '' })
    const plain = { ...body, data: {}, stringData: { a: 'plain' } }
    assert.deepEqual(await none.resolve(plain, 'shop', never), { body: plain, versions: '' })
  })
})
