import { Worker } from 'node:worker_threads'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import { Health, Phase, ReportSchema } from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import type { Hub } from '../../hub/api/hub.ts'
import type { Fleet } from '../../hub/fleet/fleet.ts'
import { emptyState } from '../../hub/ledger/replay.ts'
import { viewApplication } from '../../hub/status/application-view.ts'
import { listClusters } from '../../hub/status/cluster-list.ts'
import { type Known, isKnownCluster, viewCluster } from '../../hub/status/cluster-view.ts'
import { foldReport } from '../../hub/status/fold.ts'
import { createStatuses } from '../../hub/status/statuses.ts'
import { createSummaries } from '../../hub/status/summary.ts'
import { createTargets } from '../../hub/status/targets.ts'
import { startApi } from '../support/api.ts'
import type { SizedOptions } from './options.ts'
import type { RestLatencies } from './rest-client.ts'
import { type Figures, describeFigures, quantile } from './result.ts'

export const restApplications = 20
/** Reports that are taken in while the API is asked, a second. */
const reportsPerSecond = 1_000
const tickMs = 10

export const restGoals = [
  { metric: 'summary_p99_ms', text: '≤ 20 at 10000 clusters' },
  { metric: 'page_p99_ms', text: '≤ 50' },
  { metric: 'cluster_p99_ms', text: '≤ 20' },
  { metric: 'applications_p99_ms', text: '≤ 50' },
]

/**
 * What one waits for at the REST API of a large fleet while status flows: the real server over real
 * read models, filled with clusters that nobody has to run, and asked over TCP from another thread.
 * `page_p99_ms` is of pages of 100 clusters by name, walked through the fleet; `sorted_page_p99_ms` of the first
 * page by what fails; `applications_p99_ms` of all applications, each over the whole fleet. `…_cpu_ms` is what one answer takes of a processor, which a machine that is shared does not change;
 * `views_a_page` counts what was looked at for one.
 */
export async function measureRest(
  { clusters, runs }: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using test = await startApi()
  const world = fillWorld(clusters)
  Object.assign(test.hub, world.hub)
  const address = await test.api.listen({ host: '127.0.0.1', port: 0 })
  const results: Figures[] = []
  for (let run = 0; run <= runs; run++) {
    const flow = startFlow(world)
    const latencies = await askAll(address)
    const reports = flow.stop()
    const p99 = (values: readonly number[]): number =>
      Number(
        quantile(
          values.toSorted((a, b) => a - b),
          0.99,
        ).toFixed(2),
      )
    const figures = {
      summary_p99_ms: p99(latencies.summary),
      page_p99_ms: p99(latencies.page),
      cluster_p99_ms: p99(latencies.cluster),
      sorted_page_p99_ms: p99(latencies.sorted),
      applications_p99_ms: p99(latencies.applications),
      reports_per_s: Math.round(reports),
      views_a_page: world.countViews(),
      ...(await countCpu(test)),
      errors: latencies.errors,
    }
    say(`run ${run}: ${describeFigures(figures)}`)
    if (run > 0) results.push(figures)
  }
  return results
}

/** What one answer takes of a processor, in milliseconds; other processes do not change that. */
async function countCpu({ api }: Awaited<ReturnType<typeof startApi>>) {
  const calls = 100
  const figures: Record<string, number> = {}
  for (const [figure, path] of [
    ['summary_cpu_ms', 'summary'],
    ['page_cpu_ms', 'clusters?limit=100'],
    ['sorted_page_cpu_ms', 'clusters?limit=100&sort=-failed'],
    ['applications_cpu_ms', 'applications'],
  ] as const) {
    const before = process.threadCpuUsage()
    for (let call = 0; call < calls; call++) {
      await api.inject({ url: `/api/v1/${path}`, headers: { authorization: 'Bearer viewer' } })
    }
    const { user, system } = process.threadCpuUsage(before)
    figures[figure] = Number(((user + system) / 1_000 / calls).toFixed(2))
  }
  return figures
}

const nothingOfGit = { contents: null, faults: [], warnings: [] }
const nameOf = (at: number): string => `c${String(at).padStart(5, '0')}`
const digest = digestOf('content')

