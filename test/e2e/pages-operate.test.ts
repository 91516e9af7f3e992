import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createApiClient } from '../support/api-client.ts'
import { freePort } from '../support/free-port.ts'
import { runGit } from '../support/git-repository.ts'
import { type GuideWorld, startGuideWorld } from '../support/guide-world.ts'
import { createBrowser, startIdentityProvider } from '../support/identity-provider.ts'
import { otherTools } from '../support/other-tools.ts'
import { assertRunning } from '../support/process.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* The pages on using, setting up and operating a hub: their commands run against real hubs, in one process, in three roles and
   as two replicas. */

const using = 'deploy/docs/using.md'
const settings = 'deploy/docs/settings.md'
const operating = 'deploy/docs/operating.md'

describe('the pages for whoever keeps a hub', () => {
  let world: GuideWorld
  let redis: TestRedis
  let provider: Awaited<ReturnType<typeof startIdentityProvider>>
  const stack = new AsyncDisposableStack()
  const run: GuideWorld['printed']['run'] = (...given) => world.printed.run(...given)

  before(async () => {
    provider = stack.use(await startIdentityProvider({}))
    provider.groups.set('ada', ['platform'])
    redis = stack.use(await startRedis())
    const { path } = stack.use(await createTempDir('oidc'))
    const oidc = { issuer: provider.issuer, clientId: 'hub', cliClientId: 'swell' }
    await writeFile(
      join(path, 'oidc.yaml'),
      JSON.stringify({ ...oidc, roles: { operator: ['platform'] } }),
    )
    world = stack.use(
      await startGuideWorld([using, settings, operating], {
        args: ['--oidc', join(path, 'oidc.yaml')],
      }),
    )
    // All of it in one repository, as these pages have it.
    await world.write({
      'fleet/applications/greeter.yaml': null,
      'fleet/repositories/greeter.yaml': null,
      'fleet/projects/greeting.yaml': null,
    })
    await world.push('Let go of the greeter')
  })
  after(() => stack.disposeAsync())

  test('a checkout: checked, compared, rendered; another tool’s becomes one', async () => {
    const mine = {
      placeholders: { 'edge-1': 'paris', 'application shop': 'application storefront' },
    }
    await run(using, 'swell check --path fleet ', mine)
    await run(using, 'swell check --path fleet --live', mine)
    await run(using, 'swell check -o sarif', mine)
    assert.ok(
      'runs' in (JSON.parse(await readFile(join(world.clone, 'check.sarif'), 'utf8')) as object),
    )
    await world.write({ 'check.sarif': null })
    const release = 'apps/storefront/kustomization.yaml'
    const text = await readFile(join(world.clone, release), 'utf8')
    await world.write({ [release]: text.replace(/newTag: .*/, 'newTag: 6.7.1') })
    assert.match((await run(using, 'swell diff HEAD..', { ...mine, code: 1 })).out, /6\.7\.1/)
    await world.inClone('switch', '--quiet', '--create', 'change')
    await world.commit('Release 6.7.1')
    assert.match((await run(using, 'swell diff main...', { ...mine, code: 1 })).out, /6\.7\.1/)
    assert.match((await run(using, 'swell render', mine)).out, /Deployment storefront\/storefront/)
    const cwd = join(world.directory, 'from-argocd')
    for (const [file, text] of Object.entries(otherTools['argocd']!.files)) {
      await mkdir(join(cwd, 'argocd-checkout'), { recursive: true })
      await writeFile(join(cwd, 'argocd-checkout', file), text)
    }
    await runGit(cwd, ['init', '--quiet'])
    await run(using, 'swell migrate', { cwd })
    assert.match(
      await readFile(join(cwd, 'fleet/applications/web.yaml'), 'utf8'),
      /kind: Application/,
    )
  })

  test('callers: tokens for programs, a person by device, contexts', async () => {
    await run(settings, 'swell token create ci')
    await run(settings, 'swell token create shop-ci')
    assert.match((await run(settings, 'swell token list')).out, /^ci .*operator/m)
    const nobody = { SWELL_SERVER: '', SWELL_TOKEN: '' }
    const at = { env: nobody, placeholders: { 'https://hub.example.com': world.hub.url } }
    const device = world.printed.start(
      settings,
      'swell login --server https://hub.example.com  ',
      at,
    )
    const [, url] = await until(() => /^Open (\S+)$/m.exec(device.readLog()), {
      ...{ deadlineMs: 20_000, what: 'the address to open' },
    })
    await createBrowser('ada').go(url!, () => false)
    await device.ended
    assert.match(device.readLog(), /you are oidc:ada \(operator\)/)
    const name = /in context (\S+)/.exec(device.readLog())![1]!
    const file = join(world.directory, 'token')
    await writeFile(file, await world.hub.token(), { mode: 0o600 })
    const byToken = { ...at.placeholders, FILE: file }
    await run(settings, 'swell login --server https://hub.example.com --token-file', {
      ...{ env: nobody, placeholders: byToken },
    })
    const shown = await run(settings, 'swell context', {
      ...{ env: nobody, placeholders: { 'use lab': `use ${name}` } },
    })
    assert.match(shown.out, new RegExp(`^\\* +${name} `, 'm'))
  })

  test('keys of one’s own, and roles apart that use them', async () => {
    const place = (name: string) => join(world.directory, name)
    const data = place('signer')
    for (const [file, text] of Object.entries(world.printed.files(operating))) {
      await writeFile(join(world.clone, file), text)
    }
    const ours = {
      'HUB-DATA': data,
      '/run/groundswell': place('sockets'),
      '/var/lib/groundswell-': `${world.directory}/`,
      'redis://redis:6379': redis.url,
      '--fleet https://git.example/fleet.git': `--fleet ${world.git.url('fleet')} --path fleet`,
    }
    for (const line of ['mkdir trust', 'swell trust init', 'mkdir -p', 'cp trust/root.json']) {
      await run(operating, line, { placeholders: ours })
    }
    const port = await freePort()
    const env = {
      GROUNDSWELL_HUB_API_PORT: String(port),
      GROUNDSWELL_HUB_ENROL_PORT: '0',
      GROUNDSWELL_HUB_DATA_PORT: '0',
    }
    const roles = ['signer', 'renderer', 'api'].map((role) =>
      world.printed.start(operating, `hub --role ${role}`, { env, placeholders: ours }),
    )
    for (const role of roles) stack.defer(() => role.stop(10_000))
    const url = `http://127.0.0.1:${port}`
    await until(
      async () => {
        for (const role of roles) assertRunning(role)
        return (await fetch(`${url}/readyz`)).ok
      },
      { deadlineMs: 40_000, intervalMs: 200, what: 'the three roles to be ready' },
    )
    const token = (await readFile(place('api/admin-token'), 'utf8')).trim()
    const shown = await run(operating, 'swell trust show')
    const key = /^snapshot\b.*\n\s*(\S+)/m.exec(shown.out)![1]!
    const keyed = {
      env: { SWELL_SERVER: url, SWELL_TOKEN: token },
      placeholders: { 'KEY-ID': key },
    }
    await run(operating, 'swell trust rotate', keyed)
    await run(operating, 'swell trust sign', keyed)
    await world.printed.run(operating, 'cp trust/snapshot-b.jwk', { placeholders: ours })
    await run(operating, 'swell trust publish', keyed)
    const roots = await createApiClient(url, async () => token).get('trust/roots')
    assert.doesNotMatch(JSON.stringify(roots), new RegExp(`^${key}$`))
    for (const role of roles) await role.stop(10_000)
  })

  test('two hubs that stand in for each other', async () => {
    const url = redis.url + '/1'
    const ours = {
      'redis://redis:6379': url,
      '/var/lib/hub-': `${world.directory}/replica-`,
      '/etc/groundswell': join(world.directory, 'shared'),
      '…': `--fleet ${world.git.url('fleet')} --path fleet`,
    }
    const ports = [await freePort(), await freePort()]
    const started = []
    for (const [index, name] of ['one', 'two'].entries()) {
      const env = {
        GROUNDSWELL_HUB_API_PORT: String(ports[index]),
        GROUNDSWELL_HUB_ENROL_PORT: '0',
        GROUNDSWELL_HUB_DATA_PORT: '0',
      }
      const hub = world.printed.start(operating, `hub --replica ${name}`, {
        env,
        placeholders: ours,
      })
      stack.defer(() => hub.stop(10_000))
      started.push(hub)
      await until(
        async () => {
          assertRunning(hub)
          return (await fetch(`http://127.0.0.1:${ports[index]}/readyz`)).ok
        },
        { deadlineMs: 40_000, intervalMs: 200, what: `replica ${name} to be ready` },
      )
    }
    for (const hub of started) await hub.stop(10_000)
  })

  test('every command of these pages was run', () => {
    assert.deepEqual(world.printed.untried(), [])
  })
})
