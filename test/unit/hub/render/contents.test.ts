import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Digest } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import { type FleetFacts, toServedApis } from '../../../../hub/fleet/cluster-facts.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load.ts'
import { createCachedEngine, createMemoryRenderStore } from '../../../../hub/render/cache.ts'
import { type AskedFacts, answerAsked } from '../../../../hub/render/asked-facts.ts'
import {
  type BundleMemory,
  formatBundleLine,
  type MadeBundle,
  parseBundleLines,
} from '../../../../hub/render/bundle-memory.ts'
import { type Contents, createContents } from '../../../../hub/render/contents.ts'
import type { RenderInput, RenderedObject } from '../../../../hub/render/engine.ts'
import { chartRefreshMs } from '../../../../hub/source/chart/charts.ts'
import type { Charts } from '../../../../hub/source/chart/chart.ts'
import type { Mirror } from '../../../../hub/source/source.ts'
import { openGate } from '../../../support/open-gate.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'

const noCharts: Charts = {
  find: async () => assert.fail('asked for a chart'),
  read: async () => assert.fail('read a chart'),
}

const never = new AbortController().signal
const commit = 'c'.repeat(40)
const revision = `main@sha1:${commit}`
const hash = (text: string) => createHash('sha1').update(text).digest('hex')

/** A repository in memory: files by path, the same at every commit. */
function mirrorOf(files: Readonly<Record<string, string>>): Mirror {
  const blobs = new Map(Object.values(files).map((text) => [hash(text), Buffer.from(text)]))
  return {
    fetch: async () => revision,
    head: async () => null,
    has: async () => true,
    async readTree(_, path) {
      const prefix = path === '.' ? '' : `${path}/`
      const mine = Object.entries(files)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, text]) => ({
          path: name.slice(prefix.length),
          oid: hash(text),
          size: text.length,
        }))
      if (mine.length === 0) throw new HubError('revision_not_found', `there is no ${path}`)
      return { id: hash(JSON.stringify(mine)), files: mine }
    },
    readBlobs: async (oids) => oids.map((oid) => blobs.get(oid)!),
    signer: () => null,
    describe: async () => ({ author: '', subject: '', committedAt: 0 }),
    close: async () => {},
  }
}

/** A chart's engine: each object says what it asked and was answered. */
function worldOf(asked: AskedFacts, memory?: BundleMemory) {
  const files = { 'apps/shop/Chart.yaml': 'name: shop' }
  const made = world(files, memory, noCharts, asked)
  const { contents, revisions } = made
  return Object.assign(made, {
    faults: ({ faults }: Contents) => faults,
    render: (fleet: Fleet, facts: FleetFacts) =>
      contents.render({ fleet, revisions, facts }, never),
  })
}

function fleetOf(
  clusters: readonly string[],
  applications: Readonly<Record<string, string>>,
): Fleet {
  const api = 'apiVersion: groundswell.dev/v1alpha1'
  const documents = [
    ...clusters.map(
      (name) =>
        `${api}\nkind: Cluster\nmetadata: { name: ${name}, labels: { site: ${name} } }\nspec: {}\n`,
    ),
    ...Object.entries(applications).map(
      ([name, more]) =>
        `${api}\nkind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: apps/${name} }, targets: [{ clusterSelector: {} }]${more} }\n`,
    ),
  ]
  return loadFleet(revision, [{ path: 'fleet.yaml', bytes: Buffer.from(documents.join('---\n')) }])
}

