import { repeat } from '../clock.ts'
import type { HubConfig } from '../config.ts'
import { createLifetime } from '../lifetime.ts'
import type { Log } from '../log.ts'
import type { RunningHub, Surroundings } from './surroundings.ts'

/** Starts a role that is a process of its own; it ends what it started, also when it cannot start. */
export async function startRole(
  config: HubConfig,
  log: Log,
  signal: AbortSignal,
  start: (surroundings: Surroundings) => Promise<void>,
): Promise<RunningHub> {
  const clock = Date.now
  await using started = createLifetime(repeat, (err, message) => log.warn({ err }, message))
  await start({ config, log, started, signal, clock, startedAt: clock() })
  log.info({ role: config.role }, 'ready')
  const owned = started.move()
  return { stop: async () => owned[Symbol.asyncDispose]() }
}
