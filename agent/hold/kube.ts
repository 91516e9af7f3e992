import type { Connection } from '../cluster/connection.ts'
import { createApiClient } from '../cluster/http.ts'
import type { Clock } from '../cluster/clock.ts'
import type { LiveObject } from '../cluster/port.ts'
import { type Hold, holdAll, readHold } from './hold.ts'
import type { HoldSource } from './holds.ts'

/* A hold as a ConfigMap: set with kubectl, and watched, so that it costs no request of its own. */

export const holdConfigMap = 'groundswell-hold'

const answerMs = 10_000
/** Bookmarks come about once a minute, so longer silence means a dead connection. */
const idleMs = 100_000
const watchSeconds = 540
const retryMs = { first: 500, longest: 15_000 } as const

interface WatchLine {
  readonly type: string
  readonly object: LiveObject & { readonly data?: unknown; readonly code?: number }
}

export interface ConfigMapHold extends HoldSource {
  /** Resolves once the ConfigMap, or that there is none, is known; or when the signal fires. */
  known(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/**
 * Watches one ConfigMap. Until it was read once everything is held: an agent that starts must not
 * run past a veto that it has not heard of yet. Later, when the API server is away, what was last
 * read stands. So does a hold of everything where the agent may not read it: then nobody's veto
 * would be heard.
 */
export function watchConfigMapHold(
  connection: Connection,
  namespace: string,
  clock: Clock,
  log: (message: string, fields: Record<string, unknown>) => void,
): ConfigMapHold {
  const client = createApiClient(connection, { shares: true })
  const life = new AbortController()
  const source = `ConfigMap ${namespace}/${holdConfigMap}`
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const only = `fieldSelector=metadata.name%3D${holdConfigMap}`
  let hold: Hold | undefined = holdAll(source, 'it was not read yet')
  let learn = (): void => {}
  const learned = new Promise<void>((resolve) => {
    learn = resolve
  })

  function take(object: { readonly data?: unknown } | undefined): void {
    hold = object && readHold(object.data ?? {}, source)
    learn()
  }

  async function readOnce(): Promise<string> {
    const signal = AbortSignal.any([life.signal, AbortSignal.timeout(answerMs)])
    const answer = await client.send({ method: 'GET', path: `${path}?${only}`, signal })
    if (answer.status === 403) {
      take(undefined)
      hold = holdAll(
        source,
        'the agent may not list and watch it; grant it, or remove the ConfigMap',
      )
      throw new Error(`${source}: 403`)
    }
    if (answer.status !== 200) throw new Error(`${source}: HTTP ${answer.status}`)
    const list = JSON.parse(answer.body) as {
      metadata: { resourceVersion: string }
      items?: readonly { data?: unknown }[]
    }
    take(list.items?.[0])
    return list.metadata.resourceVersion
  }

  async function follow(version: string): Promise<void> {
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${watchSeconds}`
    const at = `${path}?${only}&${query}&resourceVersion=${version}`
    for await (const line of client.lines(at, idleMs, life.signal)) {
      const { type, object } = JSON.parse(line) as WatchLine
      if (type === 'ERROR') throw new Error(`${source}: watch refused with ${object.code}`)
      if (type === 'DELETED') take(undefined)
      else if (type !== 'BOOKMARK') take(object)
    }
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!life.signal.aborted) {
      try {
        const version = await readOnce()
        failures = 0
        await follow(version)
      } catch (error) {
        if (life.signal.aborted) return
        failures += 1
        if (failures === 1) log('the hold is looked for again', { error })
        const ms = Math.min(retryMs.longest, retryMs.first * 2 ** Math.min(failures, 10))
        await clock.sleep(ms, life.signal).catch(() => {})
      }
    }
  }

  const running = run()
  return {
    current: () => hold,
    known: (signal) =>
      Promise.race([
        learned,
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
      ]),
    async close() {
      life.abort()
      await running
      await client.close()
    },
  }
}
