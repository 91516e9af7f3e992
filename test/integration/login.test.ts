import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLogin } from '../../hub/wiring/login.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { createBrowser, startIdentityProvider } from '../support/identity-provider.ts'
import { until } from '../support/until.ts'

const swell = fileURLToPath(new URL('../../hub/cli/swell.mjs', import.meta.url))
let provider: Awaited<ReturnType<typeof startIdentityProvider>>
let test: TestApi
let server: string
let home: string

before(async () => {
  // Shorter than what `swell` renews ahead of, so that every call renews.
  provider = await startIdentityProvider({ tokenSeconds: 20 })
  provider.groups.set('ada', ['platform'])
  home = await mkdtemp(join(tmpdir(), 'login-'))
  const setting = {
    ...{ issuer: provider.issuer, clientId: 'hub', cliClientId: 'swell' },
    roles: { operator: ['platform'] },
  }
  await writeFile(join(home, 'oidc.yaml'), JSON.stringify(setting))
  const people = openLogin(join(home, 'oidc.yaml'), Date.now)
  test = await startApi(10_000, 30_000, undefined, { people })
  server = await test.api.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  await test[Symbol.asyncDispose]()
  await provider.stop()
  await rm(home, { recursive: true })
})

function start(words: string): ReturnType<typeof spawn> {
  return spawn(process.execPath, [swell, ...words.split(' ')], {
    env: { PATH: process.env['PATH'], HOME: home },
    timeout: 30_000,
  })
}

async function run(words: string) {
  const child = start(words)
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [out, err, code] = await Promise.all([text(child.stdout!), text(child.stderr!), exited])
  return { out, err, code }
}

const kept = (name: string) => join(home, '.config/swell', name)

describe('swell login', () => {
  it('logs in by the device flow, renews, and logs out', async () => {
    const child = start(`login --server ${server} --context lab`)
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (more: string) => (said += more))
    const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
    const url = await until(() => /^Open (\S+)$/m.exec(said)?.[1] ?? false, {
      ...{ deadlineMs: 15_000, what: 'the address to open' },
    })
    await createBrowser('ada').go(url, () => false)
    assert.equal(await exited, 0, said)
    assert.match(said, /you are oidc:ada \(operator\) in context lab/)

    const path = kept('login/lab.json')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(kept('login'))).mode & 0o777, 0o700)
    const first = await readFile(path, 'utf8')
    const who = await run('whoami')
    assert.equal(who.code, 0, who.err)
    assert.match(who.out, /oidc:ada/)
    assert.notEqual(await readFile(path, 'utf8'), first, 'renewed')
    assert.match((await run('context')).out, /\* +lab +http/)

    // A login is for its own hub.
    assert.match((await run('whoami --server http://127.0.0.1:1')).err, /cannot reach/)

    const { refreshToken } = JSON.parse(await readFile(path, 'utf8')) as { refreshToken: string }
    assert.equal((await run('logout')).code, 0)
    const gone = await run('whoami')
    assert.deepEqual([gone.code, /not logged in/.test(gone.err)], [2, true], gone.err)
    // The provider knows it no longer, whoever kept a copy.
    const again = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'refresh_token', client_id: 'swell', refresh_token: refreshToken },
      }),
    })
    assert.equal(again.status, 400)
  })

  it('keeps a token of a file, and tells contexts apart', async () => {
    await writeFile(join(home, 'given'), 'viewer\n')
    const made = await run(`login --server ${server} --context other --token-file ${home}/given`)
    assert.equal(made.code, 0, made.err)
    assert.equal((await stat(kept('token/other'))).mode & 0o777, 0o600)
    assert.match((await run('whoami')).out, /viewer@example/)
    await writeFile(join(home, 'wrong'), 'forged\n')
    const refused = await run(`login --server ${server} --context bad --token-file ${home}/wrong`)
    assert.equal(refused.code, 1)
    assert.doesNotMatch((await run('context list')).out, /bad/)
    assert.equal((await run('context use lab')).code, 0)
    assert.match((await run('context list')).out, /\* +lab/)
    assert.equal((await run('context use nowhere')).code, 2)
    assert.equal((await run('context remove other')).code, 0)
    await assert.rejects(stat(kept('token/other')), { code: 'ENOENT' })
  })

  it('says so where there is no provider, or nothing to log in with', async () => {
    await using plain = await startApi()
    const bare = await plain.api.listen({ host: '127.0.0.1', port: 0 })
    assert.match((await run(`login --server ${bare}`)).err, /no identity provider/)
    assert.match((await run(`login --server ${bare} --token`)).err, /no token given/)
    assert.match((await run('login')).err, /no hub to log in to/)
  })
})
