import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { startApi, type TestApi } from '../support/api.ts'
import { createFakeHub } from '../support/fake-hub.ts'
import { makeRecord } from '../support/fake-rollout.ts'
import { until } from '../support/until.ts'

const swell = fileURLToPath(new URL('../../hub/cli/swell.mjs', import.meta.url))
let test: TestApi
let server: string
let folder: string

before(async () => {
  test = await startApi()
  server = await test.api.listen({ host: '127.0.0.1', port: 0 })
  folder = await mkdtemp(join(tmpdir(), 'swell-'))
})
after(async () => {
  await test.api.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  const fresh = createFakeHub()
  Object.assign(test.hub.view, fresh.view)
  test.hub.records.splice(0, Infinity, ...fresh.records)
  test.hub.actions.length = 0
})

function start(words: string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [swell, ...words], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      SWELL_SERVER: server,
      SWELL_TOKEN: 'admin',
      ...env,
    },
  })
}

async function run(words: string | string[], env: Record<string, string> = {}) {
  const child = start(typeof words === 'string' ? words.split(' ') : words, env)
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { out, err, code }
}

const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('')

describe('swell get', () => {
  it('prints a table', async () => {
    const { out, err, code } = await run('get groups')
    assert.deepEqual(
      { out, err, code },
      {
        out: lines('NAME   CLUSTERS   CONNECTED   UNREACHABLE', 'prod   2          1           1'),
        err: '',
        code: 0,
      },
    )
  })

  it('prints more columns when wide, and none of the heading when asked', async () => {
    const wide = await run('get groups -o wide')
    assert.match(wide.out, /^NAME .* MEMBERS +LABELS\nprod .* edge-1,edge-2 +-\n$/)
    const bare = await run('get groups --no-headers')
    assert.equal(bare.out, 'prod   2   1   1\n')
  })

  it('prints names, JSON and YAML', async () => {
    const selected = await run('get clusters -l env=prod -o name')
    assert.equal(selected.out, lines('cluster/edge-1', 'cluster/edge-2'))
    const json = JSON.parse((await run('get clusters -o json')).out) as { items: unknown[] }
    assert.deepEqual(
      json.items[2],
      (
        await test.api.inject({
          url: '/api/v1/clusters?selector=env%3Ddev',
          headers: { authorization: 'Bearer viewer' },
        })
      ).json<{ items: unknown[] }>().items[0],
    )
    const yaml = parse((await run('get cluster lab -o yaml')).out) as { name: string }
    assert.equal(yaml.name, 'lab')
  })

  it('B85: never sends control characters of a label or message to the terminal', async () => {
    const { clusters } = test.hub.view
    const hostile = '\u001b]0;owned\u0007\u009b2J\u202e'
    clusters[0] = {
      ...clusters[0]!,
      labels: { x: hostile },
      refusal: { code: 'x', message: hostile },
    }
    for (const words of [
      'get clusters -o wide',
      'get clusters -o json',
      'describe cluster edge-1',
    ]) {
      const { out, code } = await run(words)
      assert.equal(code, 0)
      assert.match(out, /\\u202e/)
      assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Bidi_Control}]/u)
    }
  })

  it('goes on with what changes, until Ctrl-C', async () => {
    const child = start(['get', 'clusters', '-w', '-o', 'name'])
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await until(() => out.includes('cluster/lab\n'), { deadlineMs: 10_000, what: 'the first look' })
    test.hub.view.clusters[1] = { ...test.hub.view.clusters[1]!, nodes: 9 }
    const whole = lines('cluster/edge-1', 'cluster/edge-2', 'cluster/lab', 'cluster/edge-2')
    await until(() => out === whole, { deadlineMs: 10_000, what: 'the change alone' })
    const closed = new Promise((resolve) => child.on('close', resolve))
    child.kill('SIGINT')
    assert.equal(await closed, 130)
  })
})

