import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { relayedMetric } from '../../hub/metrics.ts'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { hasPrometheus, runPrometheus } from '../support/prometheus.ts'
import { until } from '../support/until.ts'

/* What deploy/observe and deploy/docs/runbooks.md offer, against a real hub and a real Prometheus. */

const place = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const run = promisify(execFile)
const hasPromtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url: string }
}
interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly templating: { readonly list: readonly { readonly query: unknown }[] }
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly gridPos: {
      readonly x: number
      readonly y: number
      readonly w: number
      readonly h: number
    }
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

let rules: readonly Rule[] = []
const dashboards = new Map<string, Dashboard>()

before(async () => {
  const file = parse(await readFile(place('deploy/observe/alerts.yaml'), 'utf8')) as Rules
  rules = file.groups.flatMap(({ rules }) => rules)
  for (const name of await readdir(place('deploy/observe/dashboards'))) {
    const text = await readFile(place(`deploy/observe/dashboards/${name}`), 'utf8')
    dashboards.set(name, JSON.parse(text) as Dashboard)
  }
})

describe('alerts', () => {
  it('promtool takes the rules, and each fires for its fault and for nothing less', async (t) => {
    if (!hasPromtool) return t.skip('promtool is not installed')
    await run('promtool', ['check', 'rules', '--lint-fatal', place('deploy/observe/alerts.yaml')])
    const tests = place('test/observe/alerts.test.yaml')
    const { stdout } = await run('promtool', ['test', 'rules', tests])
    assert.match(stdout, /SUCCESS/)
    const text = await readFile(tests, 'utf8')
    for (const { alert } of rules) assert.match(text, new RegExp(`"?${alert}"?\\b`), alert)
  })

  it('each has a section in the runbooks, and each section an alert', async () => {
    const runbooks = await readFile(place('deploy/docs/runbooks.md'), 'utf8')
    const sections = [...runbooks.matchAll(/^## (\S+)$/gm)].map(([, name]) => name!)
    // Two may have one section: the same fault, nearer.
    const links = rules.map(({ annotations }) => annotations.runbook_url)
    assert.deepEqual(
      [...new Set(links)].sort(),
      sections.map((name) => `deploy/docs/runbooks.md#${name.toLowerCase()}`).sort(),
    )
    for (const { alert, annotations, labels } of rules) {
      const [, anchor] = annotations.runbook_url.split('#')
      assert.ok(alert.toLowerCase().startsWith(anchor!), alert)
      assert.match(labels.severity, /^(warning|critical)$/)
    }
  })
})

describe('dashboards', () => {
  it('are four, by ids of their own, and no panel lies over another', () => {
    assert.deepEqual([...dashboards.keys()].sort(), [
      ...['agent.json', 'fleet.json', 'hub.json', 'rollout.json'],
    ])
    const uids = [...dashboards.values()].map(({ uid }) => uid)
    assert.equal(new Set(uids).size, uids.length)
    for (const [name, { panels }] of dashboards) {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, name)
      const taken = new Set<string>()
      for (const { title, gridPos, targets } of panels) {
        assert.ok(targets.length > 0, `${name}: ${title}`)
        assert.ok(gridPos.x + gridPos.w <= 24, `${name}: ${title}`)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.ok(!taken.has(`${x},${y}`), `${name}: ${title}`)
            taken.add(`${x},${y}`)
          }
        }
      }
    }
  })
})

/** Every expression there is, by where it stands. */
function listExpressions(): [where: string, expression: string][] {
  const ofPanels = [...dashboards].flatMap(([name, { panels, templating }]) => [
    ...panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }): [string, string] => [`${name}: ${title}`, expr]),
    ),
    ...templating.list.flatMap(({ query }): [string, string][] => {
      const found = /^label_values\((\w+), \w+\)$/.exec((query as { query?: string }).query ?? '')
      return found ? [[`${name}: a variable`, found[1]!]] : []
    }),
  ])
  const ofRules = rules.map(({ alert, expr }): [string, string] => [alert, expr])
  return [...ofPanels, ...ofRules].map(([where, expression]) => [
    where,
    expression.replaceAll('$__rate_interval', '5m').replaceAll(/"\$(app|cluster)"/g, '".*"'),
  ])
}

