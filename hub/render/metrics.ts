import { Counter, Histogram, type Registry } from 'prom-client'
import type { GitRequest } from '../source/remote/git.ts'
import type { Stopwatch } from '../stopwatch.ts'
import type { RenderEngine } from './engine.ts'

/** What reading Git and rendering cost; of a hub, or of the renderer alone. */
export function createRenderMetrics(registry: Registry) {
  const registers = [registry]
  const renders = new Counter({
    name: 'groundswell_renders_total',
    help: 'Renders done by the engine; answers from the cache are not renders.',
    labelNames: ['kind', 'result'],
    registers,
  })
  const duration = new Histogram({
    name: 'groundswell_render_duration_seconds',
    help: 'Time of one render.',
    labelNames: ['kind'],
    buckets: [0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 90],
    registers,
  })
  const git = new Histogram({
    name: 'groundswell_git_request_duration_seconds',
    help: 'Time of one conversation with a Git server.',
    labelNames: ['operation', 'result'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  })
  const timeGit: Stopwatch<GitRequest> = (operation) => {
    const stop = git.startTimer({ operation })
    return (result) => void stop({ result })
  }
  return {
    timeGit,
    countRenders(engine: RenderEngine): RenderEngine {
      return {
        version: engine.version,
        close: () => engine.close(),
        async render(input, files, signal) {
          const stop = duration.startTimer({ kind: input.kind })
          try {
            const result = await engine.render(input, files, signal)
            renders.inc({ kind: input.kind, result: 'done' })
            return result
          } catch (error) {
            renders.inc({ kind: input.kind, result: 'failed' })
            throw error
          } finally {
            stop()
          }
        },
      }
    },
  }
}

export type RenderMetrics = ReturnType<typeof createRenderMetrics>
