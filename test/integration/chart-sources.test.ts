import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { createPickVersion } from '../../hub/render/pick-version.ts'
import { createRenderEngine } from '../../hub/render/process.ts'
import type { ChartReference } from '../../hub/source/chart/chart.ts'
import { chartRefreshMs, createCharts } from '../../hub/source/chart/charts.ts'
import { createChartDirectory, readChartAccess } from '../../hub/source/chart/fs.ts'
import { createChartGet } from '../../hub/source/chart/http.ts'
import { startChartServer } from '../support/chart-server.ts'
import { tells } from '../support/exact-words.ts'
import { contentOf, findEngineBinary } from '../support/render-engine.ts'
import { renderFiles, renderInput } from '../support/render-input.ts'
import { packChart } from '../support/tar.ts'
import { createTempDir } from '../support/temp-dir.ts'

let workers: Awaited<ReturnType<typeof createRenderEngine>>
before(async () => {
  const binary = await findEngineBinary()
  workers = await createRenderEngine({
    ...{ binary, workers: 1, memoryBytes: 2 ** 29, timeoutMs: 20_000 },
  })
})
after(() => workers.close())

const never = new AbortController().signal
const chart = (version: string, text = 'one') =>
  packChart('shop', {
    'Chart.yaml': `apiVersion: v2\nname: shop\nversion: ${version}\n`,
    'values.yaml': `text: ${text}\n`,
    'templates/a.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: "{{ .Values.text }} {{ .Chart.Version }}"}\n',
  })
const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Servers, and a hub's charts that may ask loopback. */
async function startWorld(allowed: readonly string[] = ['127.0.0.1']) {
  const server = await startChartServer()
  const directory = await createTempDir('charts')
  const password = join(directory.path, 'password')
  await writeFile(password, 'secret\n')
  const world = {
    ...{ at: 0, hosts: ['127.0.0.1'], logged: [] as string[] },
    /** Members of the Secret that is the credential, in place of files. */
    secret: undefined as Readonly<Record<string, string>> | undefined,
  }
  const open = () =>
    createCharts({
      get: createChartGet({
        hosts: { allowed, fleet: '' },
        access: (name) =>
          readChartAccess(
            name,
            world.secret
              ? { kind: 'basic', hosts: world.hosts, secret: { namespace: 'gs', name: 'charts' } }
              : { kind: 'basic', hosts: world.hosts, passwordFile: password },
            async ({ namespace, name: asked }) => {
              assert.deepEqual([namespace, asked], ['gs', 'charts'])
              return new Map(
                Object.entries(world.secret ?? {}).map(([key, text]) => [key, Buffer.from(text)]),
              )
            },
          ),
        timeoutMs: 10_000,
      }),
      pick: createPickVersion(workers),
      store: createChartDirectory(join(directory.path, 'charts'), 2 ** 20, Date.now),
      now: () => world.at,
      log: (message) => world.logged.push(message),
    })
  return {
    ...{ server, world, open, charts: open() },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await directory.remove()
    },
  }
}

/** Puts versions into the server's repository `/charts`. */
function publish(
  files: Map<string, Uint8Array | string>,
  archives: Readonly<Record<string, Uint8Array>>,
  digest = true,
): void {
  const entries = Object.entries(archives).map(([version, archive]) => {
    files.set(`/charts/shop-${version}.tgz`, archive)
    return `  - version: ${version}\n${digest ? `    digest: ${hex(archive)}\n` : ''}    urls: [shop-${version}.tgz]\n`
  })
  files.set('/charts/index.yaml', `apiVersion: v1\nentries:\n  shop:\n${entries.join('')}`)
}

const of = (repo: string, version: string, credential?: string): ChartReference => ({
  ...{ repo, chart: 'shop', version },
  ...(credential === undefined ? {} : { credential }),
})

async function render(archive: Uint8Array, values: Readonly<Record<string, unknown>> = {}) {
  const input = renderInput({
    ...{ kind: 'helm', path: 'shop-1.tgz', treeId: hex(archive), namespace: 'eu' },
    helm: { values },
  })
  const files = new Map(renderFiles({})).set('shop-1.tgz', archive)
  const result = await workers.render(input, () => Promise.resolve(files), never)
  return contentOf(result, 'ConfigMap', 'a')['data']
}

/** A text names words of the list of bad inputs. */
function code(expected: HubError['code'], words: RegExp | string) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, expected, error.message)
    if (typeof words === 'string') tells(words, error)
    else assert.match(error.message, words)
    assert.doesNotMatch(error.message, /secret/)
    return true
  }
}

