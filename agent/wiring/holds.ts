import type { Log } from '../agent.ts'
import { systemClock } from '../cluster/clock.ts'
import type { Connection } from '../cluster/connection.ts'
import type { AgentConfig } from '../config.ts'
import { createFileHold } from '../hold/fs.ts'
import { type Holds, createHolds } from '../hold/holds.ts'
import { watchConfigMapHold } from '../hold/kube.ts'

/** An API server that is away must not keep a started agent from healing. */
const readWithinMs = 3_000

/** Every place where somebody may have set a hold; the ConfigMap was read where there is one. */
export async function openHolds(
  connection: Connection,
  config: Pick<AgentConfig, 'data' | 'holdNamespace'>,
  log: Log,
  signal: AbortSignal,
): Promise<Omit<Holds, 'close'> & { close(): Promise<void> }> {
  const namespace = config.holdNamespace ?? connection.namespace
  const inCluster =
    namespace === undefined || namespace === 'off'
      ? undefined
      : watchConfigMapHold(connection, namespace, systemClock, (message, fields) =>
          log.warn(fields, message),
        )
  await inCluster?.known(AbortSignal.any([signal, AbortSignal.timeout(readWithinMs)]))
  const sources = [createFileHold(config.data), ...(inCluster ? [inCluster] : [])]
  const every = (ms: number, run: () => void) => {
    const timer = setInterval(run, ms)
    timer.unref()
    return () => clearInterval(timer)
  }
  const holds = createHolds({ sources, clock: Date.now, every })
  return {
    ...holds,
    async close() {
      holds.close()
      await inCluster?.close()
    },
  }
}
