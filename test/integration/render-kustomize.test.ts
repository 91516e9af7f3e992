import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { formatFault, HubError } from '../../hub/errors.ts'
import type { RenderEngine } from '../../hub/render/engine.ts'
import { tells } from '../support/exact-words.ts'
import { contentOf, names, renderText, startRenderEngine } from '../support/render-engine.ts'

let engine: RenderEngine
before(async () => {
  engine = await startRenderEngine()
})
after(() => engine.close())

const deployment =
  'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - {name: web, image: shop, envFrom: [{configMapRef: {name: settings}}]}\n'

const shop = {
  'base/kustomization.yaml':
    'resources: [deployment.yaml]\nconfigMapGenerator:\n- name: settings\n  files: [../shared/motd.txt]\n  literals: [colour=blue]\n',
  'base/deployment.yaml': deployment,
  'shared/motd.txt': 'hello\n',
  'overlays/eu/kustomization.yaml':
    'resources: [../../base]\nnamespace: eu\nnamePrefix: eu-\nimages:\n- {name: shop, newTag: "1.2"}\npatches:\n- path: replicas.yaml\n',
  'overlays/eu/replicas.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 5}\n',
}

async function faultsOf(rendering: Promise<unknown>): Promise<string[]> {
  const error = await rendering.then(
    () => assert.fail('the render should have been refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof HubError, String(error))
  assert.equal(error.code, 'render_failed')
  return error.faults.map(formatFault)
}

test('an overlay on a base beside it: generators, prefixes, images, patches, references', async () => {
  const result = await renderText(engine, shop, { kind: 'kustomize', path: 'overlays/eu' })
  const [settings, web] = names(result)
  assert.match(settings ?? '', /^ConfigMap eu\/eu-settings-[a-z0-9]{10}$/)
  assert.equal(web, 'Deployment eu/eu-web')
  const config = result.objects.find(({ id }) => id.kind === 'ConfigMap')
  assert.deepEqual((JSON.parse(config?.json ?? '') as { data: unknown }).data, {
    colour: 'blue',
    'motd.txt': 'hello\n',
  })
  assert.equal(config?.file, '')
  const json = result.objects.find(({ id }) => id.kind === 'Deployment')?.json ?? ''
  assert.match(json, /"replicas":5/)
  assert.match(json, /"image":"shop:1.2"/)
  assert.ok(json.includes(`"configMapRef":{"name":"${config?.id.name}"}`))
})

test('objects name the file they came from, and nothing of that stays in them', async () => {
  const result = await renderText(engine, shop, { kind: 'kustomize', path: 'overlays/eu' })
  const web = result.objects.find(({ id }) => id.kind === 'Deployment')
  assert.equal(web?.file, 'base/deployment.yaml')
  assert.deepEqual(contentOf(result, 'Deployment', 'eu-web')['metadata'], {
    name: 'eu-web',
    namespace: 'eu',
  })
})

test('objects of one file name it, whatever way leads to it', async () => {
  const map = (name: string) => `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`
  const files = {
    'base/kustomization.yaml': 'resources: [all.yaml]\n',
    'base/all.yaml': map('a') + map('b'),
    'part/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: p-\n',
    'eu/kustomization.yaml': 'resources: [../base]\ncomponents: [../part]\nnamespace: eu\n',
  }
  const given = async (more: Readonly<Record<string, string>>) => {
    const { objects } = await renderText(
      engine,
      { ...files, ...more },
      { kind: 'kustomize', path: 'eu' },
    )
    return objects.map(({ id, file }) => `${id.namespace}/${id.name} ${file}`)
  }
  const both = ['eu/p-a base/all.yaml', 'eu/p-b base/all.yaml']
  assert.deepEqual(await given({}), both)

  // Anything else that may bring an object, and each says where it is from.
  const one = files['eu/kustomization.yaml']
  const off = 'generatorOptions: {disableNameSuffixHash: true}\n'
  const made = 'configMapGenerator: [{name: c, literals: [x=y]}]\n'
  for (const text of [`${one}${off}${made}`, `${one}${off}${made.replace('c', 'C')}`]) {
    assert.deepEqual(await given({ 'eu/kustomization.yaml': text }), [...both, 'eu/p-c '])
  }
  const more = { 'part/kustomization.yaml': `${files['part/kustomization.yaml']}${off}${made}` }
  assert.deepEqual(await given(more), [...both, 'eu/p-c '])
  assert.deepEqual(
    await given({
      'part/kustomization.yaml': `${files['part/kustomization.yaml']}resources: [d.yaml]\n`,
      'part/d.yaml': map('d'),
    }),
    [...both, 'eu/p-d part/d.yaml'],
  )
})

test('annotations of an object survive the tracing of its file', async () => {
  const result = await renderText(
    engine,
    {
      'kustomization.yaml': 'resources: [a.yaml]\n',
      'a.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations: {date: 2024-01-01, octal: "0644"}\n',
    },
    { kind: 'kustomize' },
  )
  assert.deepEqual(contentOf(result, 'ConfigMap', 'a')['metadata'], {
    annotations: { date: '2024-01-01', octal: '0644' },
    name: 'a',
  })
})

test('a second render of the same tree gives the same bytes', async () => {
  const render = () => renderText(engine, shop, { kind: 'kustomize', path: 'overlays/eu' })
  assert.deepEqual(await render(), await render())
})

test('B28: remote bases and files are refused before anything is fetched, with file and line', async () => {
  const faults = await faultsOf(
    renderText(
      engine,
      {
        'kustomization.yaml':
          'resources:\n- https://github.com/a/b//deploy?ref=main\n- git@github.com:a/b\ncomponents:\n- ../outside\npatches:\n- path: https://example.com/p.yaml\nopenapi:\n  path: https://example.com/schema.json\n',
      },
      { kind: 'kustomize' },
    ),
  )
  tells('B28: what kustomizations name elsewhere', faults.join('\n'))
})

test('B28: fields in other letters, which kustomize takes as well, are looked at all the same', async () => {
  const files = {
    'base/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n',
    'base/motd.txt': 'hello\n',
    'base/kustomization.yaml':
      'Resources: [cm.yaml]\nConfigMapGenerator:\n- name: made\n  Files: [motd.txt]\n',
    'eu/kustomization.yaml': 'RESOURCES: [../base]\nnamePrefix: eu-\n',
  }
  const given = { kind: 'kustomize', path: 'eu' } as const
  const all = names(await renderText(engine, files, given))
  assert.match(all.join(), /^ConfigMap eu-made-\w+,ConfigMap eu-x$/)
  const wrong = async (text: string) =>
    faultsOf(renderText(engine, { ...files, 'eu/kustomization.yaml': text }, given))
  for (const [text, words] of [
    [
      'Resources: [https://example.com/a.yaml]',
      /eu\/kustomization\.yaml:1: resources: .* is not in/,
    ],
    [
      'reſources: [https://example.com/a.yaml]',
      /eu\/kustomization\.yaml:1: resources: .* is not in/,
    ],
    [
      'Patches: [{Path: https://example.com/a.yaml}]',
      /patches: .*: nothing is read from the network/,
    ],
    ['openapi: {PATH: ../../x}', /openapi: .* is outside the tree/],
    [
      'resources: []\nResources: [../base]',
      /Resources: the field is there twice, in other letters/,
    ],
    ['HelmCharts: [{name: x}]', /helmCharts: charts are not inflated here/],
  ] as const) {
    assert.match((await wrong(text)).join('\n'), words, text)
  }
})

test('B40c: helm charts, functions and plugins inside a kustomization are refused', async () => {
  const charts = { 'kustomization.yaml': 'helmCharts:\n- name: x\n' }
  const faults = await faultsOf(renderText(engine, charts, { kind: 'kustomize' }))
  tells('B40c: a kustomization with helmCharts', faults.join('\n'))
  const exec = {
    'kustomization.yaml': 'generators: [g.yaml]\n',
    'g.yaml':
      'apiVersion: v1\nkind: G\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: /bin/true}\n',
  }
  const refused = await faultsOf(renderText(engine, exec, { kind: 'kustomize' }))
  tells('B40c: a kustomization with an exec function', refused.join('\n'))
})

test('B8: files outside the tree cannot be read', async () => {
  for (const file of ['/etc/passwd', '../../../../etc/passwd']) {
    const faults = await faultsOf(
      renderText(
        engine,
        { 'kustomization.yaml': `configMapGenerator:\n- name: x\n  files: [${file}]\n` },
        { kind: 'kustomize' },
      ),
    )
    tells(`B8: a generator of ${file}`, faults.join('\n'))
  }
})

test('T24: the environment is empty, whatever the hub runs with', async () => {
  const result = await renderText(
    engine,
    {
      'kustomization.yaml':
        'configMapGenerator:\n- name: x\n  envs: [names.env]\ngeneratorOptions: {disableNameSuffixHash: true}\n',
      'names.env': 'PATH\nHOME\n',
    },
    { kind: 'kustomize' },
  )
  assert.deepEqual(contentOf(result, 'ConfigMap', 'x')['data'], { HOME: '', PATH: '' })
})

test('a malformed resource names its file and line', async () => {
  const faults = await faultsOf(
    renderText(
      engine,
      {
        'base/kustomization.yaml': 'resources: [bad.yaml]\n',
        'base/bad.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n',
        'over/kustomization.yaml': 'resources: [../base]\n',
      },
      { kind: 'kustomize', path: 'over' },
    ),
  )
  assert.match(faults[0] ?? '', /^base\/bad\.yaml:\d+: /)
})

test('a folder without kustomization.yaml is refused by name', async () => {
  const faults = await faultsOf(
    renderText(engine, { 'a/b.yaml': '' }, { kind: 'kustomize', path: 'a' }),
  )
  assert.match(faults[0] ?? '', /no kustomization\.yaml in "a"/)
})

test("a kustomization's own schema does not reach the next render, nor one of its bases", async () => {
  const crd = {
    'base/kustomization.yaml': 'resources: [a.yaml]\nopenapi: {path: schema.json}\n',
    'over/kustomization.yaml': 'resources: [../base]\n',
    'base/a.yaml': 'apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: a}\n',
    'base/schema.json': JSON.stringify({
      definitions: {
        'io.x.v1.Widget': {
          type: 'object',
          'x-kubernetes-group-version-kind': [{ group: 'x.io', kind: 'Widget', version: 'v1' }],
        },
      },
      paths: {
        '/apis/x.io/v1/namespaces/{namespace}/widgets/{name}': {
          get: {
            'x-kubernetes-group-version-kind': { group: 'x.io', kind: 'Widget', version: 'v1' },
            'x-kubernetes-action': 'get',
          },
        },
      },
    }),
  }
  for (const path of ['base', 'over']) {
    await renderText(engine, crd, { kind: 'kustomize', path, namespace: 'shop' })
    const plain = await renderText(
      engine,
      {
        'a.yaml': `${crd['base/a.yaml']}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n`,
      },
      { namespace: 'shop' },
    )
    assert.deepEqual(names(plain), ['ConfigMap shop/c', 'Widget a'], path)
  }
})

test('files and directories may have any names that Git has, also those nobody refers to', async () => {
  const odd = [
    'high-availability-1.21+',
    'with space',
    'größe',
    '@scope',
    'a~b',
    '100%',
    '#1',
    '[x]',
  ]
  const files: Record<string, string> = { ...shop }
  for (const name of odd) {
    files[`${name}/kustomization.yaml`] = `resources: ["c d.yaml"]\n`
    files[`${name}/c d.yaml`] = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\n'
  }
  await renderText(engine, files, { kind: 'kustomize', path: 'overlays/eu' })
  for (const path of odd) {
    assert.deepEqual(names(await renderText(engine, files, { kind: 'kustomize', path })), [
      'ConfigMap odd',
    ])
  }
})