function fillWorld(clusters: number) {
  const state = emptyState()
  const declared = new Map<string, object>()
  const names = Array.from({ length: clusters }, (_, at) => nameOf(at))
  const applications = Array.from({ length: restApplications }, (_, at) => `app-${at}`)
  for (const [at, cluster] of names.entries()) {
    const labels = { region: `r${at % 10}`, env: at % 5 === 0 ? 'prod' : 'dev' }
    declared.set(cluster, { name: cluster, labels, annotations: {}, spec: {} })
    const mine = applications.map((application) => {
      const revision = 'main@sha1:0000000000000000000000000000000000000000'
      const made = { cluster, application, digest, size: 1, revision, generation: 1, rollout: 'r' }
      return [application, made] as const
    })
    state.assignments.set(cluster, new Map(mine))
  }
  const empty = new Map()
  const fleet = {
    ...{ revision: 'r', repositories: empty, clusters: declared, groups: empty },
    ...{ applications: empty, strategies: empty, projects: empty, policies: empty },
    ...{
      healthChecks: empty,
      metricTemplates: empty,
      notificationProviders: empty,
      alerts: empty,
      warnings: [],
    },
  } as unknown as Fleet
  const statuses = createStatuses({
    store: { load: async () => [], save: async () => {}, remove: async () => {} },
    onChange: ({ cluster }) => summaries.touch(cluster),
    onError: () => {},
    later: (ms, run) => void setTimeout(run, ms).unref(),
  })
  let views = 0
  const known = (): Known => ({
    ...{ fleet, state, status: statuses.get, now: Date.now() },
    // Asked once for each cluster that is looked at.
    offered: () => {
      views += 1
      return undefined
    },
  })
  const targets = createTargets(known, () => null)
  const summaries = createSummaries(known, targets)
  let turn = 0
  function report(cluster: string): void {
    turn += 1
    const application = applications[turn % applications.length]!
    const message = create(ReportSchema, {
      ...{ sequence: 1n, complete: false },
      applications: [
        {
          ...{ application, manifestDigest: digest, generation: 1n },
          ...{ phase: turn % 97 === 0 ? Phase.FAILED : Phase.APPLIED, health: Health.CURRENT },
          ...{ objects: 10, readyObjects: 10, healed: BigInt(turn) },
        },
      ],
    })
    statuses.update(cluster, (status) => ({
      ...foldReport(status, message, Date.now()),
      connection: { state: 'Connected', since: 0, replica: 'bench' } as const,
    }))
  }
  for (const cluster of names) report(cluster)
  const standingsOf = (name: string) => summaries.standingsOf(name)
  return {
    names,
    report,
    countViews() {
      views = 0
      const order = { by: 'name', descending: false } as const
      const listing = listClusters(
        known(),
        { order, after: null },
        { sight: undefined, standingsOf },
      )
      for (let read = 0; read < 100; read++) listing.next()
      return views
    },
    hub: {
      summary: () => summaries.read(),
      clusters: (...[query, sight]: Parameters<Hub['clusters']>) =>
        listClusters(known(), query, { sight, standingsOf }),
      applications: (after: string | null) =>
        targets
          .names()
          .filter((name) => after === null || name > after)
          .map((name) => viewApplication(known(), nothingOfGit, name, targets.of(name))!),
      cluster: async (name: string) =>
        isKnownCluster(known(), name) ? viewCluster(known(), name) : undefined,
    },
  }
}

/** Reports of clusters in turn, so many a second as the thread has time for. */
function startFlow({ names, report }: ReturnType<typeof fillWorld>) {
  const start = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - start) / 1_000) * reportsPerSecond
    while (sent < due) report(names[sent++ % names.length]!)
  }, tickMs)
  return {
    /** Gives how many there were a second. */
    stop(): number {
      clearInterval(timer)
      return sent / ((performance.now() - start) / 1_000)
    },
  }
}

function askAll(address: string): Promise<RestLatencies> {
  const worker = new Worker(new URL('rest-client.ts', import.meta.url), { workerData: address })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
