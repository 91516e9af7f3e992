import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FleetView } from '../../hub/api/views.ts'
import { type AgentProcess, startAgent } from '../support/agent-process.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { type DemoCluster, openCluster } from './cluster.ts'
import {
  type Files,
  adaptExample,
  fleetPath,
  readExample,
  repositories,
  splitExample,
} from './example.ts'
import { type FleetClone, cloneFleet } from './fleet-clone.ts'
import { assertUnused, clearCluster, findGivenClusters } from './given-clusters.ts'
import { startLocalClusters } from './local-clusters.ts'
import { say } from './progress.ts'
import { sendWebhook } from './webhook.ts'

/** All that the demo runs. */
export interface Stack {
  readonly directory: string
  readonly clusters: readonly DemoCluster[]
  /** Clusters of our own, whose clock is ours and whose images nobody pulls. */
  readonly local: boolean
  readonly hub: HubProcess
  readonly agents: readonly AgentProcess[]
  readonly fleet: FleetClone
  /** Files that declare the applications; not in the repository yet. */
  readonly releases: Files
  /** Longest wait for one rollout, milliseconds. */
  readonly patience: number
}

const stopMs = 6_000

/**
 * Starts Redis, clusters, Git server, hub and an agent for each cluster. The fleet repository
 * declares no application yet, so that the first rollout finds every cluster there.
 *
 * @param stops gets everything that was started, to be ended in reverse
 */
export async function startStack(
  directory: string,
  contexts: readonly string[],
  stops: AsyncDisposableStack,
): Promise<Stack> {
  const local = contexts.length === 0
  const redis = stops.use(await startRedis())
  say(`Redis: ${redis.url}`)
  const places = local
    ? await startLocalClusters(directory, stops)
    : await findGivenClusters(contexts)
  const clusters: DemoCluster[] = []
  for (const place of places) {
    const cluster = await openCluster(place)
    stops.defer(() => cluster.close())
    clusters.push(cluster)
  }
  if (!local) {
    await assertUnused(clusters)
    stops.defer(async () => void (await Promise.all(clusters.map(clearCluster))))
  }

  const secret = randomBytes(24).toString('hex')
  let hub: HubProcess | undefined
  const git = stops.use(await startGitServer({ onPush: () => hint(hub, secret) }))
  const example = await readExample((name) => git.url(name))
  const files = splitExample(local ? example : adaptExample(example, places))
  for (const [name, from] of Object.entries(repositories))
    await git.createRepository(name, { from })
  const fleet = await serveFleet(git, join(directory, 'fleet'), files.fleet)
  say(`Git server: ${git.url('fleet')}`)

  hub = await startHub({
    directory,
    fleetUrl: git.url('fleet'),
    path: fleetPath,
    redisUrl: redis.url,
    // The webhook tells it at once; this is for one that got lost.
    interval: '15s',
    args: ['--webhook-secret-file', await writeSecret(directory, secret)],
  })
  const started = hub
  stops.defer(() => started.process().stop(stopMs))
  await until(
    async () => (await started.api.get<FleetView>('fleet')).counts.clusters === clusters.length,
    { deadlineMs: 30_000, what: 'the hub to have read the fleet repository' },
  )
  say(`hub: ${hub.url}`)
  const agents = await Promise.all(
    clusters.map(async ({ name, kubeconfig, context }) => {
      const agent = await startAgent(started, { directory, cluster: name, kubeconfig, context })
      say(`agent of ${name}: joined`)
      return agent
    }),
  )
  stops.defer(
    async () => void (await Promise.all(agents.map((agent) => agent.process().stop(stopMs)))),
  )
  const patience = local ? 180_000 : 900_000
  return { directory, clusters, local, hub, agents, fleet, releases: files.releases, patience }
}

async function serveFleet(git: GitServer, path: string, files: Files): Promise<FleetClone> {
  await git.createRepository('fleet')
  const fleet = await cloneFleet(git.url('fleet'), path)
  await fleet.commit(files, 'Declare clusters, groups and strategies')
  return fleet
}

async function writeSecret(directory: string, secret: string): Promise<string> {
  const path = join(directory, 'webhook-secret')
  await writeFile(path, secret, { mode: 0o600 })
  return path
}

function hint(hub: HubProcess | undefined, secret: string): void {
  if (hub === undefined) return
  sendWebhook(hub.url, secret).catch((error: unknown) => say(String(error)))
}
