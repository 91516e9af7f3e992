import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { startWorld } from '../bench/world.ts'
import { startBrowser } from '../support/browser.ts'
import { startForgeServer, writeForges } from '../support/forge-server.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import {
  absent,
  clusterNames,
  drifting,
  failing,
  fleetFiles,
  inhabited,
  openPulls,
  regions,
  soaking,
  workload,
} from './fleet-text.ts'

/* `npm run screens`: makes the pictures of the dashboard that the documentation shows, of a real hub
   with a fleet of agents without clusters; two of them have one in memory. `--into DIRECTORY` and
   `--width PIXELS` make others, to be looked at. */

const { values: flags } = parseArgs({
  options: { into: { type: 'string' }, width: { type: 'string', default: '1280' } },
})
const into = flags.into ?? fileURLToPath(new URL('../../deploy/docs/images/', import.meta.url))
const say = (text: string): void => void process.stderr.write(`${text}\n`)

await mkdir(into, { recursive: true })
await using settings = await createTempDir('screens')
await using forge = await startForgeServer('github')
forge.open.push(...openPulls(Date.now()))
const forges = await writeForges(settings.path, forge)
const env = { GROUNDSWELL_HUB_FORGES: forges }
await using world = await startWorld({ clusters: 0, fidelity: 'C', env }, say)
const { hub, load } = world

await world.commit(fleetFiles(), 'Open the shops')
await world.push()
const declared = regions.flatMap((region) => clusterNames(region))
await until(
  async () =>
    (await hub.api.get<{ counts: { clusters: number } }>('fleet')).counts.clusters ===
    declared.length,
  { deadlineMs: 30_000, what: 'the hub to know the fleet' },
)
const joining = regions.flatMap((region) => clusterNames(region).slice(0, -absent))
const tokens: string[] = []
for (const name of joining.filter((one) => !inhabited.some((other) => other === one))) {
  const body = { preApproved: true }
  tokens.push((await hub.api.post<{ token: string }>(`clusters/${name}/tokens`, body)).token)
}
await load.join(hub.enrolAddress, tokens)
await using agents = new AsyncDisposableStack()
const clusters = new Map(
  inhabited.map((name) => [
    name,
    createMemoryCluster({ uid: randomUUID(), settle: settleOn(name) }),
  ]),
)
for (const [name, cluster] of clusters) {
  agents.use(
    await startMemoryAgent(hub, name, {
      cluster,
      facts: { kubernetesVersion: 'v1.35.2' },
    }),
  )
}

/** Deployments are ready at once, but for the one that is to fail. */
function settleOn(name: string) {
  return (object: LiveObject): LiveObject => {
    if (object.kind !== 'Deployment') return object
    const { generation } = object.metadata
    const spoilt =
      name === failing.cluster &&
      object.metadata.name === failing.application &&
      JSON.stringify(object['spec']).includes(`:1.${failing.release}.0`)
    const ready = spoilt ? 1 : 2
    return {
      ...object,
      status: {
        ...{ observedGeneration: generation, replicas: 2, updatedReplicas: spoilt ? 1 : 2 },
        ...{ readyReplicas: ready, availableReplicas: ready },
        conditions: [
          spoilt
            ? {
                ...{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' },
                message: `ReplicaSet "${failing.application}-6c9d" has timed out progressing.`,
              }
            : { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
          { type: 'Available', status: 'True' },
        ],
      },
    }
  }
}

interface Waiting {
  readonly id: string
  readonly application: string
  readonly phase: string
  readonly waitingFor: readonly string[]
}
const findWaiting = async (words: string): Promise<readonly Waiting[]> => {
  const { items } = await hub.api.get<{ items: readonly Waiting[] }>('rollouts?active=true')
  return items.filter(({ waitingFor }) => waitingFor.some((each) => each.includes(words)))
}
const soon = { deadlineMs: 90_000, intervalMs: 250 }
const soaks = await until(
  async () => {
    const found = await findWaiting('soaks until')
    return found.find(({ application }) => soaking.includes(application))?.id
  },
  { ...soon, what: 'the rollout that soaks' },
)
const [rollout, unwanted] = await until(
  async () => {
    const [first, second] = await findWaiting('approval')
    if (!first || !second) throw new Error('no two wait for approval yet')
    return [first, second] as const
  },
  { ...soon, what: 'two rollouts to wait for approval' },
)
await hub.api.post(`rollouts/${unwanted.id}/rollback`, { reason: 'orders fail on the canaries' })
await until(
  async () => (await hub.api.get<{ items: readonly unknown[] }>('holds')).items.length === 1,
  { ...soon, what: 'the hold of what went back' },
)
const edited = `/ConfigMap/${drifting}/${drifting}`
const canary = clusters.get('canary-1')!
await until(async () => canary.read(edited), { ...soon, what: 'what is to drift' })
canary.edit(edited, 'kubectl-edit', (object) => ({
  ...object,
  data: { release: '41', greeting: 'Closed on Monday' },
}))
await until(
  async () =>
    (await hub.api.get<{ items: { phase: string }[] }>('rollouts?application=inventory')).items[0]
      ?.phase === 'Succeeded',
  { ...soon, what: 'the first release everywhere' },
)
const release = (name: string) => ({ [`apps/${name}/${name}.yaml`]: workload(name, 42) })
await world.commit(release(failing.application), 'inventory: count what is on order')
await world.push()
const stuck = await until(
  async () => {
    const { items } = await hub.api.get<{ items: Waiting[] }>(
      `rollouts?application=${failing.application}&limit=1`,
    )
    if (items[0]?.phase !== 'Paused') throw new Error(JSON.stringify(items[0]))
    return items[0]
  },
  { ...soon, what: 'the rollout that fails on a canary' },
)
await world.commit(
  { ...release('cart'), 'apps/loyalty/points.yaml': workload('points', 1) },
  'cart: remember what was in it; loyalty: count points',
)
await world.push('points')

await using browser = await startBrowser()
const { page } = await browser.visit(hub.url, await hub.token())
await page.setViewportSize({ width: Number(flags.width), height: 800 })
const pages = {
  fleet: '',
  clusters: 'clusters',
  cluster: `clusters/${failing.cluster}?application=${failing.application}`,
  applications: 'applications',
  application: `applications/${failing.application}`,
  plan: `applications/${rollout.application}/plan`,
  'pull-requests': 'pull-requests',
  'pull-request': 'pull-requests?branch=points',
  rollouts: 'rollouts',
  rollout: `rollouts/${rollout.id}`,
  'rollout-failed': `rollouts/${stuck.id}`,
  'rollout-soaking': `rollouts/${soaks}`,
  drift: 'drift',
  'cluster-drift': `clusters/canary-1?application=${drifting}`,
  holds: 'holds',
  windows: 'windows',
  policies: 'policies',
  events: 'events',
  audit: 'audit',
}
for (const colorScheme of ['light', 'dark'] as const) {
  await page.emulateMedia({ colorScheme })
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(`${hub.url}/ui/${path}`)
    await page.getByText('Loading…').first().waitFor({ state: 'detached' })
    await page.getByText('live', { exact: true }).waitFor()
    const file = join(into, `${name}-${colorScheme}.png`)
    await page.screenshot({ path: file, fullPage: flags.into !== undefined })
    say(file)
  }
}