/** Renders a ConfigMap that holds the tree and the namespace it is for; fails where `fail` says so. */
function world(
  files: Readonly<Record<string, string>>,
  memory?: BundleMemory,
  charts = noCharts,
  asked?: AskedFacts,
) {
  const rendered: RenderInput[] = []
  const world: { fail(input: RenderInput): HubError | undefined } = { fail: () => undefined }
  const engine = createCachedEngine(
    {
      version: 'sha256:engine',
      async render(input, readFiles) {
        rendered.push(input)
        const error = world.fail(input)
        if (error) throw error
        const [[file, bytes] = ['', Buffer.from('')]] = await readFiles()
        const object: RenderedObject = {
          id: { group: '', kind: 'ConfigMap', namespace: input.namespace, name: 'c' },
          apiVersion: 'v1',
          json: JSON.stringify({
            ...{ text: Buffer.from(bytes).toString(), namespace: input.namespace },
            ...(asked && { answered: answerAsked(asked, input) }),
          }),
          file,
        }
        return { objects: [object], warnings: ['it was said'], ...(asked && { asked }) }
      },
      close: async () => {},
    },
    createMemoryRenderStore(1_000_000),
  )
  const content = createMemoryContent()
  const mirror = mirrorOf(files)
  const contents = createContents({
    engine,
    content,
    ...(memory && { memory }),
    mirror: (name) => (name === 'fleet' ? mirror : undefined),
    gate: openGate,
    charts,
  })
  const revisions = new Map([['fleet', revision]])
  return Object.assign(world, {
    ...{ rendered, content, contents, revisions },
    render: (fleet: Fleet, only?: { application: string; cluster?: string }) =>
      contents.render({ fleet, revisions, ...(only && { only }) }, never),
  })
}

