import { Counter, Gauge, Histogram, type Registry, collectDefaultMetrics } from 'prom-client'
import type { Stopwatch } from './stopwatch.ts'
import type { Ended } from './status/ended.ts'

/** Told by a replica that stands by as well. */
export const leaderMetric = 'groundswell_leader'
/** Clusters with a stream, as the one that leads knows. */
export const connectedMetric = 'groundswell_agents_connected'
/** Streams of agents that a replica passes on to the one that leads. */
export const relayedMetric = 'groundswell_relayed_streams'

/**
 * How often the event loop's lag is looked at: whatever stops it for longer is seen. Each look wakes
 * a process that has nothing else to do: as often as is usual (10 ms) that is nine millicores.
 */
const lagEveryMs = 100

/** What the hub counts of its own work; names and units as Prometheus asks. */
export function createMetrics(registry: Registry) {
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
  const signer = createSignerMetrics(registry)
  const rounds = new Histogram({
    name: 'groundswell_reconcile_duration_seconds',
    help: 'Time of one round: rendering what Git asks and deciding, or deciding again.',
    labelNames: ['round', 'result'],
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
    registers: [registry],
  })
  const syncs = new Counter({
    name: 'groundswell_sync_total',
    help: 'Applications that came to an end on a cluster, by how.',
    labelNames: ['phase'],
    registers: [registry],
  })
  const syncDuration = new Histogram({
    name: 'groundswell_sync_duration_seconds',
    help: 'From the offer of a snapshot to the report of what came of an application in it.',
    labelNames: ['phase'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers: [registry],
  })
  const finished = new Counter({
    name: 'groundswell_rollouts_finished_total',
    help: 'Rollouts that ended, by how.',
    labelNames: ['phase'],
    registers: [registry],
  })
  const requests = new Histogram({
    name: 'groundswell_http_request_duration_seconds',
    help: 'Time of one call of the REST API, by the path of its route and the class of its answer.',
    labelNames: ['route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  })
  const streams = new Gauge({
    name: 'groundswell_event_streams',
    help: 'Event streams of the REST API that are open.',
    registers: [registry],
    collect() {
      this.set(countStreams())
    },
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
  let countStreams: () => number = () => 0
  let countConnected: () => number = () => 0
  let leads: () => boolean = () => true
  let newestRoot: () => { readonly expiresAt: number; readonly bytes: number } | undefined = () =>
    undefined
  let listStale: () => readonly string[] = () => []
  const timeRound: Stopwatch<'render' | 'decide'> = (round) => {
    const stop = rounds.startTimer({ round })
    return (result) => void stop({ result })
  }
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
    ...signer,
    /** Where to ask how many event streams are open. */
    watchStreams(count: () => number): void {
      countStreams = count
      void streams
    },
    timeRound,
    countEnded({ phase, seconds }: Ended): void {
      syncs.inc({ phase })
      if (seconds !== null) syncDuration.observe({ phase }, seconds)
    },
    countFinished: (phase: string) => finished.inc({ phase }),
    /** `status` as it was answered. */
    countRequest: (route: string, status: number, seconds: number) =>
      requests.observe({ route, status: `${Math.floor(status / 100)}xx` }, seconds),
    countSignature: () => signatures.inc(),
    countReport: () => reports.inc(),
  }
}

/** Of a hub, or of the signer alone. */
export function createSignerMetrics(registry: Registry) {
  const refusals = new Counter({
    name: 'groundswell_signer_refusals_total',
    help: 'Requests that the signer refused, by why.',
    labelNames: ['code'],
    registers: [registry],
  })
  return { countRefusal: (code: string) => refusals.inc({ code }) }
}

/** What Node says of the process, and which build it is. */
export function addProcessMetrics(registry: Registry, version: string, role: string): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagEveryMs })
  addBuildInfo(registry, version, role)
}

/** Which build it is; always 1. */
export function addBuildInfo(registry: Registry, version: string, role: string): void {
  new Gauge({
    name: 'groundswell_build_info',
    help: 'Which release and role answers; always 1.',
    labelNames: ['version', 'role'],
    registers: [registry],
  }).set({ version, role }, 1)
}

export type Metrics = ReturnType<typeof createMetrics>
