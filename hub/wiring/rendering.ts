import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ContentStore } from '../bundle/content.ts'
import { readCredentials } from '../fs.ts'
import type { Metrics } from '../metrics.ts'
import { createCachedEngine, createMemoryRenderStore } from '../render/cache.ts'
import { createContents } from '../render/contents.ts'
import { createRenderEngine } from '../render/process.ts'
import { createMirror } from '../source/git.ts'
import { type Sources, createSources } from '../source/sources.ts'
import type { Surroundings } from './surroundings.ts'

const engineMemory = 1024 * 1024 * 1024
const renderTimeout = 90_000
const renderCache = 128 * 1024 * 1024

/** From Git to content. */
export interface Rendering {
  readonly sources: Sources
  readonly contents: ReturnType<typeof createContents>
  /** Opens the fleet repository's mirror without following it yet. */
  readonly openFleet: () => Promise<unknown>
}

export interface RenderingHooks {
  readonly metrics: Metrics
  readonly onRevision: (name: string, revision: string) => Promise<void>
  /** Resolves when nothing works on what was fetched any more. */
  readonly settle: () => Promise<void>
}

export async function startRendering(
  { config, log, started, signal, clock }: Surroundings,
  content: ContentStore,
  { metrics, onRevision, settle }: RenderingHooks,
): Promise<Rendering> {
  const engine = metrics.countRenders(
    await createRenderEngine({
      binary: config.engine ?? process.env['GROUNDSWELL_ENGINE'] ?? '',
      workers: config.workers,
      memoryBytes: engineMemory,
      timeoutMs: renderTimeout,
      directory: join(config.data, 'engine'),
      log: (message, detail) => log.warn(detail, message),
    }),
  )
  started.own(engine, (pool) => pool.close())
  const credentials = readCredentials(config.credentialsFile)
  const sources = createSources({
    directory: join(config.data, 'mirrors'),
    openMirror: (spec, directory) =>
      createMirror(spec, {
        directory,
        credentials,
        allowFile: config.allowFile,
        log: (message) => log.info({ repository: spec.name }, message),
      }),
    timing: {
      now: clock,
      random: Math.random,
      sleep: (ms, signal) => wait(ms, undefined, { signal }),
    },
    onRevision,
    onFailure: (name, err) => log.warn({ repository: name, err }, err.message),
    signal,
  })
  started.own(sources, async (all) => {
    await all.close()
    await settle()
  })
  const contents = createContents({
    engine: createCachedEngine(engine, createMemoryRenderStore(renderCache)),
    content,
    mirror: (name) => sources.mirror(name),
  })
  return {
    sources,
    contents,
    openFleet: () =>
      sources.open({
        name: 'fleet',
        url: config.fleetUrl,
        ref: { branch: config.branch },
        timeout: 60_000,
        ...(credentials['fleet'] ? { credential: 'fleet' } : {}),
      }),
  }
}
