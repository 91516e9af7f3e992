import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readServed } from '../../../../agent/cluster/served.ts'

const never = new AbortController().signal
const serve = (answers: Record<string, unknown>) => async (path: string) => ({
  ...{ status: path in answers ? 200 : 503, body: JSON.stringify(answers[path] ?? {}) },
  retryAfter: undefined,
})
const group = (name: string, version: string, kinds: readonly string[]) => ({
  metadata: { name },
  versions: [
    {
      version,
      resources: kinds.map((kind) => ({
        responseKind: { kind },
        subresources: [{ responseKind: { kind: 'Scale' } }, { responseKind: null }],
      })),
    },
  ],
})
const list = (...items: readonly unknown[]) => ({ kind: 'APIGroupDiscoveryList', items })

test('lists versions and their kinds, as Helm asks for them', async () => {
  const served = await readServed(
    serve({
      '/api': list(group('', 'v1', ['Pod'])),
      '/apis': list(group('apps', 'v1', ['Deployment'])),
    }),
    never,
  )
  assert.deepEqual(served, [
    ...['apps/v1', 'apps/v1/Deployment', 'apps/v1/Scale'],
    ...['v1', 'v1/Pod', 'v1/Scale'],
  ])
})

test('of a server that lists groups alone, versions', async () => {
  const groups = [{ name: 'apps', versions: [{ groupVersion: 'apps/v1', version: 'v1' }] }]
  const answers = { '/api': { kind: 'APIVersions', versions: ['v1'] }, '/apis': { groups } }
  assert.deepEqual(await readServed(serve(answers), never), ['apps/v1', 'v1'])
})

test('of a server with more than may be told, versions; of one that cannot say, nothing', async () => {
  const kinds = Array.from({ length: 5_000 }, (_, n) => `Kind${n}`)
  const answers = { '/api': list(group('', 'v1', kinds)), '/apis': list() }
  assert.deepEqual(await readServed(serve(answers), never), ['v1'])
  await assert.rejects(readServed(serve({ '/api': list() }), never), {
    code: 'cluster_unreachable',
  })
})
