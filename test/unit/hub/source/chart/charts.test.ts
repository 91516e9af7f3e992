import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { ChartStore } from '../../../../../hub/source/chart/chart.ts'
import { createCharts } from '../../../../../hub/source/chart/charts.ts'

const archive = Buffer.from('an archive')

/** A repository whose index names one archive. */
function world(repo: string, named: { readonly url: string; readonly digest?: string }) {
  const asked: string[] = []
  const kept = new Map<Digest, Uint8Array>()
  const store: ChartStore = {
    has: async (digest) => kept.has(digest),
    read: async (digest) => kept.get(digest),
    put: async (digest, bytes) => void kept.set(digest, bytes),
    recall: async () => undefined,
    remember: async () => {},
  }
  const charts = createCharts({
    get: async ({ url }) => {
      asked.push(url)
      return url.endsWith('index.yaml') ? Buffer.from('index') : archive
    },
    pick: async () => ({ version: '1.0.0', urls: [named.url], digest: named.digest ?? '' }),
    ...{ store, now: () => 0, log: () => {} },
  })
  const reference = { repo, chart: 'shop', version: '1.0.0' }
  return { asked, find: () => charts.find(reference, new AbortController().signal) }
}

describe('a chart repository by https', () => {
  const repo = 'https://charts.example/stable'

  it('T27: is not left for an archive by http that nobody announced the bytes of', async () => {
    const { asked, find } = world(repo, { url: 'http://cdn.example/shop.tgz' })
    await assert.rejects(find(), { code: 'source_refused', message: /not https/ })
    assert.deepEqual(asked, [`${repo}/index.yaml`])
  })

  it('may name one by http whose digest it announces', async () => {
    const digest = digestOf(archive)
    const { find } = world(repo, { url: 'http://cdn.example/shop.tgz', digest })
    assert.deepEqual(await find(), { version: '1.0.0', digest })
  })

  it('may name one beside it, or by https elsewhere', async () => {
    for (const url of ['shop.tgz', 'https://cdn.example/shop.tgz']) {
      assert.equal((await world(repo, { url }).find()).digest, digestOf(archive))
    }
  })
})

it('a chart repository by http is what its fleet says it is', async () => {
  const { asked, find } = world('http://charts.example', { url: 'shop.tgz' })
  await find()
  assert.deepEqual(asked, ['http://charts.example/index.yaml', 'http://charts.example/shop.tgz'])
})
