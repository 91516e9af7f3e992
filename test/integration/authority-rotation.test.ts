import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createSurroundings } from '../support/hub-surroundings.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createIdentityWorld } from '../support/identity-world.ts'
import { runSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const uids = [1, 2, 3].map((n) => `6f0f2c26-0000-4000-8000-00000000000${n}`)
const soon = (what: string) => ({ deadlineMs: 20_000, what })
/** Certificates in a PEM text. */
const countOf = (pem: string): number => pem.split('BEGIN CERTIFICATE').length - 1

describe('F57: the certificate authority of a hub is replaced', () => {
  it('F57: agents that are there, or look in meanwhile, stay; one that slept through all of it has to join again', async () => {
    // The next one is due at 28 s: what a busy machine takes to get here must not be longer than what is left.
    await using hub = await createIdentityWorld(2_000, { lifeMs: 40_000, ageMs: 24_000 })
    assert.equal(hub.authority.list().length, 1, 'it took too long to begin')
    const first = hub.authority.pin
    const [alpha, beta, gamma] = [
      await hub.join('alpha', {}, uids[0]),
      await hub.join('beta', {}, uids[1]),
      await hub.join('gamma', {}, uids[2]),
    ]
    const start = (
      { enrolled, stored }: typeof alpha,
      from = stored,
    ): ReturnType<typeof hub.startAgent> & { stop(): Promise<void> } => {
      const quit = new AbortController()
      const agent = hub.startAgent(enrolled, from, quit.signal)
      const stop = async () => {
        quit.abort()
        await agent.done
      }
      return { ...agent, stop }
    }
    const awake = start(alpha)
    const sometimes = start(gamma)
    /** Its turn comes after what it is by the clock was seen: what follows from that is served, too. */
    const turnUntil = (is: () => boolean, what: string) =>
      until(async () => {
        const seen = is()
        await hub.turn()
        return seen
      }, soon(what))
    const told = (agent: typeof awake): boolean => countOf(agent.newest().endpoint.hubCa) === 2

    // 1. The next one is made known, and signs nothing yet.
    await turnUntil(() => hub.authority.list().length === 2, 'the next authority')
    assert.equal(hub.authority.pin, first)
    await until(() => told(awake) && told(sometimes), soon('agents to be told'))
    assert.equal(hub.authority.pin, first, 'they were told before it signed anything')
    await sometimes.stop()

    // 2. It takes over, while the old one is still trusted.
    await turnUntil(() => hub.authority.pin !== first, 'the next authority to issue')
    const second = hub.authority.pin
    assert.deepEqual(
      hub.authority.list().map(({ pin }) => pin),
      [second, first],
    )
    const issuer = (agent: typeof awake): string =>
      new X509Certificate(agent.newest().endpoint.certificateChain).issuer
    await until(() => issuer(awake) === 'CN=groundswell test 2', soon('a certificate by it'))

    // 3. One that slept since the beginning believes none of it, and says what to do.
    const asleep = start(beta)
    const words = /no certificate that is trusted here.*swell cluster token NAME --replace/
    await until(() => {
      if (asleep.said.some((line) => words.test(line))) return true
      throw new Error(`it says ${asleep.said.slice(-3).join('; ')}`)
    }, soon('what to do'))
    await asleep.stop()
    assert(asleep.kept.every(({ endpoint }) => countOf(endpoint.hubCa) === 1))
    assert.equal(
      hub.connected.some(({ cluster }) => cluster === 'beta'),
      false,
    )
    const again = await hub.join('beta', { replace: true }, uids[1])
    const rejoined = start(again)
    await until(() => hub.connected.some(({ cluster }) => cluster === 'beta'), soon('beta'))

    // 4. One that was told and slept since comes back by its bound key, without hands.
    const before = hub.connected.length
    const returned = start(gamma, sometimes.newest())
    await until(
      () => hub.connected.slice(before).some(({ cluster }) => cluster === 'gamma'),
      soon('gamma to be back'),
    )

    // 5. The old one ends, and nobody notices.
    await turnUntil(() => hub.authority.list().length === 1, 'the old authority to end')
    const ended = hub.connected.length
    await until(
      () => new Set(hub.connected.slice(ended).map(({ cluster }) => cluster)).size === 3,
      soon('all to renew'),
    )
    for (const agent of [awake, rejoined, returned]) {
      await until(() => countOf(agent.newest().endpoint.hubCa) === 1, soon('one to be left'))
      await agent.stop()
    }
    assert.equal(hub.authority.pin, second)
    assert.deepEqual(
      hub.decisions.map((decision) => decision.type).sort(),
      // Gamma's certificate ended while it slept.
      [...Array.from({ length: 4 }, () => 'cluster.enrolled'), 'cluster.recovered'],
    )
    assert.equal(hub.membership.locked.size, 0)
  })
})

it('F57: a hub does so by itself, on both listeners, and `swell` shows it', async (t) => {
  await using world = await createSurroundings()
  const age = () => Date.now() - 55_000
  await loadAuthority(`${world.directory}/hub/ca`, 'groundswell', age, 2_000, 80_000)
  const hub = await world.start({ args: ['--certificate-life', '2s', '--ca-life', '80s'] })
  const shown = async (): Promise<string> =>
    (await runSwell(hub, 'cluster', 'authorities')).out.replace(/sha256:.*/g, '')
  // On a slow machine it may issue by the time that it is looked at.
  await until(
    async () =>
      /^STATE +FROM +UNTIL +LEFT +PIN\nIssuing .*\n(Announced|Retiring) /.test(await shown()),
    soon('two to be trusted'),
  )
  t.diagnostic((await runSwell(hub, 'cluster', 'authorities')).out)
  const ports = Object.values(await readAddresses(hub)).map((address) => address.split(':')[1])
  for (const port of ports) {
    await until(
      async () => (await issuerAt(Number(port))) === 'groundswell groundswell 2',
      soon(`a certificate by the next one on port ${port}`),
    )
  }
})

/** Of the two listeners for agents, as the hub's log has them. */
async function readAddresses(hub: HubProcess): Promise<Record<'enrol' | 'data', string>> {
  const line = await until(
    () => /\{[^\n]*"msg":"ready"[^\n]*\}/.exec(hub.process().readLog()),
    soon('a log'),
  )
  const { enrol, data } = JSON.parse(line[0]) as Record<'enrol' | 'data', string>
  return { enrol, data }
}

/** Common name of whoever signed the certificate that is shown there. */
async function issuerAt(port: number): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const { issuer } = socket.getPeerCertificate()
  socket.destroy()
  return String(issuer.CN)
}

