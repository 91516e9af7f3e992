import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { SourceView } from '../../hub/api/source-view.ts'
import { clusterFiles } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type GitSsh, startGitSsh } from '../support/git-ssh.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { readRemoteLedger } from '../support/ledger-branch.ts'
import { readApi } from '../support/read-api.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { readFiles, readRedis } from '../support/sinks.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Credentials of a hub as a process: a password and a deploy key, wrong at first and then rotated, and the
   ledger's, right at first. They are in their files, and in nothing that the hub leaves behind or shows. */

const stack = new AsyncDisposableStack()
const [right, wrong] = [randomBytes(18).toString('hex'), randomBytes(18).toString('hex')]
const webhookSecret = randomBytes(18).toString('hex')
let git: GitServer
let fleet: TestRepository
let ledger: TestRepository
let ssh: GitSsh
let redis: TestRedis
let hub: HubProcess
let directory: string
const at = (name: string) => join(directory, 'keys', name)

before(async () => {
  git = stack.use(await startGitServer({ basicAuth: { user: 'bot', password: right } }))
  ssh = stack.use(await startGitSsh())
  redis = await startRedis()
  stack.defer(() => redis.stop())
  fleet = await git.createRepository('fleet')
  ledger = await git.createRepository('ledger')
  const apps = await ssh.createRepository('apps')
  await apps.commit({ 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n' })
  await fleet.commit({
    ...clusterFiles,
    'fleet/apps.yaml': `apiVersion: groundswell.dev/v1alpha1\nkind: Repository\nmetadata: { name: apps }\nspec: { url: "${ssh.url('apps')}", credential: deploy, interval: 1s }\n`,
  })
  const temp = stack.use(await createTempDir('git credentials'))
  directory = temp.path
  await mkdir(at(''), { recursive: true })
  await writeFile(at('user'), 'bot\n')
  await writeFile(at('password'), `${wrong}\n`)
  await writeFile(at('ledger password'), `${right}\n`)
  await writeFile(
    at('ledger.yaml'),
    `{ kind: basic, usernameFile: '${at('user')}', passwordFile: '${at('ledger password')}' }`,
  )
  await writeFile(at('webhook'), `${webhookSecret}\n`)
  await writeFile(at('deploy'), await readFile(ssh.identityFile), { mode: 0o600 })
  await writeFile(at('known_hosts'), '')
  await writeFile(
    at('credentials.yaml'),
    [
      `fleet: { kind: basic, usernameFile: ${at('user')}, passwordFile: ${at('password')} }`,
      `deploy: { kind: ssh, keyFile: ${at('deploy')}, knownHostsFile: ${at('known_hosts')} }`,
    ].join('\n'),
  )
  hub = await startHub({
    directory,
    fleetUrl: git.url('fleet'),
    path: 'fleet',
    interval: '1s',
    redisUrl: redis.url,
    args: [
      ...['--credentials', at('credentials.yaml'), '--source-hosts', '127.0.0.1'],
      ...['--ledger-remote', git.url('ledger'), '--ledger-credential', at('ledger.yaml')],
      ...['--webhook-secret-file', at('webhook'), '--log-level', 'debug'],
    ],
  })
  stack.defer(() => hub.stop())
})
after(() => stack.disposeAsync())

const untilSource = (name: string, is: (source: SourceView) => boolean, what: string) =>
  until(
    async () => {
      const source = await hub.api.get<SourceView>(`sources/${name}`)
      return is(source) || Promise.reject(new Error(JSON.stringify(source)))
    },
    { deadlineMs: 20_000, what },
  )

test('are taken up when they are rotated, and are in no argument, log, Redis, ledger or answer', async () => {
  const refused = ({ failure }: SourceView) => failure?.code === 'source_refused'
  const fetched = ({ failure, revision }: SourceView) => failure === null && revision !== null
  await untilSource('fleet', refused, 'the wrong password to be refused')
  await writeFile(at('password'), `${right}\n`)
  await untilSource('fleet', fetched, 'the right password to be taken up')
  await untilSource('apps', refused, 'the unknown host to be refused')
  await writeFile(at('known_hosts'), await readFile(ssh.knownHostsFile))
  await untilSource('apps', fetched, 'the host key to be taken up')
  const asked = await fetch(`${hub.url}/api/v1/webhooks/fleet`, {
    method: 'POST',
    headers: { 'x-gitlab-token': webhookSecret },
  })
  assert.equal(asked.status, 202)
  await until(async () => (await readRemoteLedger(ledger.path)).length > 0, {
    ...{ deadlineMs: 20_000, what: 'the ledger to be pushed with its credential' },
  })
  // Wrong once more, while there is much to tell.
  await writeFile(at('ledger password'), `${wrong}\n`)
  await fleet.commit({ 'fleet/more.yaml': '' })
  const refusal = /ledger's remote .* cannot be read: the server refused the credential/
  await until(() => refusal.test(hub.process().readLog()), {
    ...{ deadlineMs: 20_000, what: 'the wrong password of the ledger to be refused' },
  })
  await writeFile(at('password'), `${wrong}\n`)
  await untilSource('fleet', refused, 'the wrong password to be refused again')

  const told = new Map<string, string>()
  for (const [path, text] of await readApi(hub, { sources: 'fleet' })) told.set(`GET ${path}`, text)
  for (const [name, text] of await readRedis(redis.url)) told.set(`redis ${name}`, text)
  for (const [path, text] of await readFiles(directory, (path) => !path.includes('/keys/'))) {
    told.set(path, text)
  }
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    told.set(`arguments of ${id}`, await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''))
  }
  const key = (await readFile(ssh.identityFile, 'utf8')).split('\n')[1]!
  const leaks = [right, wrong, webhookSecret, key].flatMap((secret, index) =>
    [
      secret,
      Buffer.from(secret).toString('base64'),
      Buffer.from(`bot:${secret}`).toString('base64'),
    ]
      .flatMap((text) => [...told].filter(([, said]) => said.includes(text)))
      .map(([place]) => `secret ${index} in ${place}`),
  )
  assert.deepEqual(leaks, [])
  for (const place of [
    /hub\.log$/,
    /ledger\.jsonl$/,
    /^redis /,
    /^GET .*sources/,
    /\.git\/config$/,
  ]) {
    assert.ok(
      [...told.keys()].some((name) => place.test(name)),
      `${String(place)} was read`,
    )
  }
})
