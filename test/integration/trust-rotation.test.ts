import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { runSwell } from '../support/swell.ts'

describe('swell trust, on files and against a hub', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let files: string
  let keys: string
  const nobody = { url: 'http://127.0.0.1:1', token: async () => 'none' }
  const at = (name: string) => join(files, name)

  async function swell(...words: string[]): Promise<string> {
    const { code, out, said } = await runSwell(hub ?? nobody, 'trust', ...words)
    assert.equal(code, 0, said)
    return out
  }

  async function refused(words: string[], what: RegExp): Promise<void> {
    const { code, said } = await runSwell(hub ?? nobody, 'trust', ...words)
    assert.notEqual(code, 0)
    assert.match(said, what)
  }

  const keyOf = async (role: string, root: string): Promise<string> => {
    const lines = (await swell('show', '--root', root)).split('\n')
    return lines[lines.findIndex((line) => line.startsWith(role)) + 1]!.trim()
  }

  before(async () => {
    surroundings = await createSurroundings()
    files = join(surroundings.directory, 'trust')
    keys = join(surroundings.directory, 'hub', 'keys')
    await mkdir(files)
    await mkdir(keys, { recursive: true, mode: 0o700 })
  })

  after(() => surroundings[Symbol.asyncDispose]())

  test('a fleet starts with a root statement whose two of three root keys the hub never has', async () => {
    const init = ['init', '--fleet', 'groundswell', '--root-keys', '3', '--threshold', '2', files]
    await swell(...init)
    for (const name of ['root.json', 'snapshot.jwk', 'freshness.jwk']) {
      await copyFile(at(name), join(keys, name))
    }
    hub = await surroundings.start()
    await untilReady(hub)
    assert.match(await swell('show'), /version {3}1\nepoch {5}1\n[^]*root {6}2 of 3\n/)
    await refused(init, /cannot write/)
  })

  test('T15: an online key is rotated by two root keys, once the signer holds the new one', async () => {
    const drop = await keyOf('snapshot', at('root.json'))
    await swell(
      ...['rotate', '--root', at('root.json'), '--key', at('root-1.jwk'), '--drop', drop],
      ...['--role', 'snapshot', '--new-key', at('snapshot-b.jwk'), '--out', at('draft')],
    )
    await refused(['publish', at('draft')], /1 of the 2 signatures needed/)
    await swell('sign', 'root', at('draft'), '--key', at('root-3.jwk'), '--out', at('root-2.json'))
    await refused(['publish', at('root-2.json')], /put the key file there first/)
    await copyFile(at('snapshot-b.jwk'), join(keys, 'snapshot-b.jwk'))
    assert.equal(await swell('publish', at('root-2.json')), 'root version 2, epoch 1\n')
    assert.equal(await swell('publish', at('root-2.json')), 'root version 2, epoch 1\n')
    assert.equal(
      (await readFile(join(keys, 'root-2.json'))).equals(await readFile(at('root-2.json'))),
      true,
    )
  })

  test('T15: a compromise begins a new epoch; restarts keep it; an old or foreign root is refused', async () => {
    const drop = await keyOf('snapshot', at('root-2.json'))
    await swell(
      ...[
        'revoke',
        '--root',
        at('root-2.json'),
        '--key',
        at('root-1.jwk'),
        '--key',
        at('root-2.jwk'),
      ],
      ...['--drop', drop, '--role', 'snapshot', '--new-key', at('snapshot-c.jwk')],
      ...['--out', at('root-3.json')],
    )
    await copyFile(at('snapshot-c.jwk'), join(keys, 'snapshot-c.jwk'))
    assert.equal(await swell('publish', at('root-3.json')), 'root version 3, epoch 2\n')
    await hub.stop()
    await hub.start()
    await untilReady(hub)
    assert.match(await swell('show'), /version {3}3\nepoch {5}2\n/)
    await mkdir(at('other'))
    await swell('init', '--fleet', 'groundswell', at('other'))
    await refused(['publish', at('other/root.json')], /another root statement here/)
    const ledger = await readFile(join(hub.data, 'ledger', 'ledger.jsonl'), 'utf8')
    assert.equal(ledger.split('"root.published"').length - 1, 2)
  })

  test('T15: a signer with keys of before a statement that the ledger has is warned of, and mended by those keys', async () => {
    const later = ['snapshot-c.jwk', 'root-3.json']
    await hub.stop()
    for (const name of later) await rename(join(keys, name), at(`${name}.later`))
    await hub.start()
    await untilReady(hub)
    const readiness = async () => (await (await fetch(`${hub.url}/readyz`)).json()) as object
    assert.deepEqual(await readiness(), { ...(await readiness()), warnings: ['root_behind'] })
    const { said } = await runSwell(hub, 'trust', 'show')
    assert.match(
      said,
      /root_behind: root statement version 3 was published, and the signer has version 2/,
    )
    await copyFile(at('snapshot-c.jwk.later'), join(keys, 'snapshot-c.jwk'))
    assert.equal(await swell('publish', at('root-3.json')), 'root version 3, epoch 2\n')
    assert.deepEqual(await readiness(), { ...(await readiness()), warnings: [] })
  })

  test('an approval is taken in only from an approver that the root names', async () => {
    const approve = (out: string) => [
      ...['sign', 'approval', '--fleet', 'groundswell', '--application', 'shop'],
      ...['--digest', 'removed', '--clusters', 'edge-1', '--key', at('approver.jwk'), '--out', out],
    ]
    await swell(
      ...[
        'rotate',
        '--root',
        at('root-3.json'),
        '--key',
        at('root-1.jwk'),
        '--key',
        at('root-2.jwk'),
      ],
      ...['--role', 'approver', '--new-key', at('approver.jwk'), '--out', at('root-4.json')],
      ...['--require-approval', 'edge=edge-1,edge-2'],
    )
    await swell(...approve(at('approval')))
    await refused(['publish', at('approval')], /none of its signatures is by an approver/)
    await swell('publish', at('root-4.json'))
    assert.equal(await swell('publish', at('approval')), 'application/shop approved for edge-1\n')
  })
  test('T17: a root statement that runs out or fills up is warned of wherever people look', async () => {
    const signed = ['--key', at('root-1.jwk'), '--key', at('root-2.jwk')]
    const next = (version: number, ...words: string[]) =>
      swell(
        ...['rotate', '--root', at(`root-${version - 1}.json`), ...signed, ...words],
        ...['--out', at(`root-${version}.json`)],
      )
    await next(5, '--days', '20')
    await swell('publish', at('root-5.json'))
    const ready = (await (await fetch(`${hub.url}/readyz`)).json()) as object
    assert.deepEqual(ready, { ...ready, ready: true, warnings: ['root_expires_within_30_days'] })
    const { said } = await runSwell(hub, 'trust', 'show')
    assert.match(said, /warning: root_expires_within_30_days: the root statement expires on /)
    const metrics = await fetch(`${hub.url}/metrics`, {
      headers: { authorization: `Bearer ${await hub.token()}` },
    })
    const [, seconds] =
      /groundswell_root_expiry_timestamp_seconds (\d+)/.exec(await metrics.text()) ?? []
    assert.ok(Math.abs(Number(seconds) * 1000 - Date.now() - 20 * 24 * 3600 * 1000) < 120_000)
    // A hub that starts tells once more.
    await hub.stop()
    await hub.start()
    await untilReady(hub)
    const { items } = await hub.api.get<{ items: { type: string; message: string }[] }>('events')
    assert.ok(items.some(({ type }) => type === 'trust.root_expires_within_30_days'))

    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => `cluster-${10_000 + n}`).join(',')
    await refused(
      [
        ...['rotate', '--root', at('root-5.json'), ...signed, '--require-approval'],
        ...[`prod=${many(2_000)}`, '--out', at('too-large.json')],
      ],
      /of 32768: its policies name 2000 clusters; ask for all by \*/,
    )
    await next(6, '--require-approval', `prod=${many(1_200)}`)
    await swell('publish', at('root-6.json'))
    const full = await runSwell(hub, 'trust', 'show')
    assert.match(full.said, /root_large: the root statement takes 8\d % .* name 1200 clusters/)
  })
})
