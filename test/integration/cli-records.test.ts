import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { emptyChain, extendChain } from '../../hub/ledger/chain.ts'
import { describeGap } from '../../hub/status/event.ts'
import { type TestApi, startApi } from '../support/api.ts'
import { skipEvents } from '../support/skip-events.ts'
import { runSwell, spawnSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

let test: TestApi
let hub: { url: string; token: () => Promise<string> }

before(async () => {
  test = await startApi()
  const url = await test.api.listen({ host: '127.0.0.1', port: 0 })
  hub = { url, token: async () => 'admin' }
})
after(() => test.api.close())

describe('swell hold', () => {
  it('lists what is held and releases it, once', async () => {
    const listed = await runSwell(hub, 'hold', 'list')
    assert.match(
      listed.out,
      /^APPLICATION +REVISION +ROLLOUT +AGE +REASON\nshop +main@sha1:a1b2c3d /,
    )
    assert.equal(listed.code, 0)
    const released = await runSwell(hub, 'hold', 'release', 'shop', '--reason', 'it was not it')
    assert.deepEqual([released.code, released.out], [0, ''])
    assert.match(
      released.said,
      /nothing of shop is held any more; `swell rollout start shop` rolls it out again/,
    )
    const again = await runSwell(hub, 'hold', 'release', 'shop')
    assert.equal(again.code, 1)
    assert.match(again.said, /nothing of shop is held/)
    assert.equal((await runSwell(hub, 'hold', 'list', '-o', 'json')).out, '{\n  "items": []\n}\n')
  })
})

describe('swell audit export', () => {
  it('makes a part of the ledger that verify takes, and refuses once altered', async () => {
    await using directory = await createTempDir('audit')
    const file = join(directory.path, 'ledger.jsonl')
    const { lines, head } = extendChain(
      emptyChain,
      1_767_225_600_000,
      'ann',
      ['one', 'two', 'three'].map((reason) => ({
        ...{ type: 'hold.released' as const, application: 'shop', reason },
      })),
    )
    await writeFile(file, `${lines.join('\n')}\n`)
    const made = await runSwell(hub, 'audit', 'export', file, '--from', '2')
    assert.equal(made.code, 0)
    const part = join(directory.path, 'part.jsonl')
    await writeFile(part, made.out)
    const verified = await runSwell(hub, 'audit', 'verify', part, '--head', head.digest)
    assert.deepEqual([verified.code, verified.out], [0, ''])
    assert.match(verified.said, /^entries 2 to 3 follow each other/)
    await writeFile(part, made.out.replace('three', 'thr33'))
    const altered = await runSwell(hub, 'audit', 'verify', part)
    assert.equal(altered.code, 1)
    const table = await runSwell(hub, 'audit', 'export', file, '-o', 'csv', '--to', '1')
    assert.match(
      table.out,
      /\r\n1,2026-01-01T00:00:00\.000Z,ann,hold\.released,application\/shop,one,/,
    )
    assert.equal((await runSwell(hub, 'audit', 'export', file, '--from', 'x')).code, 2)
  })
})

describe('swell rollout plan', () => {
  it('shows what changes where, what policies say and how long it may take', async () => {
    const { out, code } = await runSwell(hub, 'rollout', 'plan', 'shop')
    assert.equal(code, 0)
    const shown = out.slice(out.indexOf('CHANGES'))
    assert.equal(
      shown,
      [
        'CHANGES: 1 changed',
        '  Deployment shop/web: changed, same change on 2 clusters, different on 1',
        '    on 2 clusters, such as edge-1',
        '    @@',
        '    -image: one',
        '    +image: two',
        '    on cluster lab',
        '    @@',
        '    -image: one',
        '    +image: three',
        '',
        'POLICIES',
        '  web.yaml: Application shop: policy baseline warns of Deployment shop/web: no probe',
        '',
        'ESTIMATE: about 6m 40s, 2h 13m at the longest, by 3 rollouts before; 2m of it waiting for windows and what comes first',
        'WAVE     TYPICAL   LONGEST   WAITING   BY',
        'canary   3m 20s    1h 6m     -         this wave',
        'prod     3m 20s    1h 6m     2m        other waves',
        'Not counted:',
        '  approval by the role operator before wave prod',
      ]
        .map((line) => `${line}\n`)
        .join(''),
    )
  })

  it('asks live clusters what they would say to a plan, and fails when one refuses', async () => {
    const { out, code } = await runSwell(hub, 'rollout', 'plan', 'shop', '--live')
    assert.equal(code, 1)
    assert.match(out, /^LIVE: 3 clusters asked; 1 object refused$/m)
    assert.match(
      out,
      /^  error: Deployment shop\/web on cluster edge-1: the API server refuses it/m,
    )
    assert.match(out, /^  cluster lab could not be asked: away$/m)
  })
})

describe('swell events --follow', () => {
  it('says that events are gone, on stderr, and goes on', async () => {
    const { api, hub: fake } = await startApi()
    const url = await api.listen({ host: '127.0.0.1', port: 0 })
    skipEvents(fake).skip(describeGap('1', '3'))
    const swell = await spawnSwell({ url, token: async () => 'admin' }, 'events', '-f')
    const words = 'events after 1 are kept no more: read anew what they told of\n'
    await until(() => swell.said() === words, { deadlineMs: 20_000, what: 'the gap' })
    fake.emit({ type: 'x', message: 'went on' })
    await until(() => swell.out().includes('went on'), { deadlineMs: 10_000, what: 'an event' })
    await swell.stop()
    await api.close()
  })
})
