import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../../../agent/cluster/http.ts'
import type { Resource, WatchEvent } from '../../../../agent/cluster/port.ts'
import { listThenWatch, type WatchDeps } from '../../../../agent/cluster/watch.ts'
import { AgentError } from '../../../../agent/errors.ts'
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts'

const resource: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
}
const line = (type: string, name: string, resourceVersion: string) =>
  JSON.stringify({
    type,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, resourceVersion } },
  })
const page = (names: string[], version: string, next = '') => ({
  status: 200,
  retryAfter: undefined,
  body: JSON.stringify({
    metadata: { resourceVersion: version, continue: next },
    items: names.map((name) => ({ metadata: { name } })),
  }),
})
const query = (path: string) => new URLSearchParams(path.split('?')[1])

type Script = readonly (readonly string[] | Error)[]

/** Runs the loop against scripted answers; the last watch never ends. */
async function run(pages: readonly Answer[], watches: Script, clock: ManualClock, forMs = 120_000) {
  const stop = new AbortController()
  const lists: string[] = []
  const opened: string[] = []
  const deps: WatchDeps = {
    clock,
    random: () => 0.5,
    get: async (path) => {
      lists.push(path)
      return pages[lists.length - 1] ?? page([], '99')
    },
    client: {
      async *lines(path) {
        const script = watches[opened.length]
        opened.push(path)
        if (script instanceof Error) throw script
        if (script) return yield* script
        await new Promise<void>((resolve) => {
          stop.signal.addEventListener('abort', () => resolve(), { once: true })
        })
      },
    },
  }
  const events: WatchEvent[] = []
  const loop = (async () => {
    for await (const event of listThenWatch(resource, 'mine', deps, stop.signal)) events.push(event)
  })()
  await clock.advance(forMs)
  stop.abort()
  await loop
  return { events, lists, opened }
}

const names = (events: readonly WatchEvent[]) =>
  events.map((event) =>
    event.type === 'synced'
      ? `synced ${[...event.ids].map((id) => id.split('/').at(-1)).join()}`
      : event.type === 'listed'
        ? `listed ${event.objects.map(({ metadata }) => metadata.name).join()}`
        : event.type === 'lost'
          ? `lost: ${event.reason}`
          : `${event.type} ${event.object.metadata.name}`,
  )
/** Without the pages, of which each list has one. */
const news = (events: readonly WatchEvent[]) =>
  names(events.filter(({ type }) => type !== 'listed'))

describe('listThenWatch', () => {
  it('hands on page by page, says synced after the last, and gives items the kind lists leave out', async () => {
    const pages = [page(['a'], '5', 'token'), page(['b'], '5')]
    const { events, lists } = await run(pages, [], createManualClock())
    assert.deepEqual(names(events), ['listed a', 'listed b', 'synced a,b'])
    assert.equal(query(lists[0] ?? '').get('limit'), '500')
    assert.equal(query(lists[1] ?? '').get('continue'), 'token')
    const [listed] = events
    assert.equal(listed?.type === 'listed' && listed.objects[0]?.kind, 'ConfigMap')
  })

  it('does not say synced of a list that broke off between pages, and begins again', async () => {
    const refused = { status: 410, retryAfter: undefined, body: '{}' }
    const pages = [page(['a'], '5', 'token'), refused, page(['b'], '7')]
    const { events, opened } = await run(pages, [], createManualClock())
    assert.deepEqual(names(events), ['listed a', 'listed b', 'synced b'])
    assert.equal(query(opened[0] ?? '').get('resourceVersion'), '7')
  })

  it('goes on from the last version it saw when a watch ends, bookmarks included', async () => {
    const watches = [[line('ADDED', 'a', '6'), line('BOOKMARK', '', '9')], []]
    const { events, lists, opened } = await run([page([], '5')], watches, createManualClock())
    assert.deepEqual(news(events), ['synced ', 'added a'])
    assert.equal(lists.length, 1)
    assert.deepEqual(
      opened.map((path) => query(path).get('resourceVersion')),
      ['5', '9', '9'],
    )
    assert.equal(query(opened[0] ?? '').get('allowWatchBookmarks'), 'true')
  })

  // Found by restoring etcd: a watch from a version that is yet to come says nothing.
  it('F32: lists anew after a server that broke off, which may be back with an older etcd', async () => {
    const watches = [[line('ADDED', 'a', '6')], new AgentError('cluster_unreachable', 'reset')]
    const pages = [page([], '5'), page([], '2')]
    const { events, opened } = await run(pages, watches, createManualClock())
    assert.deepEqual(news(events), ['synced ', 'added a', 'synced '])
    assert.equal(query(opened.at(-1) ?? '').get('resourceVersion'), '2')
  })

  it('F54: lists anew when the server has forgotten where it was', async () => {
    const gone = JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old' } })
    const pages = [page(['a'], '5'), page(['b'], '7')]
    const { events, opened } = await run(pages, [[gone]], createManualClock())
    assert.deepEqual(news(events), ['synced a', 'synced b'])
    assert.equal(query(opened[1] ?? '').get('resourceVersion'), '7')
  })

  it('F54: tries a failing list again, ever more rarely', async () => {
    const refused = { status: 403, retryAfter: undefined, body: '{}' }
    const pages = Array.from({ length: 100 }, () => refused)
    const { events, lists } = await run(pages, [], createManualClock())
    assert.deepEqual(events, [])
    assert.ok(lists.length > 5 && lists.length < 15, `${lists.length} lists in two minutes`)
  })

  it('I8: says once that what it told may be old, and takes that back with the next list', async () => {
    const refused = { status: 403, retryAfter: undefined, body: '{"message":"no more"}' }
    const pages = [page(['a'], '5'), ...Array.from({ length: 17 }, () => refused), page(['b'], '9')]
    const cut = new AgentError('cluster_unreachable', 'reset')
    const { events } = await run(pages, [cut], createManualClock(), 20 * 60_000)
    const told = news(events).slice(0, 3)
    assert.deepEqual(told, ['synced a', 'lost: list configmaps: no more', 'synced b'])
  })

  it('F54: lists anew every ten minutes even when all seems well', async () => {
    const clock = createManualClock()
    const quiet: Script = Array.from({ length: 3 }, () => [])
    const stop = new AbortController()
    let lists = 0
    const deps: WatchDeps = {
      clock,
      random: () => 0.5,
      get: async () => {
        lists += 1
        return page([], '5')
      },
      client: {
        async *lines(path) {
          assert.ok(Number(query(path).get('timeoutSeconds')) <= 660)
          await clock.sleep(60_000, stop.signal)
          yield* quiet[0] as readonly string[]
        },
      },
    }
    const loop = (async () => {
      for await (const _ of listThenWatch(resource, 'mine', deps, stop.signal)) continue
    })()
    await clock.advance(25 * 60_000)
    stop.abort()
    await loop.catch(() => undefined)
    assert.equal(lists, 3)
  })
})
