import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { formatFault, HubError } from '../../hub/errors.ts'
import type { RenderEngine } from '../../hub/render/engine.ts'
import { tells } from '../support/exact-words.ts'
import { contentOf, names, renderText, startRenderEngine } from '../support/render-engine.ts'
import type { renderInput } from '../support/render-input.ts'

let engine: RenderEngine
before(async () => {
  engine = await startRenderEngine()
})
after(() => engine.close())

const chart = {
  'chart/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.2.3\n',
  'chart/values.yaml': 'colour: blue\nlimits: {cpu: 1, memory: 2}\nlist: [a, b]\n',
  'chart/templates/config.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-config\n  labels: {chart: {{ include "name" . }}}\ndata:\n  values: {{ .Values | toJson | quote }}\n',
  'chart/templates/_name.tpl': '{{ define "name" }}{{ .Chart.Name }}-{{ .Chart.Version }}{{ end }}',
  'chart/templates/NOTES.txt': 'Thank you for installing {{ .Chart.Name }}',
}

const render = (
  files: Readonly<Record<string, string>>,
  given: Parameters<typeof renderInput>[0] = {},
) => renderText(engine, files, { kind: 'helm', path: 'chart', namespace: 'eu', ...given })

async function faultsOf(rendering: Promise<unknown>): Promise<string[]> {
  const error = await rendering.then(
    () => assert.fail('the render should have been refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof HubError, String(error))
  assert.equal(error.code, 'render_failed')
  return error.faults.map(formatFault)
}

const valuesOf = (result: Awaited<ReturnType<typeof render>>): unknown => {
  const data = contentOf(result, 'ConfigMap', 'shop-config')['data'] as { values: string }
  return JSON.parse(data.values)
}

test('renders templates with release name, namespace and partials; NOTES are left out', async () => {
  const result = await render(chart)
  assert.deepEqual(names(result), ['ConfigMap eu/shop-config'])
  assert.deepEqual(contentOf(result, 'ConfigMap', 'shop-config')['metadata'], {
    labels: { chart: 'shop-1.2.3' },
    name: 'shop-config',
    namespace: 'eu',
  })
  assert.equal(result.objects[0]?.file, 'chart/templates/config.yaml')
})

test('inline values win over files, later files over earlier, all over the chart', async () => {
  const result = await render(
    {
      ...chart,
      'values/a.yaml': 'colour: red\nsize: 1\nlist: [c]\n',
      'values/b.yaml': 'size: 2\nshape: round\n',
    },
    {
      helm: {
        valuesFiles: ['values/a.yaml', 'values/b.yaml'],
        values: { shape: 'square', ratio: 0.25 },
      },
    },
  )
  assert.deepEqual(valuesOf(result), {
    colour: 'red',
    limits: { cpu: 1, memory: 2 },
    list: ['c'],
    ratio: 0.25,
    shape: 'square',
    size: 2,
  })
})

test("a null deletes the chart's key", async () => {
  const result = await render(chart, { helm: { values: { colour: null, limits: { cpu: null } } } })
  assert.deepEqual(valuesOf(result), { limits: { memory: 2 }, list: ['a', 'b'] })
})

test('subcharts get their values, globals, conditions and aliases', async () => {
  const files = {
    ...chart,
    'chart/Chart.yaml': `${chart['chart/Chart.yaml']}dependencies:\n- {name: db, version: 1.0.0, alias: store, condition: store.enabled}\n- {name: cache, version: 1.0.0, condition: cache.enabled}\n`,
    'chart/values.yaml': 'store: {size: 5}\ncache: {enabled: false}\nglobal: {zone: x}\n',
    'chart/charts/db/Chart.yaml': 'apiVersion: v2\nname: db\nversion: 1.0.0\n',
    'chart/charts/db/values.yaml': 'size: 1\nkind: fast\n',
    'chart/charts/db/templates/db.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\ndata: {text: "{{ .Values.size }} {{ .Values.kind }} {{ .Values.global.zone }}"}\n',
    'chart/charts/cache/Chart.yaml': 'apiVersion: v2\nname: cache\nversion: 1.0.0\n',
    'chart/charts/cache/templates/c.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cache}\n',
  }
  const result = await render(files)
  assert.deepEqual(contentOf(result, 'ConfigMap', 'db')['data'], { text: '5 fast x' })
  assert.ok(!names(result).includes('ConfigMap eu/cache'))
})

test('a dependency that is not vendored is named', async () => {
  const faults = await faultsOf(
    render({
      ...chart,
      'chart/Chart.yaml': `${chart['chart/Chart.yaml']}dependencies:\n- {name: db, version: 1.0.0, repository: "https://charts.example.com"}\n`,
    }),
  )
  assert.match(faults[0] ?? '', /^chart\/Chart\.yaml:5: dependency "db" is not in charts\//)
})

test('B40c: capabilities are the ones given, and kubeVersion is held to', async () => {
  const files = {
    ...chart,
    'chart/templates/config.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  version: {{ .Capabilities.KubeVersion }}\n  has: "{{ .Capabilities.APIVersions.Has "x.io/v1" }} {{ .Capabilities.APIVersions.Has "apps/v1" }}"\n  found: "{{ lookup "v1" "Secret" "eu" "x" }}"\n  host: "{{ getHostByName "localhost" }}"\n',
  }
  const result = await render(files, { helm: { kubeVersion: '1.31.2', apiVersions: ['x.io/v1'] } })
  assert.deepEqual(contentOf(result, 'ConfigMap', 'c')['data'], {
    found: 'map[]',
    has: 'true true',
    host: '',
    version: 'v1.31.2',
  })
  const picky = {
    ...files,
    'chart/Chart.yaml': `${chart['chart/Chart.yaml']}kubeVersion: ">=1.34.0"\n`,
  }
  await render(picky, { helm: { kubeVersion: '1.35.4' } })
  const faults = await faultsOf(render(picky, { helm: { kubeVersion: '1.31.2' } }))
  tells('B40c: a chart for another Kubernetes', faults.join('\n'))
})

test('CRDs are rendered and their kinds placed', async () => {
  const result = await render({
    ...chart,
    'chart/crds/widget.yaml':
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.x.io}\nspec: {group: x.io, scope: Namespaced, names: {kind: Widget}}\n',
    'chart/templates/w.yaml': 'apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: w}\n',
  })
  assert.deepEqual(names(result), [
    'ConfigMap eu/shop-config',
    'CustomResourceDefinition widgets.x.io',
    'Widget eu/w',
  ])
  assert.equal(result.objects[1]?.file, 'chart/crds/widget.yaml')
})

test('tests and hooks for a roll-back are left out; the others stay', async () => {
  const job = (name: string, hook: string) =>
    `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${name}, annotations: {helm.sh/hook: "${hook}"}}\n`
  const result = await render({
    ...chart,
    'chart/templates/test.yaml': job('test', 'test'),
    'chart/templates/migrate.yaml': `---\n${job('migrate', 'pre-install, pre-upgrade')}---\n${job('bye', 'pre-delete')}---\n${job('back', 'post-rollback')}`,
  })
  assert.deepEqual(names(result), ['ConfigMap eu/shop-config', 'Job eu/bye', 'Job eu/migrate'])
  assert.equal(result.warnings.length, 1)
  assert.match(result.warnings[0] ?? '', /post-rollback hook Job is left out/)
})

test('.helmignore hides files, and .Files reads only the chart', async () => {
  const result = await render({
    ...chart,
    'secret.txt': 'outside',
    'chart/.helmignore': 'drafts/\n*.bak\n',
    'chart/templates/drafts/x.yaml': 'this: is not ready\n',
    'chart/old.bak': 'hidden',
    'chart/motd.txt': 'hello',
    'chart/templates/f.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\ndata: {a: "{{ .Files.Get "motd.txt" }}", b: "{{ .Files.Get "old.bak" }}", c: "{{ .Files.Get "../secret.txt" }}"}\n',
  })
  assert.deepEqual(contentOf(result, 'ConfigMap', 'f')['data'], { a: 'hello', b: '', c: '' })
})

test('B40c: a chart that renders differently each time is said to, by object and field', async () => {
  const result = await render({
    ...chart,
    'chart/templates/r.yaml':
      'apiVersion: v1\nkind: Secret\nmetadata: {name: r}\nstringData: {p: {{ randAlphaNum 20 }}, q: same}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "a-{{ randAlphaNum 9 | lower }}"}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: q}\nspec: {containers: [{name: x, args: [a, "{{ uuidv4 }}"]}]}\n',
  })
  assert.equal(result.warnings.length, 3, result.warnings.join('\n'))
  const warnings = result.warnings.join('\n').replace(/ConfigMap a-\w+/, 'ConfigMap NAME')
  tells('B40c: a chart that draws lots', warnings)
  assert.deepEqual((await render(chart)).warnings, [])
})

test('template faults name file and line', async () => {
  const broken = (text: string) => faultsOf(render({ ...chart, 'chart/templates/b.yaml': text }))
  assert.match(
    (await broken('a: 1\n{{ .Values.a.b.c }}\n'))[0] ?? '',
    /^chart\/templates\/b\.yaml:2: /,
  )
  assert.match((await broken('{{ if }}'))[0] ?? '', /^chart\/templates\/b\.yaml:1: /)
  assert.match((await broken('\n{{ fail "sorry" }}'))[0] ?? '', /b\.yaml:2: .*sorry/)
  assert.match((await broken('{{ required "give x" .Values.x }}'))[0] ?? '', /b\.yaml:1: .*give x/)
  assert.match((await broken('a: 1\n b: 2\n'))[0] ?? '', /b\.yaml: rendered line 2/)
})

test('B40c: values that break the schema are refused; schemas that refer elsewhere too', async () => {
  const schema = (text: object) => ({ ...chart, 'chart/values.schema.json': JSON.stringify(text) })
  const strict = schema({ type: 'object', properties: { colour: { type: 'integer' } } })
  tells('B40c: values that break their schema', (await faultsOf(render(strict))).join('\n'))
  for (const $ref of ['https://example.com/s.json', 'file:///etc/passwd', 'other.json']) {
    const faults = await faultsOf(render(schema({ properties: { colour: { $ref } } })))
    tells(`B40c: a schema that refers to ${$ref}`, faults.join('\n'))
  }
})

test('a chart beside this one is a dependency where Chart.yaml says file://', async () => {
  const files = {
    ...chart,
    'chart/Chart.yaml': `${chart['chart/Chart.yaml']}dependencies:\n- {name: common, version: 1.0.0, repository: "file://../common"}\n`,
    'common/Chart.yaml': 'apiVersion: v2\nname: common\nversion: 1.0.0\n',
    'common/templates/c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: common}\n',
  }
  assert.deepEqual(names(await render(files)), ['ConfigMap eu/common', 'ConfigMap eu/shop-config'])
  const { 'common/Chart.yaml': _, ...without } = files
  assert.match(
    (await faultsOf(render(without))).join(),
    /^chart\/Chart\.yaml:\d+: dependency "common": there is no Chart\.yaml in "common"$/,
  )
  const loop = `${files['common/Chart.yaml']}dependencies:\n- {name: shop, version: 1.2.3, repository: "file://../chart"}\n`
  assert.equal((await faultsOf(render({ ...files, 'common/Chart.yaml': loop }))).length, 1)
})

test('malformed values are named with file and line', async () => {
  const bad = 'a: 1\nb: [\n'
  const own = await faultsOf(render({ ...chart, 'chart/values.yaml': bad }))
  assert.match(own[0] ?? '', /^chart\/values\.yaml:\d+: /)
  const given = await faultsOf(
    render({ ...chart, 'eu.yaml': bad }, { helm: { valuesFiles: ['eu.yaml'] } }),
  )
  assert.match(given[0] ?? '', /^eu\.yaml:\d+: /)
})

test('a missing values file is named', async () => {
  const faults = await faultsOf(render(chart, { helm: { valuesFiles: ['eu.yaml'] } }))
  assert.match(faults[0] ?? '', /^eu\.yaml:/)
})

test('tells what a chart asks of its cluster, and no more than that', async () => {
  const asked = async (template: string, given: Parameters<typeof render>[1] = {}) => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shop-config }\ndata: { values: ${template} }\n`
    const files = { ...chart, 'chart/templates/config.yaml': text }
    return (await render(files, given)).asked
  }
  const has = '{{ .Capabilities.APIVersions.Has'
  const one = `'${has} "b.io/v1" }}${has} "a.io/v1/Kind" }}${has} "b.io/v1" }}'`
  const cases: readonly [template: string, asked: object][] = [
    ["'plain'", {}],
    ["'{{ .Capabilities.HelmVersion.Version }}'", {}],
    ["'{{ .Capabilities.KubeVersion.GitVersion }}'", { version: true }],
    [
      "'{{ .Capabilities.KubeVersion.Version }}{{ $.Capabilities.KubeVersion.Minor }}'",
      { version: true },
    ],
    [one, { apis: ['a.io/v1/Kind', 'b.io/v1'] }],
    ["'{{ len .Capabilities.APIVersions }}'", { version: true, served: true }],
    ["'{{ range .Capabilities.APIVersions }}{{ . }}{{ end }}'", { version: true, served: true }],
    [
      `'{{ $set := .Capabilities.APIVersions }}{{ $set.Has "a.io/v1" }}{{ $set.Has "v1" }}'`,
      { version: true, served: true },
    ],
    ["'{{ .Capabilities | toJson | b64enc }}'", { version: true, served: true }],
    ['\'{{ (index . "Capabilities").KubeVersion.Major }}\'', { version: true, served: true }],
    // Written in values, put together from parts: told by what is done, not by how it is spelled.
    [`'{{ tpl (printf "{{ .Capabil%s.KubeVersion.Major }}" "ities") . }}'`, { version: true }],
    [
      `'{{ tpl (printf "{{ range .Capabil%s.APIVersions }}{{ . }}{{ end }}" "ities") . }}'`,
      { served: true },
    ],
  ]
  const nothing = { version: false, served: false, apis: [] }
  for (const [template, expected] of cases) {
    assert.deepEqual(await asked(template), { ...nothing, ...expected }, template)
  }
  const helm = { values: { text: '{{ $a := .Capabilities.APIVersions }}{{ $a.Has "v1" }}' } }
  assert.deepEqual(await asked("'{{ tpl .Values.text . }}'", { helm }), {
    ...{ version: true, served: true, apis: [] },
  })
})

test('capabilities read as they do in Helm, whoever watches what is asked', async () => {
  const text = `apiVersion: v1
kind: ConfigMap
metadata: { name: shop-config }
data:
  version: '{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Major }}.{{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion.GitVersion }}'
  newer: '{{ semverCompare ">=1.33-0" .Capabilities.KubeVersion.Version }}'
  has: '{{ .Capabilities.APIVersions.Has "b.io/v1" }} {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ has "a.io/v1" .Capabilities.APIVersions }}'
  all: '{{ join "," .Capabilities.APIVersions }}'
  yaml: {{ .Capabilities | toYaml | quote }}
`
  const files = { ...chart, 'chart/templates/config.yaml': text }
  const kubeVersion = 'v1.33.4-gke.12'
  const helm = { kubeVersion, apiVersions: ['a.io/v1', 'apps/v1'], served: true }
  const data = contentOf(await render(files, { helm }), 'ConfigMap', 'shop-config')['data'] as {
    [key: string]: string
  }
  assert.equal(data['version'], 'v1.33.4 1.33 v1.33.4-gke.12')
  assert.equal(data['newer'], 'true')
  assert.equal(data['has'], 'false true true')
  assert.equal(data['all'], 'a.io/v1,apps/v1', 'what a cluster lists is all it serves')
  assert.match(data['yaml']!, /KubeVersion:\n\s+Major: "1"/)
  // Declared ones stand beside what every cluster is taken to serve.
  const declared = { kubeVersion: '1.33', apiVersions: ['b.io/v1'] }
  const beside = contentOf(await render(files, { helm: declared }), 'ConfigMap', 'shop-config')
  assert.equal((beside['data'] as { has: string }).has, 'true true false')
})

test('a chart that wants a version of Kubernetes has asked for it', async () => {
  const files = {
    ...chart,
    'chart/Chart.yaml': `${chart['chart/Chart.yaml']}kubeVersion: ">=1.20-0"\n`,
  }
  assert.equal((await render(files)).asked?.version, true)
})
