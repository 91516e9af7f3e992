import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** One cluster, that nobody else is waited for. */
const clusterFile = `apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata: { name: a, labels: { ring: canary } }
spec: {}
`
const listeners = 1_000
/** One caller may have 32. */
const callers = 40
/** Bytes that a listener may cost the hub: its socket, its request and what is under way to it. */
const mostEach = 200 * 1024

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
}

/** Ids of events, in the order they came. */
class Listener {
  readonly ids: string[] = []
  readonly socket: Socket
  isOpen = false
  private rest = ''

  constructor(port: number, token: string, after: string) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('utf8').on('data', (text: string) => this.take(text))
    this.socket.on('error', () => {})
    const head = `authorization: Bearer ${token}\r\nlast-event-id: ${after}`
    this.socket.write(`GET /api/v1/events/stream HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n`)
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('retry:')) this.isOpen = true
      if (line.startsWith('id: ')) this.ids.push(line.slice(4))
    }
  }
}

describe('a thousand listeners of a real hub', () => {
  it('hear each event once and in order while an agent reports, and cost it little', async (t) => {
    await using world = await createSurroundings()
    await using redis = await startRedis()
    await world.repository.commit({
      'fleet/clusters.yaml': clusterFile,
      ...strategyFile('0s'),
      ...applicationFiles('web', 'text 0'),
    })
    const hub = await world.start({ redisUrl: redis.url })
    await untilReady(hub)
    await using _agent = await startMemoryAgent(hub, 'a')
    await waitForRollout(hub.api, 'web', 'Succeeded')
    const tokens: string[] = []
    for (let at = 0; at < callers; at += 1) {
      const made = await hub.api.post<{ token: string }>('tokens', {
        name: `c${at}`,
        role: 'viewer',
      })
      tokens.push(made.token)
    }
    const newest = async () => (await hub.api.get<{ items: { id: string }[] }>('events')).items
    const after = (await newest()).at(-1)!.id

    const { pid } = hub.process()
    const before = await residentBytes(pid)
    const { port } = new URL(hub.url)
    const all = Array.from(
      { length: listeners },
      (_, at) => new Listener(Number(port), tokens[at % callers]!, after),
    )
    try {
      await until(() => all.every(({ isOpen }) => isOpen), {
        ...{ deadlineMs: 30_000, what: 'all to listen' },
      })
      for (const round of [1, 2, 3]) {
        const commit = await world.repository.commit({
          'apps/web/settings.yaml': configMap('settings', `text ${round}`),
        })
        await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
      }
      await hub.api.post('tokens', { name: 'last', role: 'viewer' })
      const since = await hub.api.get<{ items: { id: string }[] }>(
        `events?after=${after}&limit=500`,
      )
      const sent = since.items.map(({ id }) => id)
      assert.ok(sent.length >= 10, `${sent.length} events`)
      const last = sent.at(-1)!
      await until(() => all.every(({ ids }) => ids.includes(last)), {
        ...{ deadlineMs: 30_000, what: 'the last event everywhere' },
      })
      for (const { ids } of all) assert.deepEqual(ids.slice(0, sent.length), sent)
      const cost = (await residentBytes(pid)) - before
      t.diagnostic(`${sent.length} events; ${Math.round(cost / listeners / 1_024)} KiB a listener`)
      assert.ok(cost < listeners * mostEach, `${cost} bytes`)
    } finally {
      for (const { socket } of all) socket.destroy()
    }
    const open = async () => {
      const response = await fetch(`${hub.url}/metrics`, {
        headers: { authorization: `Bearer ${await hub.token()}` },
      })
      return /^groundswell_event_streams (\d+)$/m.exec(await response.text())?.[1]
    }
    await until(async () => (await open()) === '0', { deadlineMs: 10_000, what: 'all to be gone' })
  })
})
