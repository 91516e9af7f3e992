import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { after, before, test } from 'node:test'
import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../../hub/errors.ts'
import type { RenderEngine } from '../../hub/render/engine.ts'
import { createComparison } from '../support/comparison.ts'
import { createMirrorWorld, fetchCommit } from '../support/mirror-world.ts'
import { prepareOracles, runOracle } from '../support/oracles.ts'
import { renderText, startRenderEngine } from '../support/render-engine.ts'
import { alone, fetchGoModule, findSamples, readFiles, type Sample } from '../support/samples.ts'

/* Charts, overlays and manifests as projects ship them, that nobody here has looked at: large
   definitions, generators, hundreds of objects. What we render is what helm template, kustomize build
   and kubectl make of them. */

/** By the checksums of Go's database. */
const shipped = {
  'sigs.k8s.io/metrics-server@v0.9.0': 'h1:nlqqZ2H0Xfko8eJC/1qaNVVT17hu4rxndkOi22KTZ4w=',
  'sigs.k8s.io/descheduler@v0.36.0': 'h1:fBemfJD1RhmbsdH94lKwGMOwQcbsrw67A5IK2c2fANA=',
  'sigs.k8s.io/kueue@v0.17.0': 'h1:7hzb38M4eKGzYW+CFv2s1L+swzzacUCHOCXxZmAV90I=',
  'github.com/bitnami-labs/sealed-secrets@v0.40.0':
    'h1:rvCP35JL8ZV5LNA2SrwNR6iLyoM3ulrSFWN0lBtYEYI=',
  'github.com/kedacore/keda/v2@v2.21.0': 'h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=',
  'github.com/kyverno/kyverno@v1.19.1': 'h1:/MkgFii3/VlQfKR1JpC9tVwNNVNQTt2S4U6qCsafsTU=',
} as const

let engine: RenderEngine & AsyncDisposable
const places = new Map<string, string>()
before(async () => {
  await prepareOracles()
  engine = await startRenderEngine({ workers: 2, memoryBytes: 1024 * 1024 * 1024 })
  for (const [version, sum] of Object.entries(shipped)) {
    places.set(version, await fetchGoModule(version, sum))
  }
})
after(() => engine.close())

/** Where projects keep what is for clusters. */
const directories = ['charts', 'config', 'helm', 'kubernetes', 'manifests']

async function findAll(names: readonly string[]): Promise<Sample[]> {
  const found = await Promise.all(
    [...places].flatMap(([version, place]) =>
      directories
        .filter((directory) => existsSync(join(place, directory)))
        .map((directory) => findSamples(`${version}/${directory}`, join(place, directory), names)),
    ),
  )
  // Of those with large definitions only what all of it comes together in: each takes seconds.
  return found
    .flat()
    .filter(({ name }) => !/\/(kueue|keda)\b/.test(name) || /default$|charts/.test(name))
}

