import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type HubProcess, startHub } from './hub-process.ts'
import { until } from './until.ts'

export interface ReplicaProcessesOptions {
  readonly directory: string
  /** Left out of front ends whose renderer is another process. */
  readonly fleetUrl?: string
  readonly redisUrl: string
  readonly names: readonly string[]
  readonly args?: readonly string[]
  /** What they run at first instead of the sources here. */
  readonly program?: string
}

/** Real hubs that share a Redis, on hosts of their own of the loopback network. */
export interface ReplicaProcesses extends AsyncDisposable {
  readonly hubs: readonly HubProcess[]
  /** Where the one that leads takes in what came to others. */
  readonly peerPort: number
  /** Waits until one of them, or of those given, leads. */
  untilLed(among?: readonly HubProcess[]): Promise<HubProcess>
  others(than: HubProcess): readonly HubProcess[]
}

/** Whether a hub leads and is ready, by its own word. */
export async function leads(hub: HubProcess): Promise<boolean> {
  const { ok, text } = await ask(hub, 'metrics')
  return ok && /^groundswell_leader 1$/m.test(text) && isReady(hub)
}

/** Whether a hub is there for agents and callers, by its own word. */
export async function isReady(hub: HubProcess): Promise<boolean> {
  return (await ask(hub, 'readyz')).ok
}

async function ask(hub: HubProcess, path: string): Promise<{ ok: boolean; text: string }> {
  try {
    const answer = await fetch(`${hub.url}/${path}`, {
      headers: { authorization: `Bearer ${await hub.token()}` },
      signal: AbortSignal.timeout(1_000),
    })
    return { ok: answer.ok, text: await answer.text() }
  } catch {
    return { ok: false, text: '' }
  }
}

export async function untilLedAmong(hubs: readonly HubProcess[]): Promise<HubProcess> {
  return until(
    async () => {
      for (const hub of hubs) if (await leads(hub)) return hub
      const ends = hubs.map((hub) => hub.process().exitCode ?? 'runs')
      throw new Error(`none does; ended with: ${ends.join()}`)
    },
    { deadlineMs: 45_000, what: 'a replica to lead' },
  )
}

export async function startReplicas(options: ReplicaProcessesOptions): Promise<ReplicaProcesses> {
  await using stack = new AsyncDisposableStack()
  const ports = { enrol: await freePort(), data: await freePort() }
  const peer = await freePort()
  const hosts = options.names.map((_, at) => `127.0.0.${at + 1}`)

  async function start(name: string, at: number): Promise<HubProcess> {
    const hub = await startHub({
      ...{ directory: join(options.directory, name), host: hosts[at]!, ports },
      ...(options.fleetUrl && { fleetUrl: options.fleetUrl, path: 'fleet', interval: '1s' }),
      redisUrl: options.redisUrl,
      shared: join(options.directory, 'shared'),
      ...(options.program !== undefined && { program: options.program }),
      args: [
        ...['--replica', name, '--lease', '5s', '--peer-port', String(peer)],
        ...['--advertise', hosts.join(), ...(options.args ?? [])],
      ],
    })
    stack.defer(() => hub.stop())
    return hub
  }

  // The first makes what they share.
  const first = await start(options.names[0]!, 0)
  await untilLedAmong([first])
  const rest = options.names.slice(1).map((name, at) => start(name, at + 1))
  const hubs = [first, ...(await Promise.all(rest))]
  const owned = stack.move()
  return {
    hubs,
    peerPort: peer,
    untilLed: (among = hubs) => untilLedAmong(among),
    others: (than) => hubs.filter((hub) => hub !== than),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
