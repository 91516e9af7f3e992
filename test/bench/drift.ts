import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { buildAgent } from '../../deploy/build/agent.mjs'
import { agentEnvironment } from '../../hub/cli/agent-manifest.ts'
import { startAgent } from '../support/agent-process.ts'
import { startControlPlane } from '../support/control-plane.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { countApplications } from './agent-fleet.ts'
import { configPath, createWriter, foreignWrites, type Writer } from './drift-cluster.ts'
import {
  driftFleetFiles,
  driftObjects,
  foreignApplication,
  stormApplication,
} from './drift-fleet.ts'
import type { BenchOptions } from './options.ts'
import { type Figures, describeFigures, quantile } from './result.ts'
import { readCounter } from './world.ts'

export const driftGoals = [
  { metric: 'detect_p50_ms', text: '≤ 150' },
  { metric: 'detect_p99_ms', text: '≤ 600' },
  { metric: 'repair_p99_ms', text: '≤ 1000' },
  { metric: 'false_drifts', text: '0' },
  { metric: 'storm_messages_per_s', text: '≤ 4' },
  { metric: 'lost_final_states', text: '0' },
]

export const driftTrials = 200
/** Every so many trials one changes what is not ours. */
const foreignEvery = 5
const stormSeconds = 10
const writesPerSecond = 100
const deadlineMs = 10_000

/**
 * B7: from another manager's write until the hub's event stream tells of it, and until the cluster
 * is as it was; both from when the API server had answered the write. The bundled agent, a real hub
 * and a real API server with 1,000 objects. Then one object is written 100 times a second: how many
 * reports the hub gets in the worst second, and whether it knows the last value in the end.
 *
 * @throws Error when a change was not told of, or not put right, within 10 s: the run is void
 */
export async function measureDrift(
  options: Pick<BenchOptions, 'runs'>,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-drift')
  const program = join(directory.path, 'agent.mjs')
  await buildAgent(program)
  await using plane = await startControlPlane({ name: 'bench' })
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit(driftFleetFiles())
  await untilReady(hub)
  const agent = await startAgent(hub, {
    directory: world.directory,
    cluster: 'a',
    kubeconfig: plane.kubeconfig,
    program,
    env: agentEnvironment,
  })
  const stop = new AbortController()
  const writer = createWriter(plane)
  try {
    await untilSettled(hub)
    const results: Figures[] = []
    for (let run = 1; run <= options.runs; run += 1) {
      const figures = {
        ...(await measureTrials(hub, writer, run, stop.signal)),
        ...(await measureStorm(hub, writer, run)),
      }
      say(`run ${run}: ${describeFigures(figures)}`)
      results.push(figures)
      // Who changed an object a minute ago would be taken for a rival.
      if (run < options.runs) await pause(60_000)
    }
    return results
  } finally {
    stop.abort()
    writer.close()
    await agent.stop()
  }
}

async function measureTrials(
  hub: HubProcess,
  writer: Writer,
  run: number,
  signal: AbortSignal,
): Promise<Figures> {
  const told = new Map<string, number>()
  const right = new Map<string, number>()
  await followEvents(
    hub,
    (message) => {
      const object = /\/ConfigMap\/(\S+\/\S+) drifted/.exec(message)?.[1]
      if (object) told.set(object, performance.now())
    },
    signal,
  )
  await writer.watchConfigs((name, text) => {
    if (text !== undefined && !text.startsWith('spoilt')) right.set(name, performance.now())
  })
  const [detected, repaired]: [number[], number[]] = [[], []]
  let falseDrifts = 0
  for (let trial = 0; trial < driftTrials; trial += 1) {
    if (trial % foreignEvery === 0) {
      const count = await countForeign(hub)
      await foreignWrites[(trial / foreignEvery) % foreignWrites.length]!(
        writer,
        run * 1_000 + trial,
      )
      // Long enough for what would be told of, and put right, by the goal.
      await pause(300)
      if ((await countForeign(hub)) !== count) falseDrifts += 1
      continue
    }
    const [namespace, name] = placeOf(trial)
    const object = `${namespace}/${name}`
    told.delete(object)
    right.delete(object)
    await writer.write(configPath(namespace, name), `writer-${run}`, {
      data: { text: `spoilt ${run}` },
    })
    const wrote = performance.now()
    const missing = () =>
      [told.has(object) || 'told of', right.has(object) || 'put right'].filter((it) => it !== true)
    await until(
      () => {
        if (missing().length === 0) return true
        throw new Error(`not yet ${missing().join(', nor ')}`)
      },
      { deadlineMs, intervalMs: 2, what: object },
    )
    detected.push(Math.max(0, told.get(object)! - wrote))
    repaired.push(Math.max(0, right.get(object)! - wrote))
  }
  const at = (times: number[], share: number) =>
    Math.round(
      quantile(
        times.toSorted((a, b) => a - b),
        share,
      ),
    )
  return {
    detect_p50_ms: at(detected, 0.5),
    detect_p99_ms: at(detected, 0.99),
    repair_p50_ms: at(repaired, 0.5),
    repair_p99_ms: at(repaired, 0.99),
    false_drifts: falseDrifts,
  }
}

