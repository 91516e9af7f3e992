import { setTimeout as wait } from 'node:timers/promises'
import { takeTurns } from '../clock.ts'
import { createNews } from '../roles/news.ts'
import { createRemoteRenderer, parseNews } from '../roles/renderer-calls.ts'
import type { Rendering, RenderingHooks } from './rendering.ts'
import { reachSocket } from './sockets.ts'
import type { Surroundings } from './surroundings.ts'

/** The renderer of another process; it follows Git by itself. */
export function reachRenderer(
  surroundings: Surroundings,
  { onRevision, settle }: Pick<RenderingHooks, 'onRevision' | 'settle'>,
): Rendering {
  const { log, started, signal } = surroundings
  const news = createNews({
    onRevision,
    onFailure: (name, err) => log.warn({ repository: name, err }, 'news could not be taken in'),
    sleep: (ms, signal) => wait(ms, undefined, { signal }),
    signal,
  })
  started.own(news, async () => {
    await news.settle()
    await settle()
  })
  const caller = reachSocket(surroundings, 'render', 'renderer_unavailable', {
    onNews(value) {
      const { name, revision } = parseNews(value)
      news.put(name, revision)
    },
  })
  return {
    renderer: createRemoteRenderer(caller, takeTurns),
    open: async () => {},
    recall: async () => {},
    follow: () => news.follow(),
  }
}
