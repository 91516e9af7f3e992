import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { AuditEntry } from '../../hub/client/gen/api.ts'
import { checkChain } from '../../hub/dashboard/data/chain.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/** Children of a process, by the kernel's word. */
async function listChildren(pid: number): Promise<{ pid: number; name: string }[]> {
  const children = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) {
      children.push({ pid: Number(entry), name })
    }
  }
  return children
}

const isAlive = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) Z /.test(stat)
}

describe('a hub as a process', () => {
  it('SIGTERM drains: exit 0 within 10 s, no child, no lock and no temporary file left', async () => {
    await using world = await createSurroundings()
    const temporary = join(world.directory, 'temporary')
    await mkdir(temporary)
    const hub = await world.start({ env: { TMPDIR: temporary } })
    await untilReady(hub)
    const running = hub.process()
    const children = await listChildren(running.pid)
    const names = children.map(({ name }) => name)
    assert(names.includes('redis-server'), `redis-server is among ${names.join()}`)
    assert(children.length >= 2, `an engine is among ${names.join()}`)
    // Held open, as a browser or a dashboard would.
    const stream = await fetch(`${hub.url}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${await hub.token()}` },
    })
    const started = performance.now()
    process.kill(running.pid, 'SIGTERM')
    await until(() => !running.running, { deadlineMs: 15_000, what: 'the hub to end' })
    assert(performance.now() - started < 10_000, 'within 10 seconds')
    assert.equal(running.exitCode, 0, running.readLog())
    await stream.body?.cancel().catch(() => undefined)
    for (const child of children) {
      assert.equal(await isAlive(child.pid), false, `${child.name} outlived the hub`)
    }
    assert.deepEqual(await readdir(temporary), [])
    assert.equal((await readdir(hub.data)).includes('lock'), false)
  })

  it('keeps its own Redis, keys, token and events over a restart', async () => {
    await using world = await createSurroundings()
    const hub = await world.start()
    await untilReady(hub)
    const token = await hub.token()
    await hub.api.post('clusters/a/tokens')
    const { items: before } = await hub.api.get<{ items: { id: string; type: string }[] }>('events')
    assert(before.some(({ type }) => type === 'token.created'))
    await hub.kill()
    await hub.start()
    assert.equal(await hub.token(), token)
    // Printed once in all, and on a line of its own: the log is kept and sent on.
    const written = (await readFile(join(world.directory, 'hub.log'), 'utf8')).split('\n')
    assert.deepEqual(
      written.filter((line) => line.includes(token)),
      [`hub: the administrator's token, shown this once: ${token}`],
    )
    const { items } = await hub.api.get<{ items: { id: string }[] }>('events?limit=500')
    for (const { id } of before)
      assert(
        items.some((event) => event.id === id),
        `event ${id}`,
      )
    const { revision } = await until(
      async () => {
        const fleet = await hub.api.get<{ revision: string | null }>('fleet')
        return fleet.revision ? { revision: fleet.revision } : undefined
      },
      { deadlineMs: 20_000, what: 'the fleet to be read' },
    )
    assert(revision.endsWith(await world.repository.readHead()))
  })

  it('counts the fleet, tells its ledger, and carries out a request with a key once', async () => {
    await using world = await createSurroundings()
    const hub = await world.start()
    await untilReady(hub)
    const { clusters, applications } = await hub.api.get<{
      clusters: { total: number; neverConnected: number }
      applications: number
    }>('summary')
    const { counts } = await hub.api.get<{ counts: { clusters: number; applications: number } }>(
      'fleet',
    )
    assert.deepEqual(
      [clusters.total, clusters.neverConnected, applications],
      [counts.clusters, counts.clusters, counts.applications],
    )
    const release = (): Promise<Response> =>
      hub.token().then((token) =>
        fetch(`${hub.url}/api/v1/tokens`, {
          method: 'POST',
          body: JSON.stringify({ name: 'ci', role: 'viewer' }),
          headers: {
            ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            'idempotency-key': 'once',
          },
        }),
      )
    assert.deepEqual([(await release()).status, (await release()).status], [201, 409])
    const { items } = await hub.api.get<{ items: AuditEntry[] }>('audit')
    assert.equal(items.filter(({ type }) => type === 'apiToken.created').length, 1)
    // Digests are those of the lines, so that what the dashboard says of the chain is said of the file.
    const newest = items.at(-1)!
    assert.deepEqual(checkChain(items), {
      ...{ kind: 'whole', from: 1, to: newest.index, head: newest.digest },
    })
    const lines = (await readFile(join(hub.data, 'ledger', 'ledger.jsonl'), 'utf8')).split('\n')
    assert.equal(newest.digest, digestOf(lines[newest.index - 1]!))
  })

  it('goes on from its data with Git away', async () => {
    await using world = await createSurroundings()
    const hub = await world.start()
    await untilReady(hub)
    world.git.fail()
    await hub.kill()
    await hub.start()
    await untilReady(hub)
  })

  it('/readyz says no until the fleet repository was read, then yes', async () => {
    await using world = await createSurroundings()
    world.git.fail()
    const hub = await world.start()
    const response = await fetch(`${hub.url}/readyz`)
    assert.equal(response.status, 503)
    const { checks } = (await response.json()) as { checks: { name: string; ok: boolean }[] }
    assert.deepEqual(
      checks.filter(({ ok }) => !ok).map(({ name }) => name),
      ['fleet'],
    )
    assert.equal((await fetch(`${hub.url}/livez`)).status, 200)
    world.git.resume()
    await untilReady(hub, 40_000)
  })

  it('a webhook with the right HMAC makes it look at once; a wrong one is refused', async () => {
    await using world = await createSurroundings()
    const secretFile = join(world.directory, 'secret')
    await writeFile(secretFile, 'a webhook secret\n')
    const hub = await world.start({
      interval: '1h',
      args: ['--webhook-secret-file', secretFile],
    })
    await untilReady(hub)
    const commit = await world.repository.commit({ 'README.md': 'changed\n' })
    const body = '{"ref":"refs/heads/main"}'
    const sign = (secret: string, text: string) =>
      `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
    const post = async (name: string, signature: string | undefined) =>
      fetch(`${hub.url}/api/v1/webhooks/${name}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          ...(signature ? { 'x-hub-signature-256': signature } : {}),
        },
      })
    const wrong = [
      await post('fleet', sign('another secret', body)),
      await post('fleet', sign('a webhook secret', `${body} `)),
      await post('fleet', undefined),
      await post('nobody', sign('a webhook secret', body)),
    ]
    assert.deepEqual(
      wrong.map(({ status }) => status),
      [401, 401, 401, 401],
    )
    const before = await hub.api.get<{ revision: string }>('fleet')
    assert(!before.revision.endsWith(commit), 'a refused webhook hints nothing')
    assert.equal((await post('fleet', sign('a webhook secret', body))).status, 202)
    await until(
      async () => (await hub.api.get<{ revision: string }>('fleet')).revision.endsWith(commit),
      { deadlineMs: 10_000, what: 'the commit to be seen' },
    )
  })

  it('replays real events to a stream that resumes, then goes on with new ones', async () => {
    await using world = await createSurroundings()
    const hub = await world.start()
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) await hub.api.post(`clusters/${name}/tokens`)
    const { items } = await hub.api.get<{ items: { id: string; subject: string }[] }>('events')
    const tokens = items.filter(({ subject }) => /^cluster\/[abc]$/.test(subject))
    assert.equal(tokens.length, 3)
    const response = await fetch(`${hub.url}/api/v1/events/stream`, {
      headers: {
        authorization: `Bearer ${await hub.token()}`,
        'last-event-id': tokens[0]!.id,
      },
      signal: AbortSignal.timeout(15_000),
    })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const readUntil = async (id: string) => {
      while (!text.includes(`id: ${id}\n`)) {
        const { value, done } = await reader.read()
        assert(!done, 'the stream goes on')
        text += value
      }
    }
    await readUntil(tokens[2]!.id)
    await hub.api.post('clusters/a/tokens')
    const { items: after } = await hub.api.get<{ items: { id: string }[] }>('events')
    await readUntil(after.at(-1)!.id)
    const seen = [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id)
    const known = after.map(({ id }) => id)
    assert.deepEqual(seen, known.slice(known.indexOf(tokens[0]!.id) + 1))
    await reader.cancel()
  })

  it('a viewer may look; an operator may steer rollouts; only an admin makes join tokens', async () => {
    await using world = await createSurroundings()
    const tokensFile = join(world.directory, 'tokens.yaml')
    const tokens = { eve: 'viewer-token-0123456789', oli: 'operator-token-0123456789' }
    await writeFile(
      tokensFile,
      `eve: {role: viewer, token: ${tokens.eve}}\noli: {role: operator, token: ${tokens.oli}}\n`,
      { mode: 0o600 },
    )
    const hub = await world.start({ args: ['--tokens', tokensFile] })
    await untilReady(hub)
    const swell = (token: string, ...words: string[]) =>
      runSwell({ url: hub.url, token: async () => token }, ...words)
    assert.equal(
      (await swell(tokens.eve, 'get', 'clusters', '-o', 'name')).out.split('\n').length,
      4,
    )
    for (const [words, needs] of [
      ['rollout start web', 'action start'],
      ['cluster token a', 'role admin'],
      ['cluster revoke a', 'role admin'],
    ] as const) {
      const { code, said } = await swell(tokens.eve, ...words.split(' '))
      assert.equal(code, 1, words)
      assert.match(said, new RegExp(`needs the ${needs}; you are viewer`))
    }
    const started = await swell(tokens.oli, 'rollout', 'start', 'web')
    assert.match(started.said, /there is no application web/, 'allowed, but there is none')
    assert.match((await swell(tokens.oli, 'cluster', 'token', 'a')).said, /needs the role admin/)
    const nobody = await swell('no-such-token-0123456789', 'get', 'clusters')
    assert.equal(nobody.code, 1)
    assert.match(nobody.said, /token is wrong/)
    const approve = await fetch(`${hub.url}/api/v1/rollouts/any/approve`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.eve}`, 'content-type': 'application/json' },
      body: '{}',
    })
    assert.equal(approve.status, 403)
  })

  it('serves the description of its own API', async () => {
    await using world = await createSurroundings()
    const hub = await world.start()
    const response = await fetch(`${hub.url}/openapi.json`)
    const { openapi, paths } = (await response.json()) as {
      openapi: string
      paths: Record<string, object>
    }
    assert.match(openapi, /^3\.1\./)
    for (const path of ['/api/v1/clusters', '/api/v1/rollouts/{id}/approve']) assert(paths[path])
  })
})