it('a real Prometheus scrapes a real hub: every metric is there, every query answers, and faults fire', async (t) => {
  if (!hasPrometheus()) return t.skip('prometheus is not installed')
  await using world = await createSurroundings()
  const hub = await world.start({ args: ['--offline-grace', '2s'] })
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await untilReady(hub)
  await using _ = await startMemoryAgent(hub, 'a')
  await using b = await startMemoryAgent(hub, 'b')
  await waitForRollout(hub.api, 'web', 'Succeeded')

  // 1. Names: whatever is drawn or watched is told.
  const page = await readMetrics(hub)
  const told = new Set([...page.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!))
  // Only a replica that stands by tells this one; `replicas-serve.test.ts` reads it there.
  told.add(relayedMetric)
  for (const [where, expression] of listExpressions()) {
    const names = expression.match(/\b(groundswell|nodejs|process)_\w+/g) ?? []
    assert.ok(names.length > 0, where)
    for (const name of names) {
      assert.ok(
        told.has(name.replace(/_(bucket|sum|count)$/, '')) || told.has(name),
        `${where}: ${name}`,
      )
    }
  }

  // 2. Prometheus as an operator sets it up, but that no fault has to last for minutes.
  const tokenFile = join(world.directory, 'prometheus-token')
  const { token } = await hub.api.post<{ token: string }>('tokens', {
    ...{ name: 'prometheus', role: 'viewer' },
  })
  await writeFile(tokenFile, token, { mode: 0o600 })
  const quick = rules.map((rule) => (rule.for === undefined ? rule : { ...rule, for: '1s' }))
  const ruleFile = join(world.directory, 'alerts.yaml')
  await writeFile(
    ruleFile,
    stringify({ groups: [{ name: 'quick', interval: '200ms', rules: quick }] }),
  )
  await using prometheus = await runPrometheus({
    global: { scrape_interval: '250ms', evaluation_interval: '200ms' },
    rule_files: [ruleFile],
    scrape_configs: [
      {
        job_name: 'groundswell',
        authorization: { credentials_file: tokenFile },
        static_configs: [{ targets: [new URL(hub.url).host] }],
      },
    ],
  })
  const firing = async (): Promise<string[]> => {
    const response = await fetch(`${prometheus.url}/api/v1/alerts`)
    const { data } = (await response.json()) as {
      data: { alerts: { state: string; labels: Record<string, string> }[] }
    }
    return data.alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels }) => [labels['alertname'], labels['cluster']].filter(Boolean).join(' '))
      .sort()
  }
  const fires = (name: string) =>
    until(async () => (await firing()).includes(name), {
      ...{ deadlineMs: 30_000, intervalMs: 200, what: `${name} to fire` },
    })
  const ends = (name: string) =>
    until(async () => !(await firing()).includes(name), {
      ...{ deadlineMs: 30_000, intervalMs: 200, what: `${name} to end` },
    })
  await until(async () => (await prometheus.ask('groundswell_agents_connected'))[0] === '2', {
    ...{ deadlineMs: 30_000, what: 'the hub to be scraped' },
  })
  await ends('GroundswellHubDown')
  assert.deepEqual(await firing(), [], 'nothing fires while all is well')

  // 3. Every query is one that Prometheus understands.
  for (const [where, expression] of listExpressions()) {
    const query = new URLSearchParams({ query: expression }).toString()
    const response = await fetch(`${prometheus.url}/api/v1/query?${query}`)
    assert.equal(response.status, 200, `${where}: ${expression}: ${await response.text()}`)
  }

  // 4. Faults: a commit that is refused, an agent that is gone, the hub that is gone.
  await world.repository.commit({
    'fleet/web.yaml': 'apiVersion: groundswell.dev/v1alpha1\nkind: Nothing\n',
  })
  await fires('GroundswellFleetRefused')
  await world.repository.commit(applicationFiles('web', 'one'))
  await ends('GroundswellFleetRefused')
  await b.stop()
  await fires('GroundswellAgentsLost')
  await fires('GroundswellClusterAway b')
  assert.ok(!(await firing()).includes('GroundswellClusterAway a'))
  await b.start()
  await ends('GroundswellAgentsLost')
  await ends('GroundswellClusterAway b')
  await hub.kill()
  await fires('GroundswellHubDown')
  await hub.start()
  await ends('GroundswellHubDown')
})

async function readMetrics(hub: HubProcess): Promise<string> {
  const response = await fetch(`${hub.url}/metrics`, {
    headers: { authorization: `Bearer ${await hub.token()}` },
  })
  assert.equal(response.status, 200)
  return response.text()
}
