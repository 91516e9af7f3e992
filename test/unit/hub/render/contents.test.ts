import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Digest } from '@groundswell/proto/digest.ts'
import { parseManifest } from '@groundswell/proto/manifest.ts'
import { fingerprintIds } from '../../../../hub/bundle/fingerprint.ts'
import { HubError } from '../../../../hub/errors.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { type BundleMemory, type MadeBundle } from '../../../../hub/render/bundle-memory.ts'
import { createContents } from '../../../../hub/render/contents.ts'
import { createPatience } from '../../../../hub/render/patience.ts'
import { createRoom } from '../../../../hub/render/room.ts'
import { chartRefreshMs } from '../../../../hub/source/chart/charts.ts'
import type { Charts } from '../../../../hub/source/chart/chart.ts'
import { openGate } from '../../../support/open-gate.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'
import {
  noCharts,
  never,
  revision,
  mirrorOf,
  fleetOf,
  world,
  clusters,
  files,
  perSite,
} from './contents-world.ts'

describe('createContents', () => {
  test('clusters whose inputs are the same share one render, one bundle and one digest', async () => {
    const { render, rendered, content } = world(files)
    const made = await render(fleetOf(clusters, { shop: '', web: '' }))
    assert.equal(rendered.length, 2)
    const shop = made.applications.get('shop')!
    assert.equal(shop.size, clusters.length)
    assert.equal(new Set([...shop.values()].map(({ digest }) => digest)).size, 1)
    assert.notEqual(shop.get('c00')?.digest, made.applications.get('web')?.get('c00')?.digest)
    assert.equal(shop.get('c00')?.revision, revision)
    const digest = shop.get('c00')!.digest!
    assert.equal(content.blobs.get(digest)?.byteLength, shop.get('c00')?.size)
    assert.deepEqual(made.faults, [])
    const fingerprint = fingerprintIds(parseManifest(content.blobs.get(digest)!))
    assert.equal(made.fingerprints?.get(digest), fingerprint, 'which objects it names')
  })

  test('a chart of a repository: asked for once, read as an archive, and named for the signer', async () => {
    const digest: Digest = `sha256:${'a'.repeat(64)}`
    const found = { version: '1.2.0', digest }
    let asked = 0
    const charts = {
      find: async () => ((asked += 1), found),
      read: async () => Buffer.from('archive'),
    } satisfies Charts as { -readonly [name in keyof Charts]: Charts[name] }
    const { render, rendered } = world({ 'values/a.yaml': 'a: 1' }, undefined, charts)
    const repo = 'https://charts.example.com'
    const fleet = fleetOf(clusters, {}).revision
    const text = `apiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: { name: c }\nspec: {}\n---\napiVersion: groundswell.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: ., helm: { repo: "${repo}", chart: shop, version: ^1, valuesFiles: [values/a.yaml] } }, targets: [{ clusterSelector: {} }] }\n`
    const made = await render(loadFleet(fleet, [{ path: 'f.yaml', bytes: Buffer.from(text) }]))
    assert.deepEqual(made.faults, [])
    assert.equal(asked, 1)
    assert.equal(rendered[0]?.path, 'shop-1.2.0.tgz')
    assert.deepEqual(rendered[0].helm.valuesFiles, ['a.yaml'])
    const content = made.applications.get('shop')?.get('c')?.digest
    assert.equal(content && made.origins?.get(content)?.chartRepo, repo)
    assert.equal(made.againMs, chartRefreshMs, 'a newer version is no commit')
    const exact = text.replace('^1', '1.2.0')
    const fixed = await render(loadFleet(fleet, [{ path: 'f.yaml', bytes: Buffer.from(exact) }]))
    assert.equal(fixed.againMs, undefined)
    charts.find = async () => Promise.reject(new HubError('source_unreachable', 'away'))
    const away = await render(loadFleet(fleet, [{ path: 'f.yaml', bytes: Buffer.from(exact) }]))
    assert.equal(away.againMs, 30_000)
  })

  test('what the engine has to say of a render is a warning, with its application', async () => {
    const { render } = world(files)
    const made = await render(fleetOf(['c'], { shop: '' }))
    assert.deepEqual(
      made.warnings.map(({ object, message }) => [object, message]),
      [['Application shop', 'it was said']],
    )
  })

  test('a health check of the fleet is content of what has such objects, and of nothing else', async () => {
    const { render, content, rendered } = world(files)
    const plain = await render(fleetOf(['c'], { shop: '', web: '' }))
    const digests = (made: typeof plain) =>
      ['shop', 'web'].map((name) => made.applications.get(name)!.get('c')!.digest!)
    const own =
      ', healthCheckExprs: [{ apiVersion: v1, kind: ConfigMap, current: data.text == "own" }]'
    const fleet = (kind: string, current: string) => {
      const { revision } = fleetOf([], {})
      const of = (kind: string, name: string, spec: string) =>
        `apiVersion: groundswell.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`
      const application = (name: string, more: string) =>
        of(
          'Application',
          name,
          `{ source: { path: apps/${name} }, targets: [{ clusterSelector: {} }]${more} }`,
        )
      const text = [
        of('Cluster', 'c', '{}'),
        application('shop', ''),
        application('web', own),
        of(
          'HealthCheck',
          'h',
          `{ healthCheckExprs: [{ apiVersion: v1, kind: ${kind}, current: ${current} }] }`,
        ),
      ].join('---\n')
      return loadFleet(revision, [{ path: 'f.yaml', bytes: Buffer.from(text) }])
    }
    const checksOf = (digest: Digest) =>
      parseManifest(Buffer.from(content.blobs.get(digest)!)).healthChecks
    const other = digests(await render(fleet('Secret', '"true"')))
    assert.equal(other[0], digests(plain)[0], 'a kind it has not leaves its bytes alone')
    const judged = digests(await render(fleet('ConfigMap', 'data.text == "fleet"')))
    assert.notEqual(judged[0], other[0])
    assert.equal(judged[1], other[1], 'its own word counts')
    assert.deepEqual(
      judged.map((digest) => checksOf(digest)?.map(({ current }) => current)),
      [['data.text == "fleet"'], ['data.text == "own"']],
    )
    const changed = digests(await render(fleet('ConfigMap', 'data.text == "new"')))
    assert.notEqual(changed[0], judged[0])
    assert.equal(rendered.length, 2, 'and nothing is rendered for it')
  })

  test('what clusters share is asked for and stored once, not once a cluster', async () => {
    const { render, content } = world(files)
    const asked = { missing: 0, put: 0 }
    const { missing, put } = content
    content.missing = (digests) => ((asked.missing += 1), missing(digests))
    content.put = (blobs) => ((asked.put += 1), put(blobs))
    await render(fleetOf(clusters, { shop: '' }))
    assert.deepEqual(asked, { missing: 0, put: 1 })
    await render(fleetOf(clusters, { shop: '' }))
    assert.deepEqual(asked, { missing: 1, put: 1 })
  })

  test('after a restart nothing is rendered whose content is there, and all whose content is not', async () => {
    const kept = new Map<Digest, MadeBundle>()
    const memory: BundleMemory = {
      load: async () => kept,
      keep: async (input, made) => void kept.set(input, made),
    }
    const fleet = fleetOf(clusters, { shop: '', web: '' })
    const before = world(files, memory)
    const first = await before.render(fleet)
    assert.equal(kept.size, 2)
    const after = world(files, memory)
    await after.content.put([...before.content.blobs].map(([digest, bytes]) => ({ digest, bytes })))
    assert.deepEqual(await after.render(fleet), first)
    assert.equal(after.rendered.length, 0)
    const lost = world(files, memory)
    assert.deepEqual(await lost.render(fleet), first)
    assert.equal(lost.rendered.length, 2)
  })

  test('rendering again what did not change asks the engine nothing', async () => {
    const { render, rendered, contents } = world(files)
    const fleet = fleetOf(clusters, { shop: '' })
    const first = await render(fleet)
    assert.deepEqual(await render(fleet), first)
    contents.forget()
    assert.deepEqual(await render(fleet), first)
    assert.equal(rendered.length, 1)
  })

  test('content the store lost is stored anew', async () => {
    const { render, content, contents } = world(files)
    const fleet = fleetOf(['a'], { shop: '' })
    await render(fleet)
    const all = new Map(content.blobs)
    content.blobs.clear()
    await render(fleet)
    assert.deepEqual(content.blobs, all)
    // Only manifests are looked for; whoever misses an object has the rest forgotten first.
    const digest = (await render(fleet)).applications.get('shop')!.get('a')!.digest!
    for (const key of all.keys()) if (key !== digest) content.blobs.delete(key)
    contents.forget()
    await render(fleet)
    assert.deepEqual(content.blobs, all)
  })

  test('one cluster that fails fails its whole application, and no other', async () => {
    const made = world(files)
    made.fail = ({ namespace }) =>
      namespace === 'c07'
        ? new HubError('render_failed', 'broken', {
            faults: [{ file: 'sub/a.yaml', line: 3, message: 'bad' }],
          })
        : undefined
    const { applications, faults } = await made.render(
      fleetOf(clusters, { shop: perSite, web: '' }),
    )
    assert.deepEqual([...applications.keys()], ['web'])
    assert.deepEqual(faults, [
      {
        object: 'Application shop',
        cluster: 'c07',
        file: 'apps/shop/sub/a.yaml',
        line: 3,
        message: 'bad',
      },
    ])
  })

  test('the same fault on many clusters is said once, with how many more', async () => {
    const made = world(files)
    made.fail = () => new HubError('render_failed', 'too large')
    const { faults } = await made.render(fleetOf(clusters, { shop: perSite, web: '' }))
    assert.deepEqual(
      faults.map(({ object, message }) => [object, message]),
      [
        ['Application shop', 'too large (and on 39 more clusters)'],
        ['Application web', 'too large (and on 39 more clusters)'],
      ],
    )
  })

  test('an application whose repository or path is not there fails with that reason', async () => {
    const { render } = world({ 'apps/shop/a.yaml': 'x' })
    const { applications, faults } = await render(fleetOf(['a'], { shop: '', nowhere: '' }))
    assert.deepEqual([...applications.keys()], ['shop'])
    assert.deepEqual(
      faults.map(({ object, message }) => [object, message]),
      [['Application nowhere', 'there is no apps/nowhere']],
    )
    const declared = fleetOf(['a'], { shop: '', nowhere: '' }).applications.get('nowhere')!
    assert.deepEqual(
      faults.map(({ file, line }) => ({ file, line })),
      [{ file: declared.file, line: declared.line }],
      'said without the place where the application is declared',
    )
    const unread = createContents({
      engine: { version: 'v', render: async () => assert.fail('rendered'), close: async () => {} },
      content: createMemoryContent(),
      mirror: () => mirrorOf(files),
      gate: openGate,
      charts: noCharts,
      patience: createPatience(() => 0),
      room: createRoom(1_000_000, 1),
    })
    const none = await unread.render(
      { fleet: fleetOf(['a'], { shop: '' }), revisions: new Map() },
      never,
    )
    assert.match(
      none.faults[0]!.message,
      /repository fleet was not read yet; `swell describe source fleet` says why/,
    )
  })

  test('I4 what is suspended is skipped, not left empty; what is excluded is empty', async () => {
    const { render } = world(files)
    const made = await render(fleetOf(['a', 'b'], { shop: ', suspend: true', web: '' }))
    assert.deepEqual(made.skipped, new Map([['shop', new Set(['a', 'b'])]]))
    assert.equal(made.applications.get('web')?.size, 2)
  })

  test('only what was asked for is rendered', async () => {
    const { render, rendered } = world(files)
    const fleet = fleetOf(['a', 'b'], { shop: perSite, web: '' })
    const made = await render(fleet, { application: 'shop', cluster: 'b' })
    assert.deepEqual(
      [...made.applications].map(([name, on]) => [name, ...on.keys()]),
      [['shop', 'b']],
    )
    assert.equal(rendered.length, 1)
  })

  test('stops when it is asked to', async () => {
    const { contents } = world(files)
    const stopped = AbortSignal.abort(new Error('stopped'))
    const request = {
      fleet: fleetOf(['a'], { shop: '' }),
      revisions: new Map([['fleet', revision]]),
    }
    await assert.rejects(contents.render(request, stopped), /stopped/)
  })
})
