import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RenderEngine } from './render/engine.ts'

/** Told by a replica that stands by as well. */
export const leaderMetric = 'groundswell_leader'
/** Clusters with a stream, as the one that leads knows. */
export const connectedMetric = 'groundswell_agents_connected'
/** Streams of agents that a replica passes on to the one that leads. */
export const relayedMetric = 'groundswell_relayed_streams'

/** What the hub counts of its own work; names and units as Prometheus asks. */
export function createMetrics(registry: Registry) {
  const renders = new Counter({
    name: 'groundswell_renders_total',
    help: 'Renders done by the engine; answers from the cache are not renders.',
    labelNames: ['kind', 'result'],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'groundswell_render_duration_seconds',
    help: 'Time of one render.',
    labelNames: ['kind'],
    buckets: [0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 90],
    registers: [registry],
  })
  const signatures = new Counter({
    name: 'groundswell_signatures_total',
    help: 'Snapshots signed.',
    registers: [registry],
  })
  const reports = new Counter({
    name: 'groundswell_reports_total',
    help: 'Reports of agents taken in.',
    registers: [registry],
  })
  const refusals = new Counter({
    name: 'groundswell_signer_refusals_total',
    help: 'Requests that the signer refused, by why.',
    labelNames: ['code'],
    registers: [registry],
  })
  const turnedAway = new Counter({
    name: 'groundswell_connections_refused_total',
    help: 'Connections closed before TLS, by listener and why: handshakes, rate or open.',
    labelNames: ['listener', 'reason'],
    registers: [registry],
  })
  const stale = new Gauge({
    name: 'groundswell_cluster_stale',
    help: '1 while a cluster cannot tell whether what it has is the newest.',
    labelNames: ['cluster'],
    registers: [registry],
    collect() {
      this.reset()
      for (const cluster of listStale()) this.set({ cluster }, 1)
    },
  })
  const rootExpiry = new Gauge({
    name: 'groundswell_root_expiry_timestamp_seconds',
    help: 'When the newest root statement expires, in seconds since 1970.',
    registers: [registry],
    collect() {
      const root = newestRoot()
      if (root) this.set(root.expiresAt)
    },
  })
  const rootBytes = new Gauge({
    name: 'groundswell_root_bytes',
    help: 'Size of the newest root statement; agents read 32768 at most.',
    registers: [registry],
    collect() {
      const root = newestRoot()
      if (root) this.set(root.bytes)
    },
  })
  const leader = new Gauge({
    name: leaderMetric,
    help: '1 while this hub leads its fleet, as one that is alone does always.',
    registers: [registry],
    collect() {
      this.set(leads() ? 1 : 0)
    },
  })
  const connected = new Gauge({
    name: connectedMetric,
    help: 'Clusters whose agent streams to this hub, or through one that follows it.',
    registers: [registry],
    collect() {
      this.set(countConnected())
    },
  })
  let countConnected: () => number = () => 0
  let leads: () => boolean = () => true
  let newestRoot: () => { readonly expiresAt: number; readonly bytes: number } | undefined = () =>
    undefined
  let listStale: () => readonly string[] = () => []
  return {
    registry,
    /** Where to ask whether this hub leads. */
    watchLeader(ask: () => boolean): void {
      leads = ask
      void leader
    },
    /** Where to ask how many clusters are connected. */
    watchConnected(count: () => number): void {
      countConnected = count
      void connected
    },
    /** Where to ask for stale clusters. */
    watchStale(list: () => readonly string[]): void {
      listStale = list
      void stale
    },
    /** Where to ask for the newest root statement; `expiresAt` in seconds. */
    watchRoot(newest: typeof newestRoot): void {
      newestRoot = newest
      void rootExpiry
      void rootBytes
    },
    countTurnedAway: (listener: string, reason: string) => turnedAway.inc({ listener, reason }),
    countRefusal: (code: string) => refusals.inc({ code }),
    countSignature: () => signatures.inc(),
    countReport: () => reports.inc(),
    countRenders(engine: RenderEngine): RenderEngine {
      return {
        version: engine.version,
        close: () => engine.close(),
        async render(input, files, signal) {
          const stop = duration.startTimer({ kind: input.kind })
          try {
            const result = await engine.render(input, files, signal)
            renders.inc({ kind: input.kind, result: 'done' })
            return result
          } catch (error) {
            renders.inc({ kind: input.kind, result: 'failed' })
            throw error
          } finally {
            stop()
          }
        },
      }
    },
  }
}

export type Metrics = ReturnType<typeof createMetrics>
