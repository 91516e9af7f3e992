import type { Registry } from 'prom-client'
import { createContentStore } from '../bundle/redis.ts'
import { lockDirectory, refuseSigningKeys } from '../fs.ts'
import { createRenderMetrics } from '../render/metrics.ts'
import { assertNoEviction, connectRedis } from '../redis.ts'
import { answerRendering } from '../roles/renderer-calls.ts'
import { createRemoteAttestor } from '../roles/signer-calls.ts'
import { openDirectory, openRedis } from './formats.ts'
import { startRendering } from './rendering.ts'
import { openSocket, reachSocket } from './sockets.ts'
import { prefixOf } from './store.ts'
import { openTracing } from './tracing.ts'
import type { Surroundings } from './surroundings.ts'

/** The renderer alone: mirrors, credentials and the engine. It attests to the signer by itself. */
export async function startRendererRole(
  surroundings: Surroundings,
  registry: Registry,
  version: string,
): Promise<void> {
  const { config, log, started, clock } = surroundings
  refuseSigningKeys(config.data)
  started.own(await lockDirectory(config.data), (unlock) => unlock())
  const kept = openDirectory(surroundings)
  await kept.refuseNewer()
  const redis = started.own(
    await connectRedis(config.redisUrl!, (message, err) => log.warn({ err }, message)),
    (connection) => connection.disconnect(),
  )
  await assertNoEviction(redis)
  await openRedis(surroundings, redis, prefixOf(config.fleetName)).refuseNewer()
  await kept.upgrade()
  const attest = reachSocket(surroundings, 'attest', 'signer_unavailable', {
    // It may be another signer, or one restored: all is told anew, once it is rendered anew.
    onUp() {
      rendering.forgetAttested()
      for (const news of listNews()) socket.tell(news)
    },
  })
  const rendering = await startRendering(surroundings, {
    content: createContentStore(redis, prefixOf(config.fleetName), clock),
    attestor: createRemoteAttestor(attest),
    metrics: createRenderMetrics(registry),
    trace: openTracing(surroundings, version),
    onRevision: async (name, revision) => socket.tell({ name, revision }),
    settle: async () => {},
  })
  const { renderer } = rendering
  const listNews = () => [...renderer.heads()].map(([name, revision]) => ({ name, revision }))
  const socket = await openSocket(surroundings, 'render', {
    methods: answerRendering(renderer),
    news: listNews,
  })
  await rendering.open()
  await rendering.recall()
  rendering.follow()
}