describe('swell rollout', () => {
  it('plans without starting', async () => {
    const { out, code } = await run('rollout plan shop')
    assert.equal(code, 0)
    assert.match(out, /^Name: +r-next$/m)
    assert.match(out, /^canary +Waiting +lab +Pending +b60b935389f7 +da925a30e31f +-$/m)
    assert.match(out, /^prod +Waiting +\(before: approval\) +not yet/m)
    assert.deepEqual(test.hub.actions, [])
  })

  it('acts on a rollout by id or by its application, with a reason', async () => {
    const byId = await run(['rollout', 'approve', 'r-1', '--reason', 'looks good'])
    assert.match(byId.out, /^rollout\/r-1 Progressing: approve .* before wave prod$/m)
    // One that waits in line is newer than the one that moves: it was aborted in place of that.
    test.hub.records.push(makeRecord('r-2', 'Planned'))
    const byName = await run('rollout pause shop -o name')
    assert.equal(byName.out, 'rollout/r-1\n')
    assert.equal((await run('rollout skip shop edge-2')).code, 0)
    assert.deepEqual(
      test.hub.actions.map(({ kind, reason, by }) => [kind, reason, by.actor]),
      [
        ['approve', 'looks good', 'admin@example'],
        ['pause', '', 'admin@example'],
        ['skip', '', 'admin@example'],
      ],
    )
  })

  it('says why the hub refuses', async () => {
    const { out, err, code } = await run('rollout start shop')
    assert.deepEqual(
      { out, err, code },
      { out: '', err: 'swell: Rollout r-1 is active\n', code: 1 },
    )
  })

  it('watches to the end, and fails when the rollout does', async () => {
    const child = start(['rollout', 'watch', 'shop'])
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const out = text(child.stdout)
    const closed = new Promise((resolve) => child.on('close', resolve))
    await until(() => err.includes('waits for an approval'), {
      deadlineMs: 10_000,
      what: 'progress',
    })
    await test.hub.actOnRollout('r-1', { kind: 'abort' }, { actor: 'x', role: 'admin' }, '')
    assert.equal(await closed, 1)
    assert.match(await out, /^rollout\/r-1 Aborted: /)
    assert.equal((await run('rollout watch shop')).code, 1)
  })
})

describe('swell diff', () => {
  it('exits with 1 and prints what differs', async () => {
    const { out, code } = await run('diff shop')
    assert.deepEqual(
      { out, code },
      {
        out: lines(
          'cluster edge-1',
          'Deployment shop/web',
          '- /spec/replicas: 3',
          '+ /spec/replicas: 5   # by kubectl',
        ),
        code: 1,
      },
    )
  })

  it('exits with 0 without differences, and with 2 when it cannot tell', async () => {
    assert.equal((await run('diff shop --cluster lab')).code, 0)
    assert.equal((await run('diff nope')).code, 2)
    assert.equal((await run('diff shop --cluster nope')).code, 2)
  })
})

describe('swell cluster', () => {
  it('prints only the token on stdout, and how to use it on stderr', async () => {
    const { out, err, code } = await run('cluster token lab --ttl 2h')
    assert.deepEqual([out, code], ['gsw1.abcdefghij.secret\n', 0])
    assert.match(
      err,
      /swell agent manifest lab --image IMAGE --hub hub\.example:7443 --token gsw1\.abcdefghij\.secret \| kubectl/,
    )
    assert.match(err, /until 2026-01-02T05:04:05/)
  })

  it('shows who waits, and approves only the fingerprint that is given', async () => {
    const { out, err } = await run('cluster pending')
    assert.match(out, /^NAME +FINGERPRINT +AGE +REPLACES\nlab +0123-4567-/)
    assert.match(err, /compare with the agent's own log/)
    assert.match(
      (await run('cluster authorities')).out,
      /^STATE +FROM +UNTIL +LEFT +PIN\nIssuing +2025-01-01 +2035-01-01 +3287d +sha256:a{64}\n$/,
    )
    assert.match((await run('cluster list')).out, /^lab .* waits for approval$/m)
    const wrong = await run('cluster approve lab --fingerprint 9999')
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /another fingerprint/)
    // Nobody sits at this terminal, so it cannot be asked for.
    assert.equal((await run('cluster approve lab')).code, 2)
    const right = '0123-4567-89ab-cdef-0123-4567-89ab-cdef'
    const approved = await run(`cluster approve lab --fingerprint ${right}`)
    assert.deepEqual([approved.out, approved.code], ['cluster/lab Enrolled\n', 0])
    assert.match((await run('cluster list')).out, /^NAME +STATE +CONNECTION +SEEN +REASON\n/)
  })

  it('revokes', async () => {
    assert.equal((await run('cluster revoke lab')).out, 'cluster/lab Revoked\n')
  })
})