test('charts that projects ship render as helm template renders them', async (t) => {
  const found = await findAll(['Chart.yaml'])
  const own = found.filter(({ path }) => !/\/charts\/[^/]+\/charts\//.test(`/${path}/`))
  const { same, refused, different } = await createComparison(engine).charts(own.map(alone))
  t.diagnostic(`${same.length} the same; refused by both: ${refused.join('; ')}`)
  assert.deepEqual(different, [])
  assert.ok(same.length >= 4, `${same.length}`)
})

test('kustomizations that projects ship build as kustomize builds them', async (t) => {
  const found = await findAll(['kustomization.yaml', 'kustomization.yml', 'Kustomization'])
  const { same, refused, different } = await createComparison(engine).kustomizations(found)
  t.diagnostic(`${same.length} the same; refused by both: ${refused.join('; ')}`)
  assert.deepEqual(different, [])
  assert.ok(same.length >= 12, `${same.length}`)
})

test('links of a repository stand for their files, as they do for the programs', async () => {
  await using world = await createMirrorWorld()
  const repository = await world.createRepository()
  const configMap = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { a: b }\n`
  await repository.commit({
    'overlay/kustomization.yaml':
      'resources: [a.yaml, linked.yaml]\nconfigMapGenerator: [{ name: made, files: [conf/linked.txt] }]\n',
    'overlay/a.yaml': configMap('a'),
    'overlay/sub/real.yaml': configMap('b'),
    'overlay/texts/real.txt': 'a text',
    'overlay/conf/other.txt': 'another',
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'chart/real-values.yaml': 'name: fromvalues\n',
    'chart/files/real.yaml': configMap('{{ .Values.name }}'),
    'chart/templates/plain.yaml': configMap('plain'),
  })
  const clone = join(world.server.root, `${repository.name}.clone`)
  for (const [path, target] of Object.entries({
    'overlay/linked.yaml': 'sub/real.yaml',
    'overlay/conf/linked.txt': '../texts/real.txt',
    'chart/values.yaml': 'real-values.yaml',
    'chart/templates/linked.yaml': '../files/real.yaml',
  })) {
    await symlink(target, join(clone, path))
  }
  await repository.git('add', '--all')
  await repository.git('commit', '--quiet', '--message', 'Links')
  await repository.git('push', '--quiet', 'origin', 'HEAD:main')
  const mirror = await world.openMirror(repository)
  const { files } = await mirror.readTree(await fetchCommit(mirror), '.')
  const blobs = await mirror.readBlobs(files.map(({ oid }) => oid))
  const tree = new Map(files.map(({ path }, at) => [path, blobs[at]!]))
  const sample = (path: string): Sample => ({
    ...{ name: path, directory: join(clone, path), files: tree, path },
  })
  const { charts, kustomizations } = createComparison(engine)
  const found = [await kustomizations([sample('overlay')]), await charts([alone(sample('chart'))])]
  assert.deepEqual(
    found.map(({ different, refused }) => [...different, ...refused]),
    [[], []],
  )
})

/** Numbers as they are written, and fields in no order. */
const read = (json: string): unknown =>
  JSON.parse(json, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? `number ${context?.source}` : value,
  )

test('manifests that projects ship are read as kubectl apply --dry-run=client reads them', async (t) => {
  const texts: string[] = []
  const names: string[] = []
  for (const [version, place] of places) {
    for (const [path, bytes] of await readFiles(place)) {
      const text = Buffer.from(bytes).toString()
      if (!isManifest(path, text)) continue
      names.push(`${version} ${path}`)
      texts.push(text)
    }
  }
  const printed = await runOracle('kubectlRead', [], JSON.stringify(texts))
  assert.ok('text' in printed, JSON.stringify(printed))
  const theirs = read(printed.text) as { objects: Record<string, unknown>[]; error?: string }[]
  const [different, large]: [string[], string[]] = [[], []]
  let count = 0
  for (const [at, text] of texts.entries()) {
    const other = theirs[at]!
    try {
      const { objects } = await renderText(engine, { 'a.yaml': text })
      const ours = objects.map(({ json }) => read(json))
      count += ours.length
      if (text.length > 400_000) large.push(names[at]!)
      if (other.error !== undefined || !isDeepStrictEqual(byName(ours), byName(other.objects))) {
        different.push(`${names[at]}: ${other.error ?? 'other objects'}`)
      }
    } catch (error) {
      assert.ok(error instanceof HubError, String(error))
      if (other.error === undefined) different.push(`${names[at]}: ${error.message}`)
    }
  }
  t.diagnostic(`${texts.length} files, ${count} objects; large: ${large.join(', ')}`)
  assert.deepEqual(different, otherwise)
  assert.ok(count >= 150, `${count}`)
  assert.ok(large.length >= 4, large.join())
})

/** What kubectl reads and we do not take as it is, each for a reason. */
const otherwise = [
  // A namespace is left out of what has none.
  'sigs.k8s.io/kueue@v0.17.0 config/components/kueueviz/cluster-role-binding.yaml: other objects',
  'sigs.k8s.io/kueue@v0.17.0 config/components/kueueviz/clusterrole.yaml: other objects',
  // No cluster takes an object without a name.
  'sigs.k8s.io/kueue@v0.17.0 config/components/manager/controller_manager_config.yaml: directory .: a.yaml:1: Configuration: metadata.name is missing',
]

const isManifest = (path: string, text: string) =>
  /^(config|deploy|manifests|kubernetes)\/.*\.ya?ml$/.test(path) &&
  !/install-latest/.test(path) &&
  !/^(kustomization|chart)/i.test(posix.basename(path)) &&
  /^kind: \w/m.test(text) &&
  /^apiVersion: \w/m.test(text) &&
  !text.includes('{{')

const byName = (objects: readonly unknown[]) =>
  objects.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
function nameOf(object: unknown): string {
  if (!isRecord(object)) return ''
  const { kind, apiVersion, metadata } = object
  const { name, namespace } = isRecord(metadata) ? metadata : {}
  return JSON.stringify([apiVersion, kind, namespace, name])
}