/** Trials go round the applications, and never twice to one object. */
function placeOf(trial: number): [namespace: string, name: string] {
  const applications = countApplications(driftObjects)
  return [`app-${trial % applications}`, `settings-${2 + Math.floor(trial / applications)}`]
}

/** What an agent has said and done about the objects that others may change. */
async function countForeign(hub: HubProcess): Promise<number> {
  const { items } = await hub.api.get<{ items: { type: string; subject: string }[] }>(
    'events?limit=500',
  )
  return items.filter(
    ({ type, subject }) =>
      type.startsWith('drift.') && subject === `application/${foreignApplication}`,
  ).length
}

async function measureStorm(hub: HubProcess, writer: Writer, run: number): Promise<Figures> {
  const path = configPath(stormApplication, 'settings')
  const writes: Promise<void>[] = []
  const began = performance.now()
  const counts = [{ at: began, count: await readCounter(hub, 'groundswell_reports_total') }]
  let last = ''
  for (let n = 1; n <= stormSeconds * writesPerSecond; n += 1) {
    last = `storm ${run} ${n}`
    // By its schedule, however long writes take; one object takes them one after another.
    const due = began + (n * 1_000) / writesPerSecond
    await pause(Math.max(0, due - performance.now()))
    if (writes.length >= 8) await writes.shift()
    writes.push(writer.write(path, 'storm', { data: { text: last } }))
    if (n % writesPerSecond !== 0) continue
    const count = await readCounter(hub, 'groundswell_reports_total')
    counts.push({ at: performance.now(), count })
  }
  await Promise.all(writes)
  // Writes under way may overtake each other: one more is the last for certain.
  await writer.write(path, 'storm', { data: { text: `${last} end` } })
  const seconds = (performance.now() - began) / 1_000
  const known = async () => {
    const diff = await hub.api.get<{
      clusters: { drift: { fields: { live: string }[] }[] }[]
    }>(`applications/${stormApplication}/diff?cluster=a`)
    return diff.clusters[0]?.drift[0]?.fields.some(({ live }) => live === `"${last} end"`) === true
  }
  const lost = await until(known, { deadlineMs: 5_000, what: 'the last state' }).then(
    () => 0,
    () => 1,
  )
  // A busy machine takes longer than a second for a second's writes.
  const rates = counts.slice(1).map(({ at, count }, index) => {
    const before = counts[index]!
    return (count - before.count) / Math.max(1, (at - before.at) / 1_000)
  })
  return {
    storm_writes_per_s: Math.round((stormSeconds * writesPerSecond) / seconds),
    storm_messages_per_s: Math.round(Math.max(...rates) * 10) / 10,
    lost_final_states: lost,
  }
}

async function untilSettled(hub: HubProcess): Promise<void> {
  const applications = countApplications(driftObjects) + 2
  await until(
    async () => {
      const { applications: all } = await hub.api.get<{ applications: { phase: string }[] }>(
        'clusters/a',
      )
      return all.filter(({ phase }) => phase === 'Applied').length === applications
    },
    { deadlineMs: 180_000, intervalMs: 200, what: 'all to be applied' },
  )
}

/** Hands on what the event stream tells of drift. */
async function followEvents(
  hub: HubProcess,
  onDrift: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(`${hub.url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${await hub.token()}`, accept: 'text/event-stream' },
    signal,
  })
  if (!response.ok || !response.body) throw new Error(`events: ${response.status}`)
  const body = response.body
  const read = async () => {
    let rest = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data:') || !line.includes('drift.detected')) continue
        onDrift((JSON.parse(line.slice('data:'.length)) as { message: string }).message)
      }
    }
  }
  // Ends when the benchmark does.
  read().catch(() => {})
}
