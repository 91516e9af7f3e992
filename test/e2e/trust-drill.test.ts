import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Snapshot } from '@groundswell/proto/statement.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { verifyRoot } from '../../agent/trust/verify.ts'
import { readKey } from '../../hub/bundle/root-draft.ts'
import { type SigningKey, signStatement } from '../../hub/bundle/sign.ts'
import { formatLine } from '../../hub/ledger/chain.ts'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/*
 * The drill: a real hub, `swell trust` as people type it, agents of real code. Three rotations and
 * a compromise, with one agent asleep through all four.
 */

const names = Array.from({ length: 21 }, (_, at) => `c${at + 1}`)
const soon = { deadlineMs: 30_000, intervalMs: 50 }

const declared = names
  .map(
    (name) =>
      `apiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}}\nspec: {}\n`,
  )
  .join('---\n')

describe('a trust drill', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let files: string
  let keys: string
  const agents: MemoryAgent[] = []
  let sleeper: MemoryAgent
  const at = (name: string) => join(files, name)
  const nobody = { url: 'http://127.0.0.1:1', token: async () => 'none' }

  async function swell(...words: string[]): Promise<string> {
    const { code, out, said } = await runSwell(hub ?? nobody, ...words)
    assert.equal(code, 0, `swell ${words.join(' ')}: ${said}`)
    return out
  }

  const trust = (...words: string[]) => swell('trust', ...words)

  /** Ids of a role's keys, in the order of a root statement. */
  async function keysOf(role: string, root: string): Promise<string[]> {
    const lines = (await trust('show', '--root', at(root))).split('\n')
    const from = lines.findIndex((line) => line.startsWith(role)) + 1
    const rest = lines.slice(from)
    return rest
      .slice(
        0,
        rest.findIndex((line) => !line.startsWith(' ')),
      )
      .map((id) => id.trim())
  }

  const rootOf = async (agent: MemoryAgent) => verifyRoot((await agent.trust.load()).root)
  const keyIn = async (name: string): Promise<SigningKey> =>
    readKey(await readFile(at(name), 'utf8'), name)

  async function reach(version: number): Promise<void> {
    await until(
      async () => {
        const versions = await Promise.all(
          agents.map(async (agent) => (await rootOf(agent)).version),
        )
        return versions.every((found) => found === version)
      },
      { ...soon, what: `every agent to have root version ${version}` },
    )
  }

  /** What an agent runs, as a snapshot once more, changed and signed by whoever. */
  async function forge(agent: MemoryAgent, key: SigningKey, change: Partial<Snapshot>) {
    const { envelope } = await agent.trust.load()
    const { payload } = JSON.parse(Buffer.from(envelope!).toString()) as { payload: string }
    const snapshot = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Snapshot
    return (await signStatement('snapshot', { ...snapshot, ...change }, [key])).envelope
  }

  async function say(text: string): Promise<void> {
    await surroundings.repository.commit(applicationFiles('web', text))
    await until(
      async () => {
        const view = await hub.api.get<{ counts: { updated: number }; revision: string | null }>(
          'applications/web',
        )
        const texts = agents.map(({ cluster }) =>
          JSON.stringify(cluster.read('/ConfigMap/web/settings') ?? ''),
        )
        return view.counts.updated === agents.length && texts.every((found) => found.includes(text))
      },
      { ...soon, what: `every agent to run ${text}` },
    )
  }

  before(async () => {
    surroundings = await createSurroundings()
    files = join(surroundings.directory, 'trust')
    keys = join(surroundings.directory, 'hub', 'keys')
    await mkdir(files)
    await mkdir(keys, { recursive: true, mode: 0o700 })
    await surroundings.repository.commit({
      'fleet/clusters.yaml': declared,
      'fleet/strategy.yaml': strategyFile('0s')['fleet/strategy.yaml']!.replaceAll(
        /waves:[^]*/g,
        'waves: [{name: all, selector: {}}]\n',
      ),
    })
    await trust(
      ...['init', '--fleet', 'groundswell', '--root-keys', '3', '--threshold', '2', files],
    )
    for (const name of ['root.json', 'snapshot.jwk', 'freshness.jwk']) {
      await copyFile(at(name), join(keys, name))
    }
    hub = await surroundings.start({ args: ['--enrol-rate', '500'] })
    await untilReady(hub)
    const started = names.map(async (name) => void agents.push(await startMemoryAgent(hub, name)))
    await Promise.all(started)
    await say('one')
    sleeper = agents.pop()!
    await sleeper.stop()
  })

  after(async () => {
    await Promise.all([...agents, ...(sleeper ? [sleeper] : [])].map((agent) => agent.stop()))
    await surroundings[Symbol.asyncDispose]()
  })

  const two = ['--key', '1', '--key', '2']
  const by = (words: string[]) =>
    words.map((word) => (/^\d$/.test(word) ? at(`root-${word}.jwk`) : word))

  test('T15: three rotations are followed at once by all that are awake', async () => {
    const [snapshot] = await keysOf('snapshot', 'root.json')
    await trust(
      ...[
        'rotate',
        '--root',
        at('root.json'),
        ...by(two),
        '--drop',
        snapshot!,
        '--role',
        'snapshot',
      ],
      ...['--new-key', at('snapshot-2.jwk'), '--out', at('v2.json')],
    )
    await copyFile(at('snapshot-2.jwk'), join(keys, 'snapshot-2.jwk'))
    await trust('publish', at('v2.json'))
    await reach(2)

    // One of three root keys goes to another person, who signs the draft elsewhere.
    const [, , third] = await keysOf('root', 'v2.json')
    await trust(
      ...['rotate', '--root', at('v2.json'), '--key', at('root-1.jwk'), '--drop', third!],
      ...['--role', 'root', '--new-key', at('root-4.jwk'), '--out', at('draft')],
    )
    const early = await runSwell(hub, 'trust', 'publish', at('draft'))
    assert.match(early.said, /1 of the 2 signatures needed are by root keys of version 2/)
    await trust('sign', 'root', at('draft'), '--key', at('root-2.jwk'), '--out', at('v3.json'))
    await trust('publish', at('v3.json'))
    await reach(3)

    const [freshness] = await keysOf('freshness', 'v3.json')
    await trust(
      ...['rotate', '--root', at('v3.json'), '--key', at('root-4.jwk'), '--key', at('root-2.jwk')],
      ...['--drop', freshness!, '--role', 'freshness', '--new-key', at('freshness-2.jwk')],
      ...['--out', at('v4.json')],
    )
    await copyFile(at('freshness-2.jwk'), join(keys, 'freshness-2.jwk'))
    await trust('publish', at('v4.json'))
    await reach(4)
    await say('two')
  })

  test('T3: two snapshots under one sequence are refused, and shown with their proof', async () => {
    const agent = agents[0]!
    const { sequence, epoch } = await agent.trust.load()
    const key = await keyIn('snapshot-2.jwk')
    const verdict = await agent.offerForged(await forge(agent, key, { previous: digestOf('x') }))
    assert.deepEqual([verdict.accepted, verdict.code], [false, 'equivocation'])
    const shown = await until(
      async () => {
        const text = await swell('describe', 'cluster', agent.name)
        return /Equivocation/.test(text) && text
      },
      { ...soon, what: 'the equivocation to be shown' },
    )
    assert.match(shown, new RegExp(`epoch ${epoch}, sequence ${sequence}: sha256:`))
    const [file] = await readdir(join(hub.data, 'evidence'))
    assert.match(file ?? '', new RegExp(`^${agent.name}-${epoch}-${sequence}-`))
  })

  test('T15: a stolen key signs nothing that anybody takes within a minute of its revocation', async (t) => {
    const stolen = await keyIn('snapshot-2.jwk')
    const forged = async (agent: MemoryAgent) => {
      const { epoch, sequence } = await agent.trust.load()
      return forge(agent, stolen, { epoch, sequence: sequence + 1 })
    }
    const before = await agents[1]!.offerForged(await forged(agents[1]!))
    assert.equal(before.accepted, true, 'this is what a stolen key can do')
    const [online] = await keysOf('snapshot', 'v4.json')
    await trust(
      ...['revoke', '--root', at('v4.json'), '--key', at('root-1.jwk'), '--key', at('root-4.jwk')],
      ...['--drop', online!, '--role', 'snapshot', '--new-key', at('snapshot-3.jwk')],
      ...['--out', at('v5.json')],
    )
    await copyFile(at('snapshot-3.jwk'), join(keys, 'snapshot-3.jwk'))
    const start = performance.now()
    const publishing = trust('publish', at('v5.json'))
    /** When each agent refused it first; from then on it must refuse for ever. */
    const times = await Promise.all(
      agents.map((agent) =>
        until(
          async () => {
            const { code } = await agent.offerForged(await forged(agent))
            return code === 'threshold_not_met' && performance.now() - start
          },
          { deadlineMs: 60_000, intervalMs: 100, what: `${agent.name} to refuse the stolen key` },
        ),
      ),
    )
    await publishing
    const last = Math.max(...times.map(Number))
    t.diagnostic(
      `${agents.length} agents refuse the stolen key ${(last / 1000).toFixed(2)} s after \`swell trust publish\` was started`,
    )
    assert.ok(last <= 60_000)
    await reach(5)
    for (const agent of agents) {
      const { sequence } = await agent.trust.load()
      for (const change of [
        { sequence: sequence + 9 },
        { sequence: 2 ** 40 },
        { epoch: 2 },
        { epoch: 1 },
      ]) {
        const verdict = await agent.offerForged(await forge(agent, stolen, change))
        assert.deepEqual([verdict.accepted, verdict.code], [false, 'threshold_not_met'])
      }
    }
    await say('three')
    for (const agent of agents) assert.equal((await agent.trust.load()).epoch, 2)
  })

  test('T15: an agent that slept through all four follows the chain and runs the newest', async () => {
    assert.equal((await rootOf(sleeper)).version, 1)
    await sleeper.start()
    agents.push(sleeper)
    await reach(5)
    await say('four')
    const state = await sleeper.trust.load()
    assert.deepEqual([state.epoch, state.envelopeRoot], [2, undefined])
    for (const name of ['snapshot.jwk', 'snapshot-2.jwk']) {
      const envelope = await forge(sleeper, await keyIn(name), { sequence: state.sequence + 1 })
      assert.equal((await sleeper.offerForged(envelope)).code, 'threshold_not_met')
    }
  })

  test('T14: with a threshold of two the signer signs by two keys, and one alone is worth nothing', async () => {
    await trust(
      ...['rotate', '--root', at('v5.json'), '--key', at('root-1.jwk'), '--key', at('root-2.jwk')],
      ...['--role', 'snapshot', '--new-key', at('snapshot-4.jwk'), '--threshold', '2'],
      ...['--out', at('v6.json')],
    )
    const early = await runSwell(hub, 'trust', 'publish', at('v6.json'))
    assert.match(early.said, /names snapshot keys of which 1 of 2 needed are in the signer's keys/)
    await copyFile(at('snapshot-4.jwk'), join(keys, 'snapshot-4.jwk'))
    await trust('publish', at('v6.json'))
    await reach(6)
    await say('by two keys')
    const pair = await Promise.all(['snapshot-3.jwk', 'snapshot-4.jwk'].map(keyIn))
    for (const agent of agents) {
      const { envelope, sequence } = await agent.trust.load()
      const { signatures } = JSON.parse(Buffer.from(envelope!).toString()) as { signatures: [] }
      assert.equal(signatures.length, 2)
      for (const key of pair) {
        const alone = await forge(agent, key, { sequence: sequence + 1 })
        assert.equal((await agent.offerForged(alone)).code, 'threshold_not_met')
      }
    }
  })

  test('T38: a ledger that was written anew is shown at every cluster, and nothing stops', async () => {
    const heads = await Promise.all(agents.map(async ({ trust }) => (await trust.load()).auditHead))
    assert.ok(
      heads.every((head) => head && head.index > 0),
      'every agent is a witness',
    )
    await hub.stop()
    const path = join(hub.data, 'ledger', 'ledger.jsonl')
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    let previous = digestOf('')
    const anew = lines.map((line, index) => {
      const entry = JSON.parse(line) as LedgerEntry
      const actor = index === 0 ? 'somebody else' : entry.actor
      const text = formatLine({ ...entry, previous, actor })
      previous = digestOf(text)
      return `${text}\n`
    })
    await writeFile(path, anew.join(''))
    await hub.start()
    await until(
      async () => {
        const views = await Promise.all(
          agents.map(({ name }) =>
            hub.api.get<{ auditFault: { code: string } | null }>(`clusters/${name}`),
          ),
        )
        return views.every(({ auditFault }) => auditFault?.code === 'audit_forked')
      },
      { ...soon, what: 'every cluster to show the fork' },
    )
    assert.match(await swell('describe', 'cluster', names[3]!), /Ledger: +audit_forked: line \d+/)
    await say('five')
  })
})
