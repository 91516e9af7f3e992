import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { viewImages } from '../../../../hub/status/images.ts'
import { application, assignment, cluster, knownOf } from './known-world.ts'

const [before, after] = [digestOf('before'), digestOf('after')]
const web = 'apps/Deployment/shop/web'
const contents = new Map([
  [before, [{ image: 'example.org/web:v1', object: web }]],
  [
    after,
    [
      { image: 'example.org/web:v2', object: web },
      { image: 'example.org/web:v2', object: 'batch/Job/shop/migrate' },
      { image: `proxy@${digestOf('p')}`, object: web },
    ],
  ],
])
const read = async (digests: readonly Digest[]) =>
  new Map([...contents].filter(([digest]) => digests.includes(digest)))

const wants = (name: string, digest: Digest | null) => assignment(name, 'shop', { digest })
const has = (name: string, digest: Digest, rest = {}) =>
  cluster(name, { applications: { shop: application('shop', { digest }) }, ...rest })

describe('images of an application', () => {
  it('are counted by clusters that should run them, run them, or did when last heard of', async () => {
    const away = { connection: { state: 'Disconnected' as const, since: 1 } }
    const known = knownOf(
      [wants('a', after), wants('b', after), wants('c', after)],
      [has('a', after), has('b', before), has('c', before, away)],
    )
    const { images, unread } = await viewImages(known, 'shop', read)
    assert.deepEqual(
      images.map(({ image, tag, wanted, running, unreachable }) => [
        ...[image, tag, wanted, running, unreachable],
      ]),
      [
        ['example.org/web:v1', 'v1', 0, 1, 1],
        ['example.org/web:v2', 'v2', 3, 1, 0],
        [`proxy@${digestOf('p')}`, null, 3, 1, 0],
      ],
    )
    assert.deepEqual(images[1]?.objects, [web, 'batch/Job/shop/migrate'])
    assert.deepEqual(
      [images[2]?.repository, images[2]?.digest],
      ['docker.io/library/proxy', digestOf('p')],
    )
    assert.deepEqual(unread, { wanted: 0, running: 0 })
  })

  it('do not run where content is being applied, failed or is removed', async () => {
    const applying = application('shop', { digest: after, phase: 'Applying' })
    const failed = application('shop', { digest: after, phase: 'Failed' })
    const known = knownOf(
      [wants('a', after), wants('b', null)],
      [
        cluster('a', { applications: { shop: applying } }),
        cluster('b', { applications: { shop: failed } }),
      ],
    )
    const { images } = await viewImages(known, 'shop', read)
    assert.deepEqual(
      images.map(({ wanted, running }) => [wanted, running]),
      [
        [1, 0],
        [1, 0],
      ],
    )
  })

  it('that cannot be read are counted, not taken for none', async () => {
    const lost = digestOf('lost')
    const known = knownOf([wants('a', lost), wants('b', lost)], [has('a', lost)])
    assert.deepEqual(await viewImages(known, 'shop', read), {
      images: [],
      unread: { wanted: 2, running: 1 },
    })
  })

  it('show text that is no reference as it is', async () => {
    contents.set(digestOf('odd'), [{ image: 'UPPER CASE', object: web }])
    const known = knownOf([wants('a', digestOf('odd'))], [])
    const { images } = await viewImages(known, 'shop', read)
    assert.deepEqual(images[0], {
      ...{ image: 'UPPER CASE', repository: 'UPPER CASE', tag: null, digest: null },
      ...{ wanted: 1, running: 0, unreachable: 0, objects: [web] },
    })
  })
})
