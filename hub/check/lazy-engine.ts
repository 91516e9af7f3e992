import type { RenderEngine } from '../render/engine.ts'

/** An engine that starts with the first render: where all is in the cache, none is needed. */
export function createLazyEngine(
  version: string,
  start: () => Promise<RenderEngine>,
): RenderEngine {
  let started: Promise<RenderEngine> | undefined
  return {
    version,
    async render(input, files, signal) {
      const engine = await (started ??= start())
      return engine.render(input, files, signal)
    },
    async close() {
      const engine = await started?.catch(() => undefined)
      await engine?.close()
    },
  }
}
