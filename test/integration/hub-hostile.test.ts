import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { attack, attacks } from '../support/hostile-frames.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { assertRunning } from '../support/process.ts'
import { createSeed } from '../support/seed.ts'

const frames = 100_000
const framesAConnection = 4_000
const growthMb = 200

async function readRssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024
}

it('T37, B58: 100,000 hostile HTTP/2 frames: the hub stays up and its agents are served', async (t) => {
  const seed = createSeed(process.env['SEED'])
  t.diagnostic(`SEED=${seed.text}`)
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'before') })
  await untilReady(hub)
  await using a = await startMemoryAgent(hub, 'a')
  await using _b = await startMemoryAgent(hub, 'b')
  await using _c = await startMemoryAgent(hub, 'c')
  await waitForRollout(hub.api, 'web', 'Succeeded')
  const [host, port] = hub.enrolAddress.split(':')
  const enrol = { host: host!, port: Number(port) }
  const data = { host: host!, port: a.endpoint.port, key: a.endpoint.key, cert: a.endpoint.cert }
  const before = await readRssMb(hub.process().pid)

  let sent = 0
  for (let round = 0; sent < frames; round += 1) {
    const [name, make] = Object.entries(attacks)[round % Object.keys(attacks).length]!
    const target = round % 2 === 0 ? enrol : data
    sent += await attack(target, make(seed.random), framesAConnection)
    assertRunning(hub.process())
    assert.ok((await fetch(`${hub.url}/livez`)).ok, `after ${name}`)
  }

  const commit = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'after'),
  })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit, deadlineMs: 30_000 })
  const grown = (await readRssMb(hub.process().pid)) - before
  t.diagnostic(`${sent} frames; the hub grew by ${Math.round(grown)} MB`)
  assert.ok(grown < growthMb, `the hub grew by ${grown} MB`)
})
