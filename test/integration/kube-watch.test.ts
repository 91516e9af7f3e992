import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { systemClock } from '../../agent/cluster/clock.ts'
import { createApiClient } from '../../agent/cluster/http.ts'
import type { Resource } from '../../agent/cluster/port.ts'
import { listThenWatch } from '../../agent/cluster/watch.ts'
import { until } from '../support/until.ts'

const resource: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
}
const event = (type: string, name: string, version: number) =>
  `${JSON.stringify({
    type,
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, resourceVersion: `${version}` },
    },
  })}\n`
const tooOld = { kind: 'Status', code: 410, message: 'too old resource version' }

/** An API server that lists what its watches have told of, and whose watches end as a script says. */
async function startServer(
  script: readonly ((response: ServerResponse, version: number) => void)[],
) {
  let version = 0
  const names: string[] = []
  const seen: { version: string | null; bookmarks: string | null }[] = []
  const counts = { lists: 0 }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams
    if (query.get('watch') !== 'true') {
      counts.lists += 1
      const items = names.map((name) => ({ metadata: { name, resourceVersion: `${version}` } }))
      response.end(JSON.stringify({ metadata: { resourceVersion: `${version}` }, items }))
      return
    }
    const step = script[seen.length]
    seen.push({
      version: query.get('resourceVersion'),
      bookmarks: query.get('allowWatchBookmarks'),
    })
    version += 1
    if (step) {
      names.push(`step-${seen.length}`)
      step(response, version)
    } else response.write(event('BOOKMARK', '', version))
  }
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    counts,
    connection: {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      insecure: false,
      token: async () => undefined,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

it('F54: a watch goes on after silence, a cut and a forgotten version, and misses nothing', async () => {
  await using server = await startServer([
    // Says something, and then nothing for ever.
    (response, version) => response.write(event('ADDED', 'step-1', version)),
    // Ends in the middle of a line; what it would have told is in the next list.
    (response) => {
      response.write('{"type":"ADD')
      response.socket?.destroySoon()
    },
    (response, version) => response.end(event('ADDED', 'step-3', version)),
    // Forgotten, in the stream.
    (response) => response.end(`${JSON.stringify({ type: 'ERROR', object: tooOld })}\n`),
    // Forgotten, by status.
    (response) => response.writeHead(410).end(JSON.stringify(tooOld)),
  ])
  const client = createApiClient(server.connection)
  const stop = new AbortController()
  const known = new Set<string>()
  const synced: number[] = []
  const deps = {
    client,
    get: (path: string, signal: AbortSignal) => client.send({ method: 'GET', path, signal }),
    clock: systemClock,
    random: () => 0,
    silenceMs: 300,
  }
  const loop = (async () => {
    for await (const told of listThenWatch(resource, 'mine', deps, stop.signal)) {
      if (told.type === 'synced') synced.push(told.ids.size)
      else if (told.type === 'listed') for (const one of told.objects) known.add(one.metadata.name)
      else if (told.type !== 'lost') known.add(told.object.metadata.name)
    }
  })()
  await until(() => server.seen.length >= 6, { deadlineMs: 10_000, what: 'the sixth watch' })
  stop.abort()
  await loop
  await client.close()
  assert.deepEqual([...known].toSorted(), ['step-1', 'step-2', 'step-3', 'step-4', 'step-5'])
  // A list at first, and one after each watch that ended badly: only one that was ended well goes on from where
  // it was, for a server that comes back may be of an older day.
  assert.equal(server.counts.lists, 5)
  const versions = server.seen.map(({ version }) => version)
  assert.deepEqual(versions.slice(0, 4), ['0', '1', '2', '3'])
  assert.ok(server.seen.every(({ bookmarks }) => bookmarks === 'true'))
})
