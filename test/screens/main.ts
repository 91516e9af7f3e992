import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startWorld } from '../bench/world.ts'
import { startBrowser } from '../support/browser.ts'
import { until } from '../support/until.ts'
import { absent, clusterNames, fleetFiles, regions } from './fleet-text.ts'

/* `npm run screens`: makes the pictures of the dashboard that the documentation shows, of a real hub
   with a fleet of agents without clusters. */

const into = fileURLToPath(new URL('../../deploy/docs/images/', import.meta.url))
const say = (text: string): void => void process.stderr.write(`${text}\n`)

await mkdir(into, { recursive: true })
await using world = await startWorld({ clusters: 0, fidelity: 'C' }, say)
const { hub, load } = world

await world.commit(fleetFiles())
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
for (const name of joining) {
  const body = { preApproved: true }
  tokens.push((await hub.api.post<{ token: string }>(`clusters/${name}/tokens`, body)).token)
}
await load.join(hub.enrolAddress, tokens)
interface Waiting {
  readonly id: string
  readonly application: string
  readonly waitingFor: readonly string[]
}
const findWaiting = async (): Promise<readonly Waiting[]> => {
  const { items } = await hub.api.get<{ items: readonly Waiting[] }>('rollouts?active=true')
  return items.filter(({ waitingFor }) => waitingFor.some((words) => words.includes('approval')))
}
const [rollout, unwanted] = await until(
  async () => {
    const [first, second] = await findWaiting()
    if (!first || !second) throw new Error('no two wait for approval yet')
    return [first, second] as const
  },
  { deadlineMs: 60_000, what: 'two rollouts to wait for approval' },
)
await hub.api.post(`rollouts/${unwanted.id}/rollback`, { reason: 'orders fail on the canaries' })
await until(
  async () => (await hub.api.get<{ items: readonly unknown[] }>('holds')).items.length === 1,
  { deadlineMs: 30_000, what: 'the hold of what went back' },
)

await using browser = await startBrowser()
const { page } = await browser.visit(hub.url, await hub.token())
const pages = {
  fleet: '',
  clusters: 'clusters',
  cluster: `clusters/${joining[0]}?application=${rollout.application}`,
  applications: 'applications',
  application: `applications/${rollout.application}`,
  plan: `applications/${rollout.application}/plan`,
  rollouts: 'rollouts',
  rollout: `rollouts/${rollout.id}`,
  drift: 'drift',
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
    await page.screenshot({ path: file })
    say(file)
  }
}