test('a chart of an HTTP repository is found by version and by range, and renders', async () => {
  await using place = await startWorld()
  const { server, charts } = place
  publish(server.files, {
    '1.2.0': chart('1.2.0'),
    '1.10.0': chart('1.10.0'),
    '2.0.0-rc.1': chart('2.0.0-rc.1'),
  })
  const repo = `${server.url}/charts`
  assert.equal((await charts.find(of(repo, '1.2.0'), never)).version, '1.2.0')
  const found = await charts.find(of(repo, '^1.0'), never)
  assert.equal(found.version, '1.10.0')
  assert.equal((await charts.find(of(repo, '>=2.0.0-0'), never)).version, '2.0.0-rc.1')
  assert.deepEqual(await render(await charts.read(found), { text: 'mine' }), {
    text: 'mine 1.10.0',
  })
  await assert.rejects(
    charts.find(of(repo, '^3'), never),
    code('revision_not_found', /no version \^3; there are 1\.10\.0, 1\.2\.0, 2\.0\.0-rc\.1/),
  )
  await assert.rejects(
    charts.find({ ...of(repo, '1.2.0'), chart: 'other' }, never),
    code('revision_not_found', /no chart "other"/),
  )
  await assert.rejects(
    charts.find(of(repo, 'newest'), never),
    code('revision_not_found', /not a version/),
  )
})

test('a repository is asked once in a while, and what was found stays while it is away', async () => {
  await using place = await startWorld()
  const { server, world, charts, open } = place
  publish(server.files, { '1.2.0': chart('1.2.0') })
  const reference = of(`${server.url}/charts`, '^1')
  const first = await charts.find(reference, never)
  await charts.find(reference, never)
  assert.equal(server.asked.length, 2, 'index and archive')
  publish(server.files, { '1.2.0': chart('1.2.0'), '1.3.0': chart('1.3.0') })
  world.at += chartRefreshMs
  assert.equal((await charts.find(reference, never)).version, '1.3.0')
  server.away = true
  world.at += chartRefreshMs
  assert.equal((await charts.find(reference, never)).version, '1.3.0')
  assert.match(world.logged.join(), /status 503; version 1\.3\.0 stays/)
  // Another hub process, with the same directory.
  const again = open()
  const found = await again.find(reference, never)
  assert.equal(found.version, '1.3.0')
  assert.ok((await again.read(found)).byteLength > 0)
  assert.notEqual(found.digest, first.digest)
  await assert.rejects(
    again.find(of(`${server.url}/charts`, '1.2.1'), never),
    code('source_unreachable', /503/),
  )
})

test('an archive that is not the one announced is refused', async () => {
  await using place = await startWorld()
  const { server, charts } = place
  publish(server.files, { '1.2.0': chart('1.2.0') })
  server.files.set('/charts/shop-1.2.0.tgz', chart('1.2.0', 'another'))
  await assert.rejects(
    charts.find(of(`${server.url}/charts`, '1.2.0'), never),
    code('source_refused', /was announced/),
  )
})

test('a chart of an OCI registry: by tag, by range, and a tag that moves is another input', async () => {
  await using place = await startWorld()
  const { server, world, charts } = place
  server.push('team/shop', '1.2.0', chart('1.2.0'))
  server.push('team/shop', '1.3.0_build.7', chart('1.3.0+build.7'))
  const repo = `oci://${server.host}/team`
  const first = await charts.find(of(repo, '1.2.0'), never)
  assert.deepEqual(await render(await charts.read(first)), { text: 'one 1.2.0' })
  assert.equal((await charts.find(of(repo, '~1.3'), never)).version, '1.3.0+build.7')
  server.push('team/shop', '1.2.0', chart('1.2.0', 'moved'))
  assert.equal((await charts.find(of(repo, '1.2.0'), never)).digest, first.digest)
  world.at += chartRefreshMs
  const moved = await charts.find(of(repo, '1.2.0'), never)
  assert.notEqual(moved.digest, first.digest)
  assert.deepEqual(await render(await charts.read(moved)), { text: 'moved 1.2.0' })
  await assert.rejects(charts.find(of(repo, '9.9.9'), never), code('source_unreachable', /404/))
})

test('B30: a password goes to the hosts its credential names and to no other', async () => {
  await using place = await startWorld()
  const { server, world, charts } = place
  publish(server.files, { '1.2.0': chart('1.2.0') })
  server.push('team/shop', '1.2.0', chart('1.2.0'))
  server.guard.basic = 'git:secret'
  const repo = `${server.url}/charts`
  await assert.rejects(
    charts.find(of(repo, '1.2.0'), never),
    code('source_unreachable', 'B30: a chart repository that wants a password'),
  )
  await charts.find(of(repo, '1.2.0', 'mine'), never)
  delete server.guard.basic
  server.guard.bearer = 'git:secret'
  await charts.find(of(`oci://${server.host}/team`, '1.2.0', 'mine'), never)
  assert.ok(server.asked.some(({ path }) => path === '/token'))
  world.hosts = ['charts.example.com']
  world.at += chartRefreshMs
  server.asked.length = 0
  server.files.clear()
  await assert.rejects(
    charts.find(of(repo, '9.0.0', 'mine'), never),
    code('source_unreachable', /404/),
  )
  assert.deepEqual(
    server.asked.map(({ authorization }) => authorization),
    [undefined],
  )
})

