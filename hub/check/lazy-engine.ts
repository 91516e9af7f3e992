import type { RenderEngine } from '../render/engine.ts'
import type { EngineWorkers } from '../render/workers.ts'

/** An engine that starts with the first render: where all is in the cache, none is needed. */
export function createLazyEngine(
  version: string,
  start: () => Promise<RenderEngine & EngineWorkers>,
): RenderEngine & EngineWorkers {
  let started: Promise<RenderEngine & EngineWorkers> | undefined
  return {
    version,
    async render(input, files, signal) {
      const engine = await (started ??= start())
      return engine.render(input, files, signal)
    },
    async lend(id, signal, work) {
      const engine = await (started ??= start())
      return engine.lend(id, signal, work)
    },
    async close() {
      const engine = await started?.catch(() => undefined)
      await engine?.close()
    },
  }
}