describe('swell events, fleet, describe and version', () => {
  it('prints events and follows new ones', async () => {
    test.hub.emit({ type: 'first', message: 'one' })
    const child = start(['events', '-f'])
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await until(() => out.includes('one\n'), { deadlineMs: 10_000, what: 'the old event' })
    await until(() => test.hub.subscribers === 1, { deadlineMs: 10_000, what: 'the stream' })
    test.hub.emit({ type: 'second', message: 'two' })
    await until(() => out.includes('two\n'), { deadlineMs: 10_000, what: 'the new event' })
    assert.equal(out.match(/one\n/g)?.length, 1)
    const closed = new Promise((resolve) => child.on('close', resolve))
    child.kill('SIGINT')
    assert.equal(await closed, 130)
  })

  it('prints faults with file and line', async () => {
    const fault = { file: 'apps/shop.yaml', line: 12, object: 'Application shop', message: 'no' }
    test.hub.view.fleet = { ...test.hub.view.fleet, faults: [fault] }
    const { out } = await run('fleet')
    assert.match(out, /\n1 faults:\napps\/shop\.yaml:12: Application shop: no\n$/)
  })

  it('tells of a source that fails: its last good revision, since when, and why', async () => {
    const [source] = test.hub.view.fleet.sources
    const failure = {
      code: 'source_unreachable',
      message: 'no connection to the server',
      since: new Date(Date.now() - 300_000).toISOString(),
      count: 7,
    }
    const nextFetch = new Date(Date.now() + 3_600_000).toISOString()
    const sources = [{ ...source!, name: 'apps', failure, nextFetch }]
    test.hub.view.fleet = { ...test.hub.view.fleet, sources }
    const { out } = await run('get sources')
    assert.match(out, /^NAME +REF +REVISION +STATE +FETCHED +FAILING +ERROR\n/)
    assert.match(
      out,
      /\napps +main +main@sha1:\w{7} +Failing +\w+ +5m +no connection to the server\n/,
    )
    const { out: all } = await run('describe source apps')
    assert.match(all, /Next fetch: +in 59m\n/)
    assert.match(all, /Failing: +for 5m, 7 fetches in a row\n/)
    assert.match(all, /Error: +source_unreachable: no connection to the server\n/)
  })

  for (const words of ['cluster lab', 'group prod', 'app shop', 'rollout r-1', 'source fleet'])
    it(`describes ${words}`, async () => {
      const { out, code } = await run(`describe ${words}`)
      assert.equal(code, 0)
      assert.match(out, new RegExp(`^Name: +${words.split(' ')[1]}\n`))
    })

  it('knows its version and the hub’s', async () => {
    assert.match((await run('version')).out, /^swell \d+\.\d+\.\d+\nhub 9\.9\.9\n$/)
  })
})

