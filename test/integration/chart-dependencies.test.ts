import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { oraclePaths } from '../../deploy/setup/paths.mjs'
import { type ChartServer, startChartServer } from '../support/chart-server.ts'
import { createFleetCheckout, type FleetCheckout } from '../support/fleet-checkout.ts'
import { prepareOracles } from '../support/oracles.ts'
import { contentOf, names, renderText, startRenderEngine } from '../support/render-engine.ts'
import { packChart } from '../support/tar.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* A chart in Git whose dependencies lie in a chart repository and a registry, pinned by the lock that
   Helm itself wrote: rendered offline as Helm renders it once it has fetched them. */

const stack = new AsyncDisposableStack()
let server: ChartServer
let checkout: FleetCheckout
let home: string
before(async () => {
  await prepareOracles()
  server = stack.use(await startChartServer())
  const directory = stack.use(await createTempDir('dependencies')).path
  checkout = await createFleetCheckout(directory, {})
  home = join(directory, 'home')
  await mkdir(home)
})
after(() => stack.disposeAsync())

const chart = (name: string, version: string, text: string) =>
  packChart(name, {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\n`,
    'values.yaml': `text: ${text}\n`,
    'templates/a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Chart.Name }}-{{ .Values.text }}" }\ndata: { version: "{{ .Chart.Version }}" }\n`,
  })

const api = 'apiVersion: groundswell.dev/v1alpha1'
const application = (more = '') => `${api}
kind: Application
metadata: { name: shop }
spec:${more}
  source: { path: charts/shop, helm: { values: { first: { text: one }, queue: { text: two } } } }
  targets: [{ clusterSelector: {} }]
  targetNamespace: shop
`
const helm = (...words: readonly string[]) =>
  promisify(execFile)(oraclePaths().helm, words, {
    env: { PATH: '/usr/bin:/bin', HOME: home, HELM_PLAIN_HTTP: 'true' },
  })

const swell = async (command: string, ...words: readonly string[]) =>
  checkout.swell([command, ...words])

test('dependencies of a repository and a registry are fetched, and render as in Helm', async () => {
  const cache = chart('cache', '1.2.0', 'cache')
  const digest = createHash('sha256').update(cache).digest('hex')
  server.files.set('/charts/cache-1.2.0.tgz', cache)
  server.files.set(
    '/charts/index.yaml',
    `apiVersion: v1\nentries:\n  cache:\n  - { name: cache, version: 1.2.0, digest: ${digest}, urls: [cache-1.2.0.tgz] }\n`,
  )
  server.push('charts/queue', '3.0.1', chart('queue', '3.0.1', 'queue'))
  await checkout.write({
    'fleet.yaml': `${api}\nkind: Cluster\nmetadata: { name: a }\nspec: {}\n`,
    'shop.yaml': application(),
    'charts/shop/templates/own.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: own }\ndata: {}\n',
    'charts/shop/Chart.yaml': `apiVersion: v2
name: shop
version: 1.0.0
dependencies:
  - { name: cache, version: ^1.0, repository: "${server.url}/charts", alias: first }
  - { name: queue, version: 3.0.1, repository: "oci://${server.host}/charts" }
`,
  })
  const theirs = join(home, 'shop')
  await cp(join(checkout.directory, 'charts/shop'), theirs, { recursive: true })
  await helm('dependency', 'update', theirs, '--plain-http')
  await checkout.write({
    'charts/shop/Chart.lock': await readFile(join(theirs, 'Chart.lock'), 'utf8'),
  })
  const values = join(home, 'values.yaml')
  await writeFile(values, 'first: { text: one }\nqueue: { text: two }\n')
  const printed = await helm('template', 'shop', theirs, '--namespace', 'shop', '-f', values)

  const without = await swell('render')
  assert.equal(without.code, 2)
  assert.match(
    without.said,
    /not rendered: Application shop: chart cache 1\.2\.0 of http.*\/charts is not at hand; --fetch it/,
  )
  const fetched = await swell('render', '-o', 'json', '--fetch', '--source-host', '127.0.0.1')
  assert.equal(fetched.code, 0, fetched.said)
  const [ours] = JSON.parse(fetched.out) as [{ objects: { metadata: { name: string } }[] }]
  await using workers = await startRenderEngine()
  const wanted = await renderText(
    workers,
    { 'a.yaml': printed.stdout },
    {
      namespace: 'shop',
    },
  )
  assert.deepEqual(
    ours.objects.map(({ metadata: { name } }) => `ConfigMap shop/${name}`),
    names(wanted),
  )
  assert.deepEqual(
    names(wanted),
    ['first-one', 'own', 'queue-two'].map((n) => `ConfigMap shop/${n}`),
  )
  assert.deepEqual(ours.objects[0], contentOf(wanted, 'ConfigMap', 'first-one'))
  // What was fetched once serves without the network from then on.
  server.away = true
  const again = await swell('render', '-o', 'json')
  assert.equal(again.code, 0, again.said)
  assert.equal(again.out, fetched.out)
})

