import { type AgentProcess, startAgent } from './agent-process.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { applicationFiles, clusterFiles, strategyFile } from './fleet-files.ts'
import type { TestRepository } from './git-repository.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { type HubProcess, startHub } from './hub-process.ts'
import { kubeRequest } from './kube-request.ts'
import { type TestRedis, startRedis } from './redis.ts'
import { createTempDir } from './temp-dir.ts'

/** Three real API servers, a Git server, a Redis, a hub and an agent each: for faults. */
export interface SmallFleet extends AsyncDisposable {
  readonly hub: HubProcess
  readonly git: GitServer
  readonly repository: TestRepository
  readonly redis: TestRedis
  readonly planes: ReadonlyMap<string, ControlPlane>
  readonly agents: ReadonlyMap<string, AgentProcess>
  /** Text of the ConfigMap `settings` in a namespace; undefined when it is not there. */
  readText(cluster: string, namespace: string, name?: string): Promise<string | undefined>
}

/**
 * Brings everything up, with application `web` saying "one" once a rollout has run.
 *
 * @param args further flags of the hub
 */
export async function startSmallFleet(
  soak = '2s',
  args: readonly string[] = [],
): Promise<SmallFleet> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await createTempDir('small-fleet'))
  const git = stack.use(await startGitServer())
  const redis = stack.use(await startRedis())
  const repository = await git.createRepository('fleet')
  await repository.commit({
    ...clusterFiles,
    ...strategyFile(soak),
    ...applicationFiles('web', 'one'),
  })
  const hub = await startHub({
    directory: directory.path,
    fleetUrl: git.url('fleet'),
    path: 'fleet',
    redisUrl: redis.url,
    interval: '1s',
    args,
  })
  stack.defer(() => hub.stop())
  const planes = new Map<string, ControlPlane>()
  for (const name of ['a', 'b', 'c']) {
    planes.set(name, stack.use(await startControlPlane({ name })))
  }
  const agents = new Map<string, AgentProcess>()
  for (const [cluster, { kubeconfig }] of planes) {
    const agent = await startAgent(hub, { directory: directory.path, cluster, kubeconfig })
    stack.defer(() => agent.stop())
    agents.set(cluster, agent)
  }
  const owned = stack.move()
  return {
    hub,
    git,
    repository,
    redis,
    planes,
    agents,
    async readText(cluster, namespace, name = 'settings') {
      const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`
      const { status, body } = await kubeRequest(planes.get(cluster)!, 'GET', path)
      if (status === 404) return undefined
      return (body as { data: { text: string } }).data.text
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