test('a password may be in a Secret, which is read anew for each request', async () => {
  await using place = await startWorld()
  const { server, world, charts } = place
  publish(server.files, { '1.0.0': chart('1.0.0') })
  const find = () => charts.find(of(`${server.url}/charts`, '1.0.0', 'mine'), never)
  server.guard.basic = 'me:first'
  world.secret = { username: 'me', password: 'first\n' }
  await find()
  server.guard.basic = 'me:second'
  world.secret = { username: 'me', password: 'second' }
  world.at += chartRefreshMs
  await find()
  world.secret = { username: 'me' }
  world.at += chartRefreshMs
  const words = /credential mine: Secret gs\/charts has neither `password` nor `ca.crt`/
  await assert.rejects(find(), code('source_refused', words))
})

test('B27: a redirect is followed within the rules, and a password does not follow it', async () => {
  await using place = await startWorld(['127.0.0.1', 'localhost'])
  const { server, charts } = place
  await using other = await startChartServer()
  const archive = chart('1.2.0')
  publish(server.files, { '1.2.0': archive })
  other.files.set('/elsewhere.tgz', archive)
  server.files.set(
    '/charts/shop-1.2.0.tgz',
    `${other.url.replace('127.0.0.1', 'localhost')}/elsewhere.tgz`,
  )
  await charts.find(of(`${server.url}/charts`, '1.2.0', 'mine'), never)
  assert.equal(server.asked.at(-1)?.authorization?.startsWith('Basic '), true)
  assert.deepEqual(other.asked, [{ path: '/elsewhere.tgz', authorization: undefined }])
  server.files.set('/charts/index.yaml', `${server.url}/charts/index.yaml`)
  await assert.rejects(
    charts.find(of(`${server.url}/charts`, '2.0.0'), never),
    code('source_refused', 'B27: a chart repository that redirects without end'),
  )
})

test('T27 B25 B26 B29: hosts inside are not asked, whoever names them', async () => {
  await using open = await startWorld([])
  await assert.rejects(
    open.charts.find(of(`${open.server.url}/charts`, '1.2.0'), never),
    code('source_refused', 'B25: charts of 127.0.0.1'),
  )
  await assert.rejects(
    open.charts.find(of('https://169.254.169.254/charts', '1.2.0'), never),
    code('source_refused', 'B25: charts of the metadata of a cloud'),
  )
  await assert.rejects(
    open.charts.find(of('https://localhost/charts', '1.2.0'), never),
    code('source_refused', 'B26: charts of a name of a private address'),
  )
  await using place = await startWorld(['127.0.0.1'])
  publish(place.server.files, { '1.2.0': chart('1.2.0') }, false)
  place.server.files.set('/charts/shop-1.2.0.tgz', 'http://169.254.169.254/latest')
  await assert.rejects(
    place.charts.find(of(`${place.server.url}/charts`, '1.2.0'), never),
    code('source_refused', 'B29: an index whose archive is inside'),
  )
  assert.equal(open.server.asked.length, 0)
})

test('B29: an index, a manifest or an archive without end is refused', async () => {
  await using place = await startWorld()
  const { server, charts } = place
  publish(server.files, { '1.2.0': chart('1.2.0') }, false)
  server.files.set('/charts/shop-1.2.0.tgz', Buffer.alloc(21 * 1024 * 1024))
  await assert.rejects(
    charts.find(of(`${server.url}/charts`, '1.2.0'), never),
    code('source_refused', 'B29: an archive without end'),
  )
  server.push('team/shop', '1.0.0', Buffer.alloc(21 * 1024 * 1024))
  await assert.rejects(
    charts.find(of(`oci://${server.host}/team`, '1.0.0'), never),
    code('source_refused', 'B29: a layer without end'),
  )
  for (const [what, index] of Object.entries({
    'that is no YAML': 'entries: [',
    'that is text': 'text',
    'of nothing': '{}',
    'of lists without end': `a: ${'['.repeat(10_000)}`,
  })) {
    server.files.set('/charts/index.yaml', index)
    await assert.rejects(
      charts.find(of(`${server.url}/charts`, '3.0.0'), never),
      (error) => (tells(`B29: an index ${what}`, error), true),
    )
  }
})