const clusters = Array.from({ length: 40 }, (_, n) => `c${String(n).padStart(2, '0')}`)
const files = { 'apps/shop/a.yaml': 'shop', 'apps/web/a.yaml': 'web' }
const perSite = ', targetNamespace: "${cluster.labels.site}"'

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
    made.fail = () => new HubError('render_timeout', 'too slow')
    const { faults } = await made.render(fleetOf(clusters, { shop: perSite, web: '' }))
    assert.deepEqual(
      faults.map(({ object, message }) => [object, message]),
      [
        ['Application shop', 'too slow (and on 39 more clusters)'],
        ['Application web', 'too slow (and on 39 more clusters)'],
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
    const unread = createContents({
      engine: { version: 'v', render: async () => assert.fail('rendered'), close: async () => {} },
      content: createMemoryContent(),
      mirror: () => mirrorOf(files),
      gate: openGate,
      charts: noCharts,
    })
    const none = await unread.render(
      { fleet: fleetOf(['a'], { shop: '' }), revisions: new Map() },
      never,
    )
    assert.match(none.faults[0]!.message, /repository fleet was not read yet/)
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

  describe('what clusters are', () => {
    const chart = (more = '') =>
      `apiVersion: groundswell.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: apps/shop, helm: { values: { v: 'x${more}' } } }, targets: [{ clusterSelector: {} }] }\n`
    const fleetWith = (text: string) =>
      loadFleet(revision, [
        {
          path: 'fleet.yaml',
          bytes: Buffer.from(
            `${clusters.map((name) => `apiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`).join('---\n')}---\n${text}`,
          ),
        },
      ])
    const apis = (...names: string[]) => toServedApis(['v1', ...names])
    /** Each cluster serves something of its own beside; some serve monitors. */
    const factsOf = (version = 'v1.35.4'): FleetFacts =>
      new Map(
        clusters.map((name, at) => [
          name,
          {
            kubernetesVersion: version,
            apis: apis(`${name}.io/v1`, ...(at % 4 === 0 ? ['monitors.io/v1'] : [])),
          },
        ]),
      )
    const asking = (asked: Partial<AskedFacts>) => ({
      ...{ version: false, served: false, apis: [], ...asked },
    })

    test('a chart that asks nothing is rendered once, whatever they are and become', async () => {
      const { render, rendered, ...world } = worldOf(asking({}))
      const made = await render(fleetWith(chart()), factsOf())
      assert.equal(rendered.length, 1)
      await render(fleetWith(chart()), factsOf('v1.36.0'))
      assert.equal(rendered.length, 1)
      assert.equal(made.applications.get('shop')?.size, clusters.length)
      assert.deepEqual(world.faults(made), [])
    })

    test('one that asks for an API is rendered once for those who serve it, once for those who do not', async () => {
      const { render, rendered } = worldOf(asking({ apis: ['monitors.io/v1'] }))
      const made = await render(fleetWith(chart()), factsOf())
      assert.equal(rendered.length, 2)
      const digests = [...made.applications.get('shop')!.values()].map(({ digest }) => digest)
      assert.equal(new Set(digests).size, 2)
      await render(fleetWith(chart()), factsOf('v1.36.0'))
      assert.equal(rendered.length, 2, 'another version was never asked for')
      const fewer = new Map([...factsOf()].map(([name, one]) => [name, { ...one, apis: apis() }]))
      await render(fleetWith(chart()), fewer)
      assert.equal(rendered.length, 2, 'those who lost it are what the others were')
    })

    test('one that asks for the version is rendered once for each, and one that asks for all, for each list', async () => {
      const version = worldOf(asking({ version: true }))
      await version.render(fleetWith(chart()), factsOf())
      await version.render(fleetWith(chart()), factsOf('v1.36.0'))
      await version.render(fleetWith(chart()), factsOf())
      assert.equal(version.rendered.length, 2)
      const all = worldOf(asking({ served: true }))
      await all.render(fleetWith(chart()), factsOf())
      assert.equal(all.rendered.length, clusters.length)
    })

    test('what was asked is remembered over a restart', async () => {
      const kept = new Map<Digest, MadeBundle>()
      const memory = {
        load: async () =>
          parseBundleLines([...kept].map((one) => formatBundleLine(...one)).join('')),
        keep: async (key: Digest, made: MadeBundle) => void kept.set(key, made),
      }
      const first = worldOf(asking({ apis: ['monitors.io/v1'] }), memory)
      const before = await first.render(fleetWith(chart()), factsOf())
      const second = worldOf(asking({ apis: ['monitors.io/v1'] }), memory)
      for (const [digest, bytes] of first.content.blobs) {
        await second.content.put([{ digest, bytes }])
      }
      const after = await second.render(fleetWith(chart()), factsOf('v1.35.9'))
      assert.deepEqual(second.rendered, [])
      assert.deepEqual(after.applications, before.applications)
    })

    test('a cluster nobody knows enough of is left as it is, and the others are not', async () => {
      const { render } = worldOf(asking({}))
      const some = new Map([...factsOf()].slice(1))
      const made = await render(fleetWith(chart('-${cluster.kubernetesVersion}')), some)
      assert.deepEqual(made.faults, [])
      assert.deepEqual([...made.skipped.get('shop')!], ['c00'])
      assert.equal(made.applications.get('shop')?.size, clusters.length - 1)
      assert.match(
        made.warnings.map(({ message }) => message).join('\n'),
        /c00 declares no `kubernetesVersion`.*left as it is/,
      )
    })

    test('what only a reported fact breaks is kept from that cluster alone', async () => {
      const world = worldOf(asking({ version: true }))
      world.fail = ({ helm }) =>
        helm.kubeVersion === 'v1.99.0' ? new HubError('render_failed', 'too new') : undefined
      const facts = new Map([...factsOf(), ['c07', { kubernetesVersion: 'v1.99.0', apis: apis() }]])
      const made = await world.render(fleetWith(chart()), facts)
      assert.deepEqual([...made.skipped.get('shop')!], ['c07'])
      assert.equal(made.applications.get('shop')?.size, clusters.length - 1)
      assert.deepEqual(
        made.faults.map(({ cluster, message }) => [cluster, message]),
        [['c07', 'too new']],
      )
      // What breaks without any fact breaks the application.
      world.fail = () => new HubError('render_failed', 'broken')
      const broken = await world.render(fleetWith(chart('y')), facts)
      assert.equal(broken.applications.has('shop'), false)
    })
  })
})
