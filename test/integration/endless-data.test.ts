import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { describe, it } from 'node:test'
import type { Ask, Endured } from '../support/endless-agent.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const MiB = 1024 * 1024
const script = (name: string): URL => new URL(`../support/${name}.ts`, import.meta.url)

/** Lets an agent's link ask a hub that never stops; each is a process, the agent's is measured. */
async function endure(mode: string, ask: Omit<Ask, 'endpoint'>) {
  const directory = await createTempDir('endless')
  const hub = fork(script('endless-hub'), [`${directory.path}/ca`, mode], { execArgv: [] })
  // Cold, and with V8's own settings: whatever the agent needs for that it does by itself.
  const agent = fork(script('endless-agent'), { execArgv: [] })
  try {
    let told: Ask['endpoint'] | undefined
    let fed: number | undefined
    hub.on('message', (message: { endpoint?: Ask['endpoint']; fed?: number }) => {
      told ??= message.endpoint
      fed = message.fed
    })
    const endpoint = await until(() => told, { deadlineMs: 20_000, what: 'the hub' })
    let endured: Endured | undefined
    agent.on('message', (message: Endured) => {
      endured = message
    })
    agent.send({ ...ask, endpoint } satisfies Ask)
    const end = await until(() => endured, { deadlineMs: 600_000, what: 'the agent' })
    hub.send('how much')
    return {
      ...end,
      fed: await until(() => fed, { deadlineMs: 10_000, what: 'what the hub has sent' }),
    }
  } finally {
    agent.kill('SIGKILL')
    hub.kill('SIGKILL')
    await directory.remove()
  }
}

describe('an agent whose hub never stops sending', () => {
  it('T8: ends the stream at what was asked for, and holds none of it', async (t) => {
    const ask = { blobs: 1_000, size: MiB / 4, offers: 0 }
    const { code, fed, growth, written } = await endure('junk', ask)
    t.diagnostic(`fed ${Math.round(fed / MiB)} MiB, grew ${(growth / MiB).toFixed(1)} MiB`)
    assert.equal(code, 'too_much_data')
    assert.ok(fed > 240 * MiB && fed < 270 * MiB, `fed ${fed}`)
    assert.ok(growth < 32 * MiB, `grew by ${growth}`)
    assert.equal(written, 0)
  })

  it('T8: ends the stream when blobs are begun and never finished, whatever size is stated', async (t) => {
    const { code, growth } = await endure('begun', { blobs: 1_000, size: null, offers: 0 })
    t.diagnostic(`grew ${(growth / MiB).toFixed(1)} MiB`)
    assert.equal(code, 'too_much_data')
    assert.ok(growth < 32 * MiB, `grew by ${growth}`)
  })

  it('T8: half a gigabyte of offers does not pile up', async (t) => {
    const { fed, growth, offers } = await endure('offers', { blobs: 1, size: 1, offers: 2_000 })
    t.diagnostic(`fed ${Math.round(fed / MiB)} MiB, grew ${(growth / MiB).toFixed(1)} MiB`)
    assert.ok(offers > 2_000)
    assert.ok(growth < 32 * MiB, `grew by ${growth}`)
  })

  // `ENDLESS_GB=10 node --test test/integration/endless-data.test.ts` takes a minute or two.
  const gigabytes = Number(process.env['ENDLESS_GB'] ?? 0)
  it('T8: gigabytes of offers do not pile up', { skip: gigabytes === 0 }, async (t) => {
    const offers = Math.ceil((gigabytes * 1e9) / (250 * 1024))
    const { fed, growth } = await endure('offers', { blobs: 1, size: 1, offers })
    t.diagnostic(`fed ${(fed / 1e9).toFixed(1)} GB, grew ${(growth / MiB).toFixed(1)} MiB`)
    assert.ok(fed >= gigabytes * 1e9)
    assert.ok(growth < 32 * MiB, `grew by ${growth}`)
  })
})
