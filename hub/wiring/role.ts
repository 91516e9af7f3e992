import { Registry } from 'prom-client'
import { repeat } from '../clock.ts'
import type { HubConfig } from '../config.ts'
import type { HubErrorCode } from '../errors.ts'
import { createLifetime } from '../lifetime.ts'
import type { Log } from '../log.ts'
import { addProcessMetrics } from '../metrics.ts'
import { serveProbes } from '../roles/http.ts'
import { openPrograms } from './programs.ts'
import type { About } from './support.ts'
import type { RunningHub, Surroundings } from './surroundings.ts'

/** Starts a role that is a process of its own; it ends what it started, also when it cannot start. */
export async function startRole(
  config: HubConfig,
  log: Log,
  signal: AbortSignal,
  { version, build }: Pick<About, 'version' | 'build'>,
  start: (surroundings: Surroundings, registry: Registry, version: string) => Promise<void>,
): Promise<RunningHub> {
  const clock = Date.now
  await using started = createLifetime(repeat, (err, message) => log.warn({ err }, message))
  const run = openPrograms(started, log)
  const registry = new Registry()
  let ready = false
  if (config.metricsPort !== undefined) {
    addProcessMetrics(registry, version, config.role)
    const probes = { ready: () => ready, metrics: registry }
    const close = await serveProbes(config.host, config.metricsPort, probes)
    started.own({ close }, (serving) => serving.close())
  }
  const away = new Set<HubErrorCode>()
  const startedAt = clock()
  const surroundings = { config, log, started, signal, clock, startedAt, run, build, away }
  await start(surroundings, registry, version)
  ready = true
  log.info({ role: config.role }, 'ready')
  const owned = started.move()
  return { stop: async () => owned[Symbol.asyncDispose]() }
}
