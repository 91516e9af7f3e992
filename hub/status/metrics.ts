import { Gauge, type Registry } from 'prom-client'
import {
  type ApplicationSums,
  countClusters,
  healthStatusOf,
  syncStatusOf,
} from './application-sums.ts'
import type { Summary } from './summary.ts'

/** What a scrape asks the hub. Each answer costs what it lists, never what the fleet runs. */
export interface FleetReadings {
  summary(): Summary
  /** By name. */
  applications(): ReadonlyMap<string, ApplicationSums>
  projectOf(application: string): string
  /** Of clusters that have joined. */
  connections(): Iterable<{ readonly cluster: string; readonly connected: boolean }>
  /** Repositories that are followed; times in milliseconds. */
  sources(): Promise<
    readonly {
      readonly name: string
      readonly lastFetchedAt: number | null
      readonly failure: { readonly count: number } | null
    }[]
  >
  configuration(): {
    readonly refused: boolean
    readonly faults: number
    readonly warnings: number
  }
  ledgerEntries(): number
  /** What is wrong with the hub's own ledger, Redis, roles and disk, of `hubFaults`. */
  faults(): Promise<ReadonlySet<string>>
}

/** Codes that `/healthz` tells as warnings, too. */
export const hubFaults = [
  'ledger_unwritable',
  'ledger_unpushed',
  'redis_unwritable',
  'signer_unavailable',
  'renderer_unavailable',
  'disk_low',
] as const

/**
 * What the fleet is, read when somebody scrapes. Labels are names that Git declares (clusters,
 * applications, projects, repositories) or words of a closed list: never a pair of cluster and
 * application, an object, a rollout or a caller.
 */
export function addFleetMetrics(registry: Registry, readings: FleetReadings): void {
  const gauge = <L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (gauge: Gauge<L>) => void | Promise<void>,
  ): void => {
    void new Gauge<L>({
      ...{ name, help, labelNames: [...labelNames], registers: [registry] },
      collect() {
        this.reset()
        return collect(this)
      },
    })
  }

  gauge(
    'groundswell_app_info',
    'An application over all of its clusters; always 1.',
    ['app', 'project', 'sync_status', 'health_status'],
    (info) => {
      for (const [app, sums] of readings.applications()) {
        const sync_status = syncStatusOf(sums)
        const labels = { sync_status, health_status: healthStatusOf(sums) }
        info.set({ app, project: readings.projectOf(app), ...labels }, 1)
      }
    },
  )
  gauge(
    'groundswell_app_clusters',
    'Clusters an application is on: desired, and how it is there.',
    ['app', 'state'],
    (clusters) => {
      for (const [app, sums] of readings.applications()) {
        const { standings, drifted } = sums
        const counts = { desired: countClusters(sums), ...standings, drifted }
        for (const [state, count] of Object.entries(counts)) clusters.set({ app, state }, count)
      }
    },
  )
  gauge('groundswell_clusters', 'Clusters by state.', ['state'], (clusters) => {
    const { total, connected, disconnected, neverConnected, waitForApproval, locked, revoked } =
      readings.summary().clusters
    const counts = {
      ...{ total, connected, disconnected, locked, revoked },
      ...{ never_connected: neverConnected, waiting_for_approval: waitForApproval },
    }
    for (const [state, count] of Object.entries(counts)) clusters.set({ state }, count)
  })
  gauge(
    'groundswell_cluster_connection_status',
    '1 while the agent of a cluster that joined is connected, else 0.',
    ['cluster'],
    (status) => {
      for (const { cluster, connected } of readings.connections()) {
        status.set({ cluster }, connected ? 1 : 0)
      }
    },
  )
  gauge('groundswell_deployments', 'Applications on clusters by state.', ['state'], (all) => {
    const counts = Object.entries(readings.summary().deployments)
    for (const [state, count] of counts) all.set({ state }, count)
  })
  gauge('groundswell_rollouts', 'Rollouts that have not ended.', ['state'], (rollouts) => {
    const counts = Object.entries(readings.summary().rollouts)
    for (const [state, count] of counts) rollouts.set({ state }, count)
  })
  gauge('groundswell_holds', 'Applications with a revision on hold.', [], (holds) =>
    holds.set(readings.summary().holds),
  )
  gauge(
    'groundswell_source_last_fetch_timestamp_seconds',
    'When a repository was last fetched well, in seconds since 1970.',
    ['source'],
    async (fetched) => {
      for (const { name, lastFetchedAt } of await readings.sources()) {
        if (lastFetchedAt !== null) fetched.set({ source: name }, lastFetchedAt / 1_000)
      }
    },
  )
  gauge(
    'groundswell_source_failures',
    'Fetches of a repository that failed since the last good one.',
    ['source'],
    async (failures) => {
      for (const { name, failure } of await readings.sources()) {
        failures.set({ source: name }, failure?.count ?? 0)
      }
    },
  )
  gauge(
    'groundswell_fleet_faults',
    'What is wrong with what Git says, by how much that matters.',
    ['severity'],
    (all) => {
      const { faults, warnings } = readings.configuration()
      all.set({ severity: 'fault' }, faults)
      all.set({ severity: 'warning' }, warnings)
    },
  )
  gauge(
    'groundswell_fleet_refused',
    '1 while the newest commit of the fleet repository is refused.',
    [],
    (refused) => refused.set(readings.configuration().refused ? 1 : 0),
  )
  gauge('groundswell_ledger_entries', 'Decisions in the ledger.', [], (entries) =>
    entries.set(readings.ledgerEntries()),
  )
  gauge(
    'groundswell_hub_fault',
    'Whether something is wrong with the ledger, the Redis, the roles or the disk of the hub, by code.',
    ['code'],
    async (fault) => {
      const found = await readings.faults()
      for (const code of hubFaults) fault.set({ code }, found.has(code) ? 1 : 0)
    },
  )
}
