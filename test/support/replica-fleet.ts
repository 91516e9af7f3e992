import { applicationFiles, clusterFiles, strategyFile } from './fleet-files.ts'
import type { TestRepository } from './git-repository.ts'
import { startGitServer } from './git-server.ts'
import type { HubProcess } from './hub-process.ts'
import { startRedis } from './redis.ts'
import { type ReplicaProcesses, isReady, startReplicas } from './replica-processes.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** Three hubs that share a Redis, and a fleet repository whose application `web` says a text. */
export interface ReplicaFleet {
  readonly repository: TestRepository
  readonly replicas: ReplicaProcesses
  readonly leader: HubProcess
  /** The two others, ready. */
  readonly followers: readonly [HubProcess, HubProcess]
}

/** Everything is closed with `stack`. */
export async function startReplicaFleet(
  stack: AsyncDisposableStack,
  { name, text, args = [] }: { name: string; text: string; args?: readonly string[] },
): Promise<ReplicaFleet> {
  const directory = stack.use(await createTempDir(name))
  const git = stack.use(await startGitServer())
  const redis = stack.use(await startRedis())
  const repository = await git.createRepository('fleet')
  await repository.commit({
    ...clusterFiles,
    ...strategyFile('1s'),
    ...applicationFiles('web', text),
  })
  const replicas = stack.use(
    await startReplicas({
      directory: directory.path,
      fleetUrl: git.url('fleet'),
      redisUrl: redis.url,
      names: ['one', 'two', 'three'],
      args,
    }),
  )
  const leader = await replicas.untilLed()
  const followers = replicas.others(leader) as [HubProcess, HubProcess]
  for (const hub of followers) {
    await until(() => isReady(hub), { deadlineMs: 20_000, what: 'a follower to be ready' })
  }
  return { repository, replicas, leader, followers }
}
