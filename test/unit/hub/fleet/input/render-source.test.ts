import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../../hub/errors.ts'
import type { FoundChart } from '../../../../../hub/source/chart/chart.ts'
import { readChartSource, readRenderSource } from '../../../../../hub/fleet/input/render-source.ts'
import { startSpending } from '../../../../support/processor-time.ts'

/** A mirror over a map of files; a file's content is its blob id. */
function mirrorOf(files: Readonly<Record<string, string>>) {
  const read: string[] = []
  return {
    read,
    readTree: async (_: string, root: string) => {
      read.push(root)
      const inside = Object.keys(files).filter(
        (file) => root === '.' || file.startsWith(`${root}/`),
      )
      if (inside.length === 0) throw new HubError('revision_not_found', root)
      return {
        id: root,
        files: inside.map((file) => ({
          path: posix.relative(root, file),
          oid: file,
          size: files[file]!.length,
        })),
      }
    },
    readBlobs: async (oids: readonly string[]) => oids.map((oid) => Buffer.from(files[oid]!)),
  }
}

const target = (path: string, valuesFiles: string[] = []) => ({
  application: 'shop',
  path,
  kind: undefined,
  valuesFiles,
})

const repository = {
  'apps/shop/overlays/prod/kustomization.yaml':
    'resources: [../../base]\ncomponents: [../../../shared/tls]\n',
  'apps/shop/base/kustomization.yaml': 'resources: [web.yaml]\n',
  'apps/shop/base/web.yaml': '',
  'apps/shared/tls/kustomization.yaml':
    'patches: [{ path: ../patch.yaml }]\nconfigMapGenerator: [{ name: x, files: [a=ca.pem] }]\n',
  'apps/shared/patch.yaml': '',
  'apps/alone/kustomization.yml': 'resources: [a.yaml, "https://example.com/x"]\n',
  'apps/alone/a.yaml': '',
  'apps/nested/prod/kustomization.yaml': 'resources: [..]\n',
  'apps/nested/kustomization.yaml': 'resources: [a.yaml]\n',
  'apps/out/kustomization.yaml': 'resources: [../../../etc]\n',
  'apps/bad/kustomization.yaml': 'resources: [\n',
  'charts/web/Chart.yaml': 'name: web\n',
  'charts/web/values.yaml': '',
  'stack/web/Chart.yaml':
    'name: web\ndependencies:\n- { name: common, version: 1.0.0, repository: "file://../libs/common" }\n',
  'stack/libs/common/Chart.yaml':
    'name: common\ndependencies:\n- { name: base, version: 1.0.0, repository: "file://../../../base/" }\n',
  'base/Chart.yaml': 'name: base\n',
  'stack/old/Chart.yaml': 'name: old\n',
  'stack/old/requirements.yaml':
    'dependencies:\n- { name: web, version: 1.0.0, repository: "file://../web" }\n',
  'stack/old/charts/web-1.0.0.tgz': '',
  'stack/out/Chart.yaml':
    'name: out\ndependencies:\n- { name: x, version: 1.0.0, repository: "file://../../../x" }\n',
  'envs/eu.yaml': '',
  'plain/a.yaml': '',
}

const cases: readonly (readonly [string, string, string[], [string, string, string]])[] = [
  [
    'an overlay reaches its bases, and what those reach',
    'apps/shop/overlays/prod',
    [],
    ['kustomize', 'apps', 'shop/overlays/prod'],
  ],
  [
    'a kustomization that stays at home, URLs left to the engine',
    'apps/alone',
    [],
    ['kustomize', 'apps/alone', '.'],
  ],
  ['the directory above itself', 'apps/nested/prod/', [], ['kustomize', 'apps/nested', 'prod']],
  ['a broken kustomization is left to the engine', 'apps/bad', [], ['kustomize', 'apps/bad', '.']],
  ['a chart', 'charts/web', [], ['helm', 'charts/web', '.']],
  ['a chart with values beside it', 'charts/web', ['/envs/eu.yaml'], ['helm', '.', 'charts/web']],
  ['a chart that depends on charts beside it', 'stack/web', [], ['helm', '.', 'stack/web']],
  ['a chart that carries along what is beside it', 'stack/old', [], ['helm', 'stack/old', '.']],
  ['plain manifests', './plain', [], ['directory', 'plain', '.']],
]

for (const [name, path, valuesFiles, expected] of cases) {
  test(`readRenderSource: ${name}`, async () => {
    const source = await readRenderSource(mirrorOf(repository), 'c', target(path, valuesFiles))
    assert.deepEqual([source.kind, source.root, source.path], expected)
    assert.equal(source.tree.id, source.root)
  })
}

for (const file of ['apps/out/kustomization.yaml', 'stack/out/Chart.yaml']) {
  test(`a reference out of the repository is a fault with its file: ${file}`, async () => {
    await assert.rejects(
      readRenderSource(mirrorOf(repository), 'c', target(posix.dirname(file))),
      (error: HubError) => error.code === 'render_failed' && error.faults[0]?.file === file,
    )
  })
}

test('kustomizations that name each other in a circle end', async () => {
  const mirror = mirrorOf({
    'a/kustomization.yaml': 'resources: [../b]\n',
    'b/kustomization.yaml': 'resources: [../a]\n',
  })
  const source = await readRenderSource(mirror, 'c', target('a'))
  assert.equal(source.root, '.')
  assert.deepEqual(mirror.read, ['a', '.'])
})

test('one archive under two names or versions is two trees', async () => {
  const digest = digestOf('archive')
  const read = async (name: string, version: string, valuesFiles: string[] = []) => {
    const chart = { version, digest } as FoundChart
    const at = target('charts/web', valuesFiles)
    const { tree } = await readChartSource(mirrorOf(repository), 'c', at, name, chart)
    return tree.id
  }
  const same = await read('web', '1.0.0')
  assert.equal(await read('web', '1.0.0'), same)
  const ids = [
    ...[same, await read('web', '1.0'), await read('shop', '1.0.0')],
    await read('web', '1.0.0', ['values.yaml']),
  ]
  assert.equal(new Set(ids).size, 4)
})

test('a chart of thousands of files that names thousands of dependencies is looked at in no time', async () => {
  const names = Array.from({ length: 8_000 }, (_, at) => `d${at}`)
  const mirror = mirrorOf({
    'big/Chart.yaml': `name: big\ndependencies:\n${names.map((name) => `- {name: ${name}, repository: "file://x"}\n`).join('')}`,
    ...Object.fromEntries(names.map((name) => [`big/charts/${name}-1.0.tgz`, ''])),
  })
  const spent = startSpending()
  const { root } = await readRenderSource(mirror, 'c', target('big'))
  const took = spent()
  assert.equal(root, 'big')
  assert.ok(took < 5_000, `${took} ms`)
})
