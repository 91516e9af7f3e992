import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { createKubeCluster } from '../../agent/cluster/kube.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import { type AgentStatus, parseStatus } from '../../agent/local/status.ts'
import { buildAgent } from '../../deploy/build/agent.mjs'
import { agentEnvironment, listAgentFlags, listAgentObjects } from '../../hub/cli/agent-manifest.ts'
import { type AgentProcess, startAgent } from '../support/agent-process.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { groupOf } from '@groundswell/proto/object-id.ts'
import { freePort } from '../support/free-port.ts'
import { strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { agentFleetFiles, countApplications } from './agent-fleet.ts'
import { readCpuMicros, readRssKb } from './machine.ts'
import type { BenchOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'

export const agentGoals = [
  { metric: 'rss_idle_mb', text: '≤ 80' },
  { metric: 'rss_1000_mb', text: '≤ 105' },
  { metric: 'rss_5000_mb', text: '≤ 160' },
  { metric: 'rss_peak_mb', text: '≤ 220' },
  { metric: 'start_ms', text: '≤ 500' },
  { metric: 'idle_millicores', text: '≤ 4' },
]

/** Objects that a start has to find right. */
const startSize = 100
const sizes = [1_000, 5_000] as const
const starts = 5

/**
 * B8: what one agent costs its cluster. The bundled agent as `swell agent manifest` runs it, with its Lease
 * and its Secrets, a real API server and a real hub; resident memory once it is connected with nothing to do,
 * with 1,000 and with 5,000 objects, each after the quiet time; from the start of its process until it is
 * connected and all it has is in sync, with 100 objects as the definition says, and with 1,000; and its CPU
 * over the quiet time with those.
 */
export async function measureAgent(
  options: Pick<BenchOptions, 'runs' | 'quiet'>,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-agent')
  const program = join(directory.path, 'agent.mjs')
  const { bytes } = await buildAgent(program)
  const results: Figures[] = []
  for (let run = 1; run <= options.runs; run += 1) {
    const figures = {
      bundle_kb: Math.ceil(bytes / 1024),
      ...(await measureOnce(program, options.quiet)),
    }
    say(`run ${run}: ${describeFigures(figures)}`)
    results.push(figures)
  }
  return results
}

async function measureOnce(program: string, quiet: number): Promise<Figures> {
  await using plane = await startControlPlane({ name: 'bench' })
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit(strategyFile('0s'))
  await untilReady(hub)
  const { directory } = world
  const agent = await startAgent(hub, {
    directory,
    cluster: 'a',
    kubeconfig: plane.kubeconfig,
    program,
    env: { ...agentEnvironment, NODE_COMPILE_CACHE: join(directory, 'compiled') },
    args: [...(await installAgent(plane.kubeconfig)), `--health-port=${await freePort()}`],
  })
  try {
    // As it lives: it joined long ago.
    await agent.stop()
    await agent.start()
    await untilInSync(agent, 0)
    await pause(quiet * 1_000)
    const idle = readRssKb(agent.process().pid)
    const held: Record<string, number> = {}
    await world.repository.commit(agentFleetFiles(startSize))
    const start = await measureStart(agent, countApplications(startSize))
    let [loadedStart, millicores] = [0, 0]
    for (const size of sizes) {
      await world.repository.commit(agentFleetFiles(size))
      await untilInSync(agent, countApplications(size))
      await pause(quiet * 1_000)
      held[`rss_${size}_mb`] = megabytes(readRssKb(agent.process().pid))
      if (size !== sizes[0]) continue
      millicores = await measureCpu(agent, quiet)
      loadedStart = await measureStart(agent, countApplications(size))
      await pause(quiet * 1_000)
      held[`rss_${size}_restarted_mb`] = megabytes(readRssKb(agent.process().pid))
    }
    return {
      rss_idle_mb: megabytes(idle),
      ...held,
      rss_peak_mb: megabytes(readPeakKb(agent.process().pid)),
      start_ms: start,
      start_1000_ms: loadedStart,
      idle_millicores: millicores,
    }
  } finally {
    await agent.stop()
  }
}

/**
 * Applies what `swell agent manifest` prints, but for the Deployment, whose flags it returns: those
 * about the hub, the token and places in the container are ours.
 */
async function installAgent(kubeconfig: string): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const cluster = createKubeCluster(await loadConnection({ kubeconfig }))
  const [namespace, clusterRole] = ['groundswell-system', 'cluster-admin']
  const objects = listAgentObjects({ namespace, clusterRole, image: '-', hub: '-', token: '-' })
  const manager = { fieldManager: 'installer', force: false }
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object
    if (kind === 'Deployment') continue
    const id = { group: groupOf(apiVersion), kind, namespace: '', ...metadata }
    const resource = await cluster.resource(apiVersion, kind, signal)
    await cluster.apply(resource, id, JSON.stringify(object), manager, signal)
  }
  await cluster.close()
  const secrets = listAgentFlags({ namespace, hub: '-' }).filter((flag) =>
    /^--(\w+-secret|lease)=/.test(flag),
  )
  // As in a pod, where the namespace is known.
  return [...secrets, `--hold-namespace=${namespace}`]
}

async function measureCpu(agent: AgentProcess, quiet: number): Promise<number> {
  const { pid } = agent.process()
  const [cpu, began] = [readCpuMicros(pid), performance.now()]
  await pause(quiet * 1_000)
  const used = (readCpuMicros(pid) - cpu) / (performance.now() - began)
  return Math.round(used * 100) / 100
}

/** Median of some starts, from the start of the process; the agent itself says when it was connected. */
async function measureStart(agent: AgentProcess, applications: number): Promise<number> {
  await untilInSync(agent, applications)
  const times: number[] = []
  for (let n = 0; n < starts; n += 1) {
    await agent.stop()
    const began = Date.now()
    await agent.start()
    await untilInSync(agent, applications)
    times.push(Date.now() - began)
  }
  return times.sort((a, b) => a - b)[Math.floor(starts / 2)]!
}

async function untilInSync(agent: AgentProcess, applications: number): Promise<void> {
  await until(
    async () => {
      const status = await readStatus(agent)
      const synced = status?.applications.filter(({ phase }) => phase === 'Applied') ?? []
      return status && status.hub.connectedSince !== null && synced.length === applications
    },
    { deadlineMs: 180_000, intervalMs: 5, what: `${applications} applications in sync` },
  )
}

/** Asked without a process of its own, which would take longer than what is measured. */
async function readStatus(agent: AgentProcess): Promise<AgentStatus | undefined> {
  return parseStatus(await text(connect(join(agent.data, 'status.sock'))))
}

function readPeakKb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN)
}

function megabytes(kb: number): number {
  return Math.round((kb * 1024) / 100_000) / 10
}