test('dependencies of a chart of API v1, from a repository that wants a password, render as in Helm', async () => {
  server.away = false
  const archive = chart('store', '2.1.0', 'store')
  const digest = createHash('sha256').update(archive).digest('hex')
  server.files.set('/private/store-2.1.0.tgz', archive)
  server.files.set(
    '/private/index.yaml',
    `apiVersion: v1\nentries:\n  store:\n  - { name: store, version: 2.1.0, digest: ${digest}, urls: [store-2.1.0.tgz] }\n`,
  )
  const legacy = {
    'legacy/Chart.yaml': 'apiVersion: v1\nname: old\nversion: 1.0.0\n',
    'legacy/requirements.yaml': `dependencies:\n  - { name: store, version: ~2.1, repository: "${server.url}/private", alias: kept }\n`,
    'legacy/templates/own.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: own }\ndata: {}\n',
  }
  const theirs = join(home, 'legacy')
  await mkdir(join(theirs, 'templates'), { recursive: true })
  for (const [path, text] of Object.entries(legacy)) await writeFile(join(home, path), text)
  await helm('dependency', 'update', theirs, '--plain-http')
  const printed = await helm('template', 'old', theirs, '--namespace', 'shop')
  const lock = await readFile(join(theirs, 'requirements.lock'), 'utf8')
  const credentials = join(home, 'credentials.yaml')
  await writeFile(join(home, 'password'), 'secret\n')
  await writeFile(
    credentials,
    `charts: { kind: basic, hosts: [127.0.0.1], passwordFile: ${join(home, 'password')} }\n`,
  )
  const asking = (more: string) => `${api}
kind: Application
metadata: { name: old }
spec:
  source: { path: legacy, helm: { releaseName: old${more} } }
  targets: [{ clusterSelector: {} }]
  targetNamespace: shop
`
  await checkout.write({
    ...legacy,
    'fleet.yaml': `${api}\nkind: Cluster\nmetadata: { name: a }\nspec: {}\n`,
    'legacy/requirements.lock': lock,
    'shop.yaml': asking(''),
  })
  server.guard.basic = 'git:secret'
  const flags = [
    '-o',
    'json',
    '--fetch',
    '--source-host',
    '127.0.0.1',
    '--credentials',
    credentials,
  ]
  const without = await swell('render', ...flags)
  assert.equal(without.code, 2, without.out)
  assert.match(without.said, /status 401: it wants a password; name a `credential` of the hub/)
  await checkout.write({ 'shop.yaml': asking(', credential: charts') })
  const fetched = await swell('render', ...flags)
  assert.equal(fetched.code, 0, fetched.said)
  const [ours] = JSON.parse(fetched.out) as [{ objects: object[] }]
  await using workers = await startRenderEngine()
  const wanted = await renderText(workers, { 'a.yaml': printed.stdout }, { namespace: 'shop' })
  assert.deepEqual(names(wanted), ['ConfigMap shop/kept-store', 'ConfigMap shop/own'])
  assert.deepEqual(
    ours.objects,
    ['kept-store', 'own'].map((name) => contentOf(wanted, 'ConfigMap', name)),
  )
  delete server.guard.basic
})

test('a Project has to allow the repositories of dependencies, too', async () => {
  await checkout.write({
    'project.yaml': `${api}
kind: Project
metadata: { name: shop }
spec:
  sources: [{ repository: fleet, paths: [charts] }, { url: "oci://${server.host}/*" }]
  destinations: [{ clusterSelector: {}, namespaces: [shop] }]
`,
    'shop.yaml': application('\n  project: shop'),
  })
  const refused = await swell('check')
  assert.equal(refused.code, 1, refused.said)
  assert.match(
    refused.out,
    /charts\/shop\/Chart\.yaml: error: Application shop: dependency "cache": Project shop does not allow charts of http:\/\/127\.0\.0\.1:\d+\/charts; list it in `sources` by `url`/,
  )
})
