import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { addBuildInfo, createMetrics, relayedMetric } from '../../hub/metrics.ts'
import { createRenderMetrics } from '../../hub/render/metrics.ts'
import { serveProbes } from '../../hub/roles/http.ts'
import { createApplicationSums } from '../../hub/status/application-sums.ts'
import { addFleetMetrics } from '../../hub/status/metrics.ts'
import { freePort } from '../support/free-port.ts'

/** Names that Git declares, and words of closed lists. A new label has to be argued for. */
const bounded = new Set([
  ...['app', 'project', 'cluster', 'source'],
  ...['sync_status', 'health_status', 'state', 'phase', 'round', 'result', 'operation'],
  ...['severity', 'kind', 'code', 'listener', 'reason', 'route', 'status', 'version', 'role'],
])

function createAll(): Registry {
  const metrics = createMetrics(new Registry())
  const { registry } = metrics
  createRenderMetrics(registry)
  addBuildInfo(registry, '1.2.3', 'all')
  const sums = createApplicationSums()
  sums.give([
    { application: 'web', standing: 'updated', drifted: false, health: 'Current' },
    { application: 'web', standing: 'failed', drifted: true, health: 'Failed' },
  ])
  addFleetMetrics(registry, {
    summary: () => ({
      clusters: {
        ...{ total: 3, connected: 2, disconnected: 1, neverConnected: 0, stale: 0 },
        ...{ waitForApproval: 0, locked: 0, revoked: 0 },
      },
      deployments: { updated: 1, pending: 0, failed: 1, unreachable: 0, drifted: 1 },
      ...{ applications: 1, groups: 0, rollouts: { active: 1, paused: 0, waiting: 1 }, holds: 2 },
    }),
    applications: () => sums.all,
    projectOf: () => 'team',
    connections: () => [
      { cluster: 'a', connected: true },
      { cluster: 'b', connected: false },
    ],
    sources: async () => [{ name: 'fleet', lastFetchedAt: 5_000, failure: { count: 2 } }],
    configuration: () => ({ refused: true, faults: 1, warnings: 0 }),
    ledgerEntries: () => 9,
    faults: async () => new Set(['ledger_unpushed']),
  })
  metrics.countEnded({ phase: 'Applied', seconds: 1.5 })
  metrics.countRequest('/api/v1/clusters/:name', 404, 0.004)
  return registry
}

describe('metrics', () => {
  it('are all on the page about operating, with their labels, and no other is', async () => {
    const page = readFileSync(new URL('../../deploy/docs/operating.md', import.meta.url), 'utf8')
    const told = new Map(
      [...page.matchAll(/^\| `(groundswell_\w+)` +\| ([^|]*)\|/gm)].map(([, name, labels]) => [
        name,
        [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).toSorted(),
      ]),
    )
    // Told by a replica that stands by, which has no registry.
    told.delete(relayedMetric)
    const registered = createAll().getMetricsAsArray() as unknown as {
      name: string
      labelNames: string[]
    }[]
    const found = new Map(registered.map(({ name, labelNames }) => [name, labelNames.toSorted()]))
    assert.deepEqual(Object.fromEntries(told), Object.fromEntries(found))
  })

  it('have labels of bounded values only', () => {
    for (const metric of createAll().getMetricsAsArray()) {
      const { name, labelNames } = metric as unknown as { name: string; labelNames: string[] }
      for (const label of labelNames) assert.ok(bounded.has(label), `${name}: ${label}`)
    }
  })

  it('read the fleet when they are scraped, and forget what is gone', async () => {
    const text = await createAll().metrics()
    for (const line of [
      'groundswell_app_info{app="web",project="team",sync_status="OutOfSync",health_status="Failed"} 1',
      'groundswell_app_clusters{app="web",state="desired"} 2',
      'groundswell_app_clusters{app="web",state="drifted"} 1',
      'groundswell_clusters{state="connected"} 2',
      'groundswell_cluster_connection_status{cluster="b"} 0',
      'groundswell_deployments{state="failed"} 1',
      'groundswell_rollouts{state="waiting"} 1',
      'groundswell_holds 2',
      'groundswell_source_last_fetch_timestamp_seconds{source="fleet"} 5',
      'groundswell_source_failures{source="fleet"} 2',
      'groundswell_fleet_refused 1',
      'groundswell_ledger_entries 9',
      'groundswell_hub_fault{code="ledger_unpushed"} 1',
      'groundswell_hub_fault{code="redis_unwritable"} 0',
      'groundswell_hub_fault{code="disk_low"} 0',
      'groundswell_sync_total{phase="Applied"} 1',
      'groundswell_http_request_duration_seconds_count{route="/api/v1/clusters/:name",status="4xx"} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), line)
    }
  })

  it('are served beside probes where there is no API', async () => {
    const port = await freePort()
    let ready = false
    const close = await serveProbes('127.0.0.1', port, {
      ready: () => ready,
      metrics: createAll(),
    })
    const ask = async (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
    try {
      assert.equal((await ask('/livez')).status, 200)
      assert.equal((await ask('/readyz')).status, 503)
      ready = true
      assert.equal((await ask('/readyz')).status, 200)
      assert.match(await (await ask('/metrics')).text(), /^groundswell_build_info\{.*\} 1$/m)
      assert.equal((await ask('/api/v1/summary')).status, 404)
    } finally {
      await close()
    }
  })
})
