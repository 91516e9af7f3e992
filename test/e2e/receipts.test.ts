import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { LedgerEntry, KeptReceipt } from '../../hub/ledger/entry.ts'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/* Agents sign what came of what they were given, and anybody can check it from the ledger alone. */

describe('signed receipts', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let ledger: string
  const agents: MemoryAgent[] = []

  const say = (text: string) => surroundings.repository.commit(applicationFiles('web', text))
  const readReceipts = async (): Promise<KeptReceipt[]> => {
    const lines = (await readFile(ledger, 'utf8')).split('\n').filter(Boolean)
    return lines
      .map((line) => (JSON.parse(line) as LedgerEntry).decision)
      .flatMap((decision) => (decision.type === 'receipts.kept' ? decision.receipts : []))
  }
  const count = (wanted: number) =>
    until(
      async () => {
        const found = await readReceipts()
        return found.length >= wanted && found
      },
      { deadlineMs: 20_000, intervalMs: 100, what: `${wanted} receipts` },
    )
  const verify = (file: string) => runSwell(hub, 'audit', 'verify', file)

  before(async () => {
    surroundings = await createSurroundings()
    await surroundings.repository.commit({ ...clusterFiles, ...strategyFile('0s') })
    hub = await surroundings.start({ args: ['--enrol-rate', '100'] })
    ledger = join(surroundings.directory, 'hub', 'ledger', 'ledger.jsonl')
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) agents.push(await startMemoryAgent(hub, name))
    const commit = await say('one')
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
  })

  after(async () => {
    for (const agent of agents) await agent[Symbol.asyncDispose]()
    await surroundings?.[Symbol.asyncDispose]()
  })

  test('one of each cluster for each content, with what came of each object beside it', async () => {
    const kept = await count(3)
    assert.deepEqual(kept.map(({ cluster }) => cluster).sort(), ['a', 'b', 'c'])
    const directory = join(surroundings.directory, 'hub', 'receipts')
    // The same on all of them is one file.
    assert.ok((await readdir(directory)).length >= 1)
    for (const { results } of kept) {
      const file = join(directory, `${results.slice('sha256:'.length)}.json.gz`)
      const bytes = gunzipSync(await readFile(file))
      assert.equal(digestOf(bytes), results)
      const objects = JSON.parse(bytes.toString()) as { object: string; resourceVersion: string }[]
      assert.ok(objects.some(({ object }) => object === '/ConfigMap/web/settings'))
      assert.ok(objects.every(({ resourceVersion }) => resourceVersion !== ''))
    }
    const commit = await say('two')
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    assert.equal((await count(6)).length, 6)
  })

  test('the API tells them newest first, page by page, with what came of each object', async () => {
    const first = await runSwell(hub, 'get', 'receipts', 'a', '-o', 'json')
    const { items } = JSON.parse(first.out) as {
      items: { id: string; generation: number; objects: number; envelope: string }[]
    }
    assert.deepEqual(
      items.map(({ generation }) => generation),
      items.map(({ generation }) => generation).sort((a, b) => b - a),
    )
    assert.equal(items.length, 2)
    const inLedger = new Set((await readReceipts()).map(({ receipt }) => receipt))
    assert.ok(items.every(({ envelope }) => inLedger.has(envelope)))
    const one = await runSwell(hub, 'audit', 'receipt', 'a', items[1]!.id)
    assert.match(one.out, /^web on a: applied, \d+ objects, generation \d+/)
    assert.match(one.out, /^\/ConfigMap\/web\/settings {2}applied {2}\d+$/m)
    const other = await runSwell(hub, 'audit', 'receipt', 'b', items[1]!.id)
    assert.notEqual(other.out, one.out)
  })

  test('swell trace goes from an object to its author, as Git has it, and to the receipt that its agent signed', async () => {
    const { code, out } = await runSwell(hub, 'trace', 'a', 'ConfigMap/web/settings')
    assert.equal(code, 0)
    const field = (name: string): string => new RegExp(`^${name}: +(.*)$`, 'm').exec(out)?.[1] ?? ''
    const { items } = await hub.api.get<{
      items: { id: string; content: string; sequence: number; at: string }[]
    }>('clusters/a/receipts')
    const newest = items[0]!
    const commit = await surroundings.repository.git('log', '-1', '--format=%H|%an <%ae>|%s')
    const [revision, author, subject] = commit.trim().split('|')
    assert.equal(field('Object'), 'ConfigMap web/settings (v1)')
    assert.equal(field('Application'), 'web')
    assert.equal(field('Commit'), `main@sha1:${revision}`)
    assert.equal(field('Author'), author)
    assert.equal(field('Message'), subject)
    assert.match(field('Rollout'), /^\S+ Succeeded, made /)
    assert.equal(field('Content'), newest.content)
    assert.equal(
      field('Receipt'),
      `${newest.id}: applied by snapshot ${newest.sequence}, signed ${newest.at}`,
    )
    const { items: results } = await hub.api.get<{
      items: { object: string; result: string; resourceVersion: string }[]
    }>(`clusters/a/receipts/${newest.id}`)
    const own = results.find(({ object }) => object === '/ConfigMap/web/settings')!
    assert.ok(out.includes(`this object: applied, resource version ${own.resourceVersion}`), out)
  })

  test('the API tells objects by the page, and no image where none is named', async () => {
    const objects = await runSwell(hub, 'get', 'objects', 'web', '--cluster', 'a')
    assert.match(objects.out, /^ConfigMap web\/settings +Current/m)
    const images = await runSwell(hub, 'get', 'images', 'web', '-o', 'json')
    assert.deepEqual(JSON.parse(images.out), { items: [] })
  })

  test('anybody can check the chain and each receipt, and finds what was changed', async () => {
    const { code, out, said } = await verify(ledger)
    assert.equal(code, 0, out)
    assert.match(said, /6 receipts, ends with sha256:/)
    const text = await readFile(ledger, 'utf8')
    const forged = join(surroundings.directory, 'forged.jsonl')
    await writeFile(forged, text.replace('"cluster":"b"', '"cluster":"c"'))
    const found = await verify(forged)
    assert.equal(found.code, 1)
    assert.match(found.out, /line \d+: /)
    const log = await runSwell(hub, 'audit', 'log', ledger)
    assert.match(log.out, /receipts\.kept {2}hub {2}fleet\/fleet {2}\d receipts of \d clusters/)
  })

  test('an agent that starts again has nothing new to say', async () => {
    const before = (await readReceipts()).length
    await agents[0]!.stop()
    await agents[0]!.start()
    const commit = await say('three')
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    assert.equal((await count(before + 3)).length, before + 3)
  })
})
