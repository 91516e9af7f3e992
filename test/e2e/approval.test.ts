import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Approval } from '@groundswell/proto/statement.ts'
import { readKey } from '../../hub/bundle/root-draft.ts'
import { signStatement } from '../../hub/bundle/sign.ts'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { makeSigningKey } from '../support/signing-key.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/* The second key: content for some clusters runs only when an approver, whom no hub is, said so. */

const soon = { deadlineMs: 30_000, intervalMs: 50 }
interface View {
  readonly refusal: { readonly code: string; readonly message: string } | null
}

describe('content that a root statement guards', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let files: string
  const agents: MemoryAgent[] = []
  const at = (name: string) => join(files, name)
  const guarded = () => agents.find(({ name }) => name === 'a')!
  const nobody = { url: 'http://127.0.0.1:1', token: async () => 'none' }
  const tryTrust = (...words: string[]) => runSwell(hub ?? nobody, 'trust', ...words)

  async function trust(...words: string[]): Promise<string> {
    const { code, out, said } = await tryTrust(...words)
    assert.equal(code, 0, `swell trust ${words.join(' ')}: ${said}`)
    return out
  }

  const textOf = ({ cluster }: MemoryAgent) =>
    (cluster.read('/ConfigMap/web/settings') as { data?: { text: string } } | undefined)?.data?.text
  const texts = () => agents.map(textOf)
  const say = (text: string) => surroundings.repository.commit(applicationFiles('web', text))

  /** Waits for the guarded cluster's refusal; gives back the content it wants approved. */
  async function refusedFor(code: string): Promise<Digest> {
    const message = await until(
      async () => {
        const { refusal } = await hub.api.get<View>('clusters/a')
        return refusal?.code === code && refusal.message
      },
      { ...soon, what: `a refusal by ${code}` },
    )
    return /sha256:[0-9a-f]{64}/.exec(message)![0] as Digest
  }

  async function approve(name: string, content: string, clusters: string): Promise<void> {
    await trust(
      ...[
        'sign',
        'approval',
        '--fleet',
        'groundswell',
        '--application',
        'web',
        '--digest',
        content,
      ],
      ...['--clusters', clusters, '--key', at('approver.jwk'), '--out', at(name)],
    )
  }

  before(async () => {
    surroundings = await createSurroundings()
    files = join(surroundings.directory, 'trust')
    const keys = join(surroundings.directory, 'hub', 'keys')
    await mkdir(files)
    await mkdir(keys, { recursive: true, mode: 0o700 })
    await trust('init', '--fleet', 'groundswell', files)
    for (const name of ['root.json', 'snapshot.jwk', 'freshness.jwk']) {
      await copyFile(at(name), join(keys, name))
    }
    await surroundings.repository.commit({ ...clusterFiles, ...strategyFile('0s') })
    hub = await surroundings.start({ args: ['--enrol-rate', '100'] })
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) agents.push(await startMemoryAgent(hub, name))
    const commit = await say('one')
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    await trust(
      ...['rotate', '--root', at('root.json'), '--key', at('root-1.jwk'), '--role', 'approver'],
      ...['--new-key', at('approver.jwk'), '--require-approval', 'edge=a', '--out', at('v2.json')],
    )
    await trust('publish', at('v2.json'))
  })

  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    await surroundings[Symbol.asyncDispose]()
  })

  let content: Digest
  let commit: string

  test('T15: is refused without an approval, by code, and the rollout waits for one', async () => {
    commit = await say('two')
    content = await refusedFor('approval_missing')
    assert.deepEqual(texts(), ['one', 'one', 'one'])
    assert.equal((await newestRollout(hub.api, 'web'))?.phase, 'Progressing')
    const described = await runSwell(hub, 'describe', 'cluster', 'a')
    assert.match(described.out, new RegExp(`Refusal: +approval_missing: web: 0 of 1 .* ${content}`))
  })

  test('T15: no approval helps that is of other content, for another cluster, by a stranger or too old', async () => {
    await approve('other', digestOf('other'), 'a')
    await approve('elsewhere', content, 'b')
    for (const name of ['other', 'elsewhere']) await trust('publish', at(name))

    const now = Math.floor(Date.now() / 1000)
    const right: Approval = {
      ...{ v: 1, fleet: 'groundswell', application: 'web', content, clusters: ['a'] },
      ...{ issuedAt: now - 120, expiresAt: now + 3600 },
    }
    const approver = await readKey(await readFile(at('approver.jwk'), 'utf8'), 'approver')
    const snapshotKey = await readKey(await readFile(at('snapshot.jwk'), 'utf8'), 'snapshot')
    const sign = async (change: Partial<Approval>, key = approver) =>
      (await signStatement('approval', { ...right, ...change }, [key])).envelope
    const wrong: Record<string, Uint8Array> = {
      'one that has expired': await sign({ expiresAt: now - 60 }),
      'by a stranger': await sign({}, await makeSigningKey()),
      'by the key of snapshots': await sign({}, snapshotKey),
      'of another fleet': await sign({ fleet: 'other' }),
    }
    for (const [name, envelope] of Object.entries(wrong)) {
      const body = { envelope: Buffer.from(envelope).toString('base64') }
      await assert.rejects(hub.api.post('trust/approvals', body), /approval_refused/, name)
    }
    // A hub that was taken hands them to the agent all the same.
    wrong['for another cluster'] = await sign({ clusters: ['b', 'c'] })
    wrong['for another application'] = await sign({ application: 'shop' })
    wrong['of other content'] = await sign({ content: digestOf('other') })
    for (const [name, envelope] of Object.entries(wrong)) {
      const verdict = await guarded().offerForged(guarded().lastOffer()!, [envelope])
      assert.equal(verdict.accepted, false, name)
      assert.match(verdict.code, /^approval_(missing|invalid)$/, name)
    }
    assert.equal(
      await refusedFor('approval_missing').catch(() => refusedFor('approval_invalid')),
      content,
    )
    assert.deepEqual(texts(), ['one', 'one', 'one'])
  })

  test('T15: runs everywhere once it is approved, and content that runs needs no approval again', async () => {
    await approve('right', content, 'a')
    assert.match(await trust('publish', at('right')), /application\/web approved for a/)
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    assert.deepEqual(texts(), ['two', 'two', 'two'])
    await guarded().stop()
    await guarded().start()
    await until(async () => (await hub.api.get<View>('clusters/a')).refusal === null, {
      ...soon,
      what: 'no refusal after a restart',
    })
    await say('three')
    assert.notEqual(await refusedFor('approval_missing'), content)
    assert.deepEqual(texts(), ['two', 'two', 'two'])
  })
})
