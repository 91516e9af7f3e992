import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

it('`swell support` packs what explains a hub, and none of the secrets it was given', async () => {
  await using world = await createSurroundings()
  await using redis = await startRedis({ password: 'canary-redis-password' })
  const place = (name: string) => join(world.directory, name)
  const canaries: Record<string, string> = {
    redis: 'canary-redis-password',
    caller: 'canary-of-a-caller-0123456789',
    webhook: 'canary-of-a-webhook-0123456789',
    git: 'canary-of-git-0123456789',
    gate: 'canary-of-a-gate-0123456789',
  }
  const files: Record<string, string> = {
    tokens: `ann: { role: operator, token: ${canaries['caller']} }\n`,
    webhook: `${canaries['webhook']}\n`,
    'git-password': `${canaries['git']}\n`,
    credentials: `away:\n  kind: basic\n  hosts: [127.0.0.1]\n  passwordFile: ${place('git-password')}\n`,
    'gate-secret': `${canaries['gate']}\n`,
    gates: `change: { hosts: [change.example], secretFile: ${place('gate-secret')} }\n`,
  }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(place(name), text, { mode: 0o600 })
  }
  const hub = await world.start({
    env: { GROUNDSWELL_HUB_REDIS: redis.url },
    args: [
      ...['--tokens', place('tokens'), '--webhook-secret-file', place('webhook')],
      ...['--credentials', place('credentials'), '--gate-credentials', place('gates')],
      ...['--source-hosts', '127.0.0.1', '--log-level', 'debug'],
    ],
  })
  await world.repository.commit({
    ...strategyFile('0s'),
    ...applicationFiles('web', 'one'),
    // A repository that is away, by an address that somebody put a password into: errors repeat it.
    'fleet/away.yaml': [
      'apiVersion: groundswell.dev/v1alpha1',
      'kind: Repository',
      'metadata: { name: away }',
      'spec: { url: "https://127.0.0.1:1/away.git", credential: away }',
    ].join('\n'),
  })
  await untilReady(hub)
  await using agent = await startMemoryAgent(hub, 'a')
  await waitForRollout(hub.api, 'web', 'Succeeded')
  canaries['admin'] = await hub.token()
  const made = await runSwell(hub, 'cluster', 'token', 'b')
  assert.equal(made.code, 0, made.said)
  canaries['join'] = made.out.trim().split('\n').at(-1)!.trim()
  const program = await runSwell(hub, 'token', 'create', 'ci', '--role', 'viewer')
  canaries['program'] = /gsw_\S+/.exec(`${program.out}${program.said}`)![0]
  canaries['agent'] = agent.endpoint.key.split('\n')[1]!
  for (const name of await readdir(join(hub.data, 'keys'))) {
    const text = await readFile(join(hub.data, 'keys', name), 'utf8')
    const secret = /"d" *: *"([^"]+)"/.exec(text)?.[1]
    if (secret !== undefined) canaries[`keys/${name}`] = secret
  }
  assert.ok(Object.keys(canaries).some((name) => name.startsWith('keys/')))
  await until(async () => JSON.stringify(await hub.api.get('sources')).includes('"failure":{'), {
    deadlineMs: 20_000,
    what: 'the source that is away to be known',
  })

  const output = place('bundle.tar.gz')
  const packed = await runSwell(hub, 'support', '--output', output)
  assert.equal(packed.code, 0, packed.said)
  assert.doesNotMatch(packed.said, /not in it/)
  assert.equal((await stat(output)).mode & 0o777, 0o600)
  const run = promisify(execFile)
  await run('tar', [
    '-xzf',
    output,
    '-C',
    world.directory,
    '--one-top-level=bundle',
    '--strip-components=1',
  ])
  const texts = new Map<string, string>()
  for (const name of await readdir(place('bundle'))) {
    texts.set(name, await readFile(join(place('bundle'), name), 'utf8'))
  }
  const read = (name: string) => texts.get(name) ?? assert.fail(`no ${name}`)

  // 1. What explains it.
  const { settings, version } = JSON.parse(read('hub.json')) as {
    settings: Record<string, string>
    version: string
  }
  assert.match(settings['redis']!, /redis:\/\/(:?\(hidden\))@127/)
  assert.equal(settings['tokens'], `${place('tokens')} [flag]`)
  assert.equal(version, '0.1.0')
  assert.match(read('hub.log'), /"msg":"ready"/)
  assert.match(read('metrics.txt'), /^groundswell_leader 1$/m)
  assert.match(read('clusters.json'), /"name": "a"/)
  assert.match(read('rollouts.json'), /"Succeeded"/)
  assert.match(read('sources.json'), /127\.0\.0\.1:1/)
  assert.deepEqual(JSON.parse(read('about.json')).missing, [])

  // 2. No canary, also not as base64.
  for (const [name, secret] of Object.entries(canaries)) {
    assert.ok(secret.length >= 16, name)
    for (const [file, text] of texts) {
      assert.ok(!text.includes(secret), `${name} is in ${file}`)
      assert.ok(!text.includes(Buffer.from(secret).toString('base64')), `${name} is in ${file}`)
    }
    assert.ok(
      !hub.process().readLog().includes(secret) || name === 'admin',
      `${name} is in the log`,
    )
  }

  // 3. Not for everybody; who may less gets less, and is told.
  const viewer = { url: hub.url, token: async () => canaries['caller']! }
  const partly = await runSwell(viewer, 'support', '--output', place('partly.tar.gz'))
  assert.equal(partly.code, 0, partly.said)
  assert.match(partly.said, /not in it: hub\.json/)
})