describe('swell', () => {
  const refused: [string, number, RegExp, Record<string, string>?][] = [
    ['get nope', 2, /unknown kind nope\n {2}→ one of clusters/],
    ['get clusters --bogus', 2, /unknown option '--bogus'/],
    ['get receipts', 2, /receipts are of a cluster/],
    ['get objects shop', 2, /objects are of an application on a cluster/],
    ['get images shop --cluster lab', 2, /--cluster: not for images/],
    ['get images shop -l a=b', 2, /--selector: not for images/],
    ['get clusters --cluster lab', 2, /--cluster is only for objects/],
    ['get clusters lab extra', 2, /too many arguments/],
    ['get clusters -o xml', 2, /Allowed choices/],
    ['get clusters -l a>b', 1, /cannot read "a>b"/],
    ['get rollouts -l a=b', 2, /no labels/],
    ['bogus', 2, /unknown command/],
    ['get cluster nope', 1, /No cluster nope/],
    ['get clusters', 2, /no hub to talk to\n {2}→ .*SWELL_SERVER/, { SWELL_SERVER: '' }],
    ['get clusters', 1, /→ the token is wrong/, { SWELL_TOKEN: 'forged' }],
    ['cluster revoke lab', 1, /needs the role admin/, { SWELL_TOKEN: 'viewer' }],
    [
      'get clusters',
      2,
      /cannot reach the hub at http:\/\/127\.0\.0\.1:1\b/,
      {
        SWELL_SERVER: 'http://127.0.0.1:1',
      },
    ],
  ]
  for (const [words, exitCode, message, env] of refused)
    it(`\`swell ${words}\`${env ? ` with ${Object.keys(env).join()}` : ''} exits with ${exitCode}`, async () => {
      const { out, err, code } = await run(words, env)
      assert.deepEqual([out, code], ['', exitCode], err)
      assert.match(err, message)
    })

  it('reads server and token from a context', async () => {
    const file = join(folder, 'token')
    await writeFile(file, 'viewer\n')
    const config = { currentContext: 'a', contexts: { a: { server, tokenFile: file } } }
    const env = { SWELL_SERVER: '', SWELL_TOKEN: '', XDG_CONFIG_HOME: join(folder, 'xdg') }
    await mkdir(join(folder, 'xdg', 'swell'), { recursive: true })
    await writeFile(join(folder, 'xdg', 'swell', 'config.yaml'), JSON.stringify(config))
    assert.equal((await run('get cluster lab -o name', env)).out, 'cluster/lab\n')
  })

  it('warns before a token travels unencrypted, but not on this machine', async () => {
    const { err } = await run('get clusters', { SWELL_SERVER: 'http://hub.invalid' })
    assert.match(err, /^warning: the token travels unencrypted/)
    assert.equal((await run('get clusters')).err, '')
  })

  it('B83: ends quietly when its reader has seen enough', async () => {
    const child = start(['get', 'clusters', '-o', 'json'])
    child.stdout.destroy()
    const closed = new Promise((resolve) => child.on('close', resolve))
    assert.equal(await text(child.stderr), '')
    assert.equal(await closed, 0)
  })
})

describe('swell agent manifest', () => {
  const manifest = 'agent manifest edge-1 --image registry.example/agent:1'

  it('prints objects to apply, with a token made for them', async () => {
    const { out, err, code } = await run(`${manifest} --pre-approved --ttl 30m`)
    assert.equal(code, 0, err)
    assert.match(out, /^apiVersion: v1\nkind: Namespace\n/)
    assert.match(err, /good for one agent until .*kubectl apply --server-side -f -/)
    assert.match(err, /may do anything in its cluster; --cluster-role NAME narrows/)
    const { items } = JSON.parse((await run(`${manifest} -o json`)).out) as { items: unknown[] }
    assert.equal(items.length, out.split('\n---\n').length)
  })

  it('takes a token that was made before, and asks no hub then', async () => {
    const token = `gsw1.abcdefghij.${'s'.repeat(22)}.${'a'.repeat(64)}.${'b'.repeat(64)}`
    const words = `${manifest} --token ${token} --hub hub.example:8443 --cluster-role apps`
    const { out, err, code } = await run(words, { SWELL_SERVER: 'http://127.0.0.1:9' })
    assert.equal(code, 0, err)
    assert.match(out, /--hub=hub.example:8443/)
    assert(out.includes(Buffer.from(token).toString('base64')))
    assert.doesNotMatch(err, /anything/)
  })

  it('refuses what cannot be, before it makes a token', async () => {
    const token = `gsw1.abcdefghij.${'s'.repeat(22)}.${'a'.repeat(64)}.${'b'.repeat(64)}`
    const cases: readonly [string, RegExp][] = [
      ['agent manifest edge-1', /--image/],
      [`${manifest} --namespace Kube_System`, /--namespace: cannot be "Kube_System"/],
      [`${manifest} --cluster-role a/b`, /--cluster-role: cannot be/],
      [`${manifest} --hub hub.example`, /--hub: cannot be/],
      [`${manifest} --token ${token}`, /--token needs --hub/],
      [`${manifest} --token ${token} --pre-approved --hub h:1`, /cannot be used with/],
      [`${manifest} --token gsw1.short --hub h:1`, /not a join token/],
    ]
    for (const [words, expected] of cases) {
      const { out, err, code } = await run(words)
      assert.equal(code, 2, words)
      assert.match(err, expected)
      assert.equal(out, '')
    }
    assert.deepEqual(test.hub.actions, [])
  })
})
