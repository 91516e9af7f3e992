import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { SourceView } from '../../hub/api/source-view.ts'
import { HubError } from '../../hub/errors.ts'
import type { Credential } from '../../hub/source/credential.ts'
import { createMirror } from '../../hub/source/git.ts'
import { createFleetCheckout } from '../support/fleet-checkout.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { type GiteaAccount, noGitea, startGitea, type TestGitea } from '../support/gitea.ts'
import { createGiteaProject, type GiteaProject } from '../support/gitea-project.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* A hub as a process follows a real Gitea: by token, by deploy key, and by Gitea's own webhooks, for it
   polls once an hour; and a pipeline posts what it checked. */

const webhookSecret = 'the-secret-of-the-webhook'
const secret = { isPrivate: true }
const fleetFiles = { ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('shop', 'hello') }

describe('a real Gitea', { skip: noGitea }, () => {
  const stack = new AsyncDisposableStack()
  let gitea: TestGitea
  let team: GiteaAccount
  let reader: GiteaAccount
  let fleet: GiteaProject
  let apps: GiteaProject
  let hub: HubProcess
  let directory: string
  const at = (name: string) => join(directory, name)

  before(async () => {
    directory = stack.use(await createTempDir('gitea-git')).path
    gitea = stack.use(await startGitea())
    team = await gitea.createAccount('team', ['write:repository', 'write:issue', 'write:user'])
    reader = await gitea.createAccount('reader', ['read:repository'])
    apps = stack.use(await createGiteaProject(gitea, team, 'apps', { 'a.yaml': 'a: 1\n' }, secret))
    const spec = `url: "${gitea.sshUrl(apps.name)}", credential: deploy, interval: 1h`
    const repository = `apiVersion: groundswell.dev/v1alpha1\nkind: Repository\nmetadata: { name: apps }\nspec: { ${spec} }\n`
    const files = { ...fleetFiles, 'fleet/apps.yaml': repository }
    fleet = stack.use(await createGiteaProject(gitea, team, 'fleet', files, secret))
    const right = { permission: 'read' }
    await gitea.call('PUT', `/repos/${fleet.name}/collaborators/reader`, right)
    for (const [name, project] of [
      ['deploy', apps],
      ['other', fleet],
    ] as const) {
      await promisify(execFile)('ssh-keygen', [
        ...['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)],
      ])
      const key = await readFile(at(`${name}.pub`), 'utf8')
      await gitea.call('POST', `/repos/${project.name}/keys`, { title: name, key, read_only: true })
    }
    await writeFile(at('user'), reader.name)
    await writeFile(at('token'), reader.token)
    await writeFile(at('webhook'), webhookSecret)
    await writeFile(
      at('credentials.yaml'),
      [
        `fleet: { kind: basic, usernameFile: ${at('user')}, passwordFile: ${at('token')} }`,
        `deploy: { kind: ssh, keyFile: ${at('deploy')}, knownHostsFile: ${gitea.knownHostsFile} }`,
      ].join('\n'),
    )
    hub = await startHub({
      ...{ directory, fleetUrl: gitea.cloneUrl(fleet.name), path: 'fleet', interval: '1h' },
      args: [
        ...['--credentials', at('credentials.yaml'), '--source-hosts', '127.0.0.1'],
        ...['--webhook-secret-file', at('webhook')],
      ],
    })
    stack.defer(() => hub.stop())
    await hook(fleet, 'fleet', webhookSecret)
    await hook(apps, 'apps', webhookSecret)
  })
  after(() => stack.disposeAsync())

  const untilAt = (name: string, commit: string) =>
    until(
      async () => {
        const source = await hub.api.get<SourceView>(`sources/${name}`)
        return (
          source.revision?.endsWith(commit) || Promise.reject(new Error(JSON.stringify(source)))
        )
      },
      { deadlineMs: 60_000, what: `${name} to be at ${commit}` },
    )
  async function publish(project: GiteaProject, files: Readonly<Record<string, string>>) {
    const commit = await project.commit(files)
    await project.push()
    return commit
  }
  const hook = (project: GiteaProject, name: string, secret: string) =>
    gitea.call<{ id: number }>('POST', `/repos/${project.name}/hooks`, {
      ...{ type: 'gitea', events: ['push'], active: true },
      config: { url: `${hub.url}/api/v1/webhooks/${name}`, content_type: 'json', secret },
    })

  it('is fetched from with a token that may only read, and by SSH with a deploy key', async () => {
    await untilAt('fleet', await fleet.git('rev-parse', 'HEAD'))
    await untilAt('apps', await apps.git('rev-parse', 'HEAD'))
  })

  it('tells of a push by its webhook, and the hub is there at once', async () => {
    await untilAt(
      'fleet',
      await publish(fleet, { 'apps/shop/more.yaml': configMap('more', 'one') }),
    )
    await untilAt('apps', await publish(apps, { 'a.yaml': 'a: 2\n' }))
  })

  it('T28: is not heeded when it signs with another secret, and the log says why', async () => {
    const other = stack.use(await createGiteaProject(gitea, team, 'other', { 'a.yaml': 'a: 1\n' }))
    const lastFetch = async () => (await hub.api.get<SourceView>('sources/fleet')).lastFetch
    const before = await lastFetch()
    await hook(other, 'fleet', 'another-secret')
    await publish(other, { 'a.yaml': 'a: 2\n' })
    const log = join(directory, 'hub.log')
    const refused = /a webhook of .{1,4}fleet.{1,4} was refused: no secret of the hub makes this/
    await until(async () => refused.test(await readFile(log, 'utf8')), {
      ...{ deadlineMs: 60_000, what: 'the hub to say that it refused one' },
    })
    assert.equal(await lastFetch(), before)
  })

  it('refuses a token that was revoked and a key that was taken away; the hub says so and keeps what it has', async () => {
    const untilFails = (name: string, message: RegExp) =>
      until(
        async () => {
          const source = await hub.api.get<SourceView>(`sources/${name}`)
          const said = `${source.failure?.code}: ${source.failure?.message}`
          return message.test(said) || Promise.reject(new Error(said))
        },
        { deadlineMs: 60_000, what: `${name} to say ${message}` },
      )
    await writeFile(at('token'), 'f'.repeat(40))
    await publish(fleet, { 'apps/shop/more.yaml': configMap('more', 'two') })
    await untilFails('fleet', /source_refused: .*fleet/)
    assert.notEqual((await hub.api.get<SourceView>('sources/fleet')).revision, null)
    await writeFile(at('token'), reader.token)
    await untilAt('fleet', await publish(fleet, { 'apps/shop/more.yaml': configMap('more', 'ok') }))
    const [key] = await gitea.call<{ id: number }[]>('GET', `/repos/${apps.name}/keys`)
    await gitea.call('DELETE', `/repos/${apps.name}/keys/${key!.id}`)
    await publish(apps, { 'a.yaml': 'a: 3\n' })
    await untilFails('apps', /source_refused: .*apps/)
  })

  it('says what is wrong with a repository that is not there, not seen, or renamed, by HTTP and SSH', async () => {
    const name = `${team.name}/closed`
    stack.use(await createGiteaProject(gitea, team, 'closed', { 'a.yaml': 'a: 1\n' }, secret))
    const refusal = async (url: string, credential: Credential) => {
      const mirror = await createMirror(
        { name: 'x', url, ref: { branch: 'main' }, timeout: 20_000, credential: 'x' },
        { directory: await mkdtemp(at('mirror-')), credential: () => credential },
      )
      const failed = await mirror
        .fetch(AbortSignal.timeout(30_000))
        .catch((error: unknown) => error)
      await mirror.close()
      assert.ok(failed instanceof HubError, String(failed))
      assert.equal(failed.code, 'source_refused', failed.message)
      return failed.message
    }
    await writeFile(at('reader'), reader.token)
    const files = { usernameFile: at('user'), passwordFile: at('reader') }
    const basic: Credential = { kind: 'basic', hosts: ['127.0.0.1'], ...files }
    const { knownHostsFile } = gitea
    const ssh: Credential = { kind: 'ssh', keyFile: at('other'), knownHostsFile }
    const unseen = /there is no such repository, or the credential may not see it \(git: .*/
    assert.match(await refusal(gitea.cloneUrl(name), basic), unseen)
    assert.match(await refusal(gitea.sshUrl(name), ssh), /may not see it \(git: .*not authorized/)
    assert.match(await refusal(gitea.sshUrl('team/never'), ssh), /\(git: Cannot find repository/)
    await gitea.call('PATCH', `/repos/${name}`, { name: 'renamed' })
    const moved = /the server redirects elsewhere, which is not followed; write the final URL/
    await writeFile(at('user-team'), team.name)
    await writeFile(at('token-team'), team.token)
    const own = { usernameFile: at('user-team'), passwordFile: at('token-team') }
    assert.match(
      await refusal(gitea.cloneUrl(name), { kind: 'basic', hosts: ['127.0.0.1'], ...own }),
      moved,
    )
  })

  it('shows what a pipeline checked: one status, and one comment that is written anew', async () => {
    const checkout = await createFleetCheckout(directory, fleetFiles)
    await checkout.write({ 'apps/shop/settings.yaml': configMap('settings', 'jello') })
    const project = stack.use(await createGiteaProject(gitea, team, 'checked', fleetFiles))
    const head = await project.commit(
      { 'apps/shop/settings.yaml': configMap('settings', 'jello') },
      'change',
    )
    await project.push()
    await checkout.commit()
    const number = await project.propose('change')
    const event = { pull_request: { number, head: { sha: head } } }
    await writeFile(at('event.json'), JSON.stringify(event))
    const env = {
      ...{ GITEA_ACTIONS: 'true', GITHUB_ACTIONS: 'true', GITHUB_API_URL: gitea.api },
      ...{ GITHUB_REPOSITORY: project.name, GITHUB_SHA: head, GITHUB_RUN_ID: '7' },
      ...{ GITHUB_SERVER_URL: gitea.url, GITHUB_EVENT_PATH: at('event.json') },
      SWELL_FORGE_TOKEN: team.token,
    }
    for (let time = 0; time < 2; time += 1) {
      const { code, said } = await checkout.swell(['check', '--post', '--base', 'HEAD~1'], env)
      assert.equal(code, 0, said)
    }
    const { statuses } = await gitea.call<{ statuses: Record<string, unknown>[] }>(
      ...(['GET', `/repos/${project.name}/commits/${head}/status`] as const),
    )
    const shown = statuses.map(({ context, status, description, target_url }) => [
      ...[context, status, description, target_url],
    ])
    const run = `${gitea.url}/${project.name}/actions/runs/7`
    assert.deepEqual(shown, [
      ['groundswell/check', 'success', 'passed: 1 application on 3 clusters', run],
    ])
    const comments = await gitea.call<{ body: string }[]>(
      ...(['GET', `/repos/${project.name}/issues/${number}/comments`] as const),
    )
    assert.equal(comments.length, 1)
    assert.match(comments[0]!.body, /^<!-- groundswell\/check -->\n### ✅ Groundswell check passed/)
    assert.match(comments[0]!.body, /-  text: hello\n\+  text: jello/)
  })
})