describe('authorities in a directory', () => {
  const day = 24 * 3_600_000
  const life = 100 * day

  it('hubs that share it agree at every moment, however often they start', async () => {
    await using directory = await createTempDir('authorities')
    let now = Date.parse('2026-01-01T00:00:00Z')
    const open = () => loadAuthority(directory.path, 'test', () => now, day, life)
    const hubs = await Promise.all([open(), open(), open()])
    const roles: string[] = []
    for (let days = 0; days < 320; days += 4) {
      now += 4 * day
      const seen = []
      for (const hub of [...hubs, await open()]) {
        await hub.turn()
        seen.push(
          hub
            .list()
            .map(({ number }) => number)
            .join(),
        )
      }
      assert.equal(new Set(seen).size, 1, `day ${days}: ${seen.join(' | ')}`)
      if (roles.at(-1) !== seen[0]) roles.push(seen[0]!)
    }
    assert.equal(hubs[0].origin, (await open()).origin, 'replicas know each other by it')
    assert.notEqual(hubs[0].origin, hubs[0].pin)
    assert.deepEqual(roles.slice(0, 7), ['1', '1,2', '2,1', '2', '2,3', '3,2', '3'])
    const modes = await Promise.all(
      (await readdir(directory.path)).map(async (name) => [
        name,
        ((await stat(`${directory.path}/${name}`)).mode & 0o777).toString(8),
      ]),
    )
    for (const [name, mode] of modes)
      assert.equal(mode, name!.endsWith('.key') ? '600' : '644', name)
    assert(
      modes.every(([name]) => /^ca(-\d)?\.(key|pem)$/.test(name!)),
      'and nothing is left over',
    )
  })

  it('an authority is made once by hubs that find it due at the same moment', async () => {
    await using directory = await createTempDir('authorities')
    let now = Date.now()
    const open = () => loadAuthority(directory.path, 'test', () => now, day, life)
    const hubs = await Promise.all(Array.from({ length: 6 }, open))
    assert.equal(new Set(hubs.map(({ pin }) => pin)).size, 1)
    now += 75 * day
    await Promise.all(hubs.map((hub) => hub.turn()))
    for (const hub of hubs) await hub.turn()
    assert.equal(new Set(hubs.map((hub) => hub.certificate)).size, 1)
    assert.equal(countOf(hubs[0]!.certificate), 2)
  })
})
