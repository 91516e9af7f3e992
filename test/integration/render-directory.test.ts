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

const configMap = (name: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`

/** The faults of a render that must fail, as `file:line: message`. */
async function faultsOf(rendering: Promise<unknown>): Promise<string[]> {
  try {
    await rendering
  } catch (error) {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, 'render_failed')
    return error.faults.map(formatFault)
  }
  return assert.fail('the render should have been refused')
}

test('reads yaml, yml and json of one folder, sorted by id, and leaves other files alone', async () => {
  const result = await renderText(engine, {
    'b.yaml': `${configMap('two')}---\n# nothing here\n---\n${configMap('one')}`,
    'a.yml': configMap('three'),
    'c.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"four"}}',
    'kustomization.yaml': 'resources: []\n',
    'README.md': '# hello',
    'deeper/x.yaml': configMap('five'),
  })
  assert.deepEqual(names(result), [
    'ConfigMap four',
    'ConfigMap one',
    'ConfigMap three',
    'ConfigMap two',
  ])
  assert.equal(result.objects.find(({ id }) => id.name === 'one')?.file, 'b.yaml')
})

test('recurses, includes and excludes by globs relative to the path', async () => {
  const files = {
    'k8s/a.yaml': configMap('a'),
    'k8s/deep/b.yaml': configMap('b'),
    'k8s/deep/c-test.yaml': configMap('c'),
    'other.yaml': configMap('d'),
  }
  const recurse = await renderText(engine, files, { path: 'k8s', directory: { recurse: true } })
  assert.deepEqual(names(recurse), ['ConfigMap a', 'ConfigMap b', 'ConfigMap c'])
  const some = await renderText(engine, files, {
    path: 'k8s',
    directory: { recurse: true, include: ['deep/**'], exclude: ['**/*-test.yaml'] },
  })
  assert.deepEqual(names(some), ['ConfigMap b'])
})

test('`**/` of a glob stands for any folders, or for none', async () => {
  const files = {
    'a.yaml': configMap('a'),
    'skip/b.yaml': configMap('b'),
    'x/skip/c.yaml': configMap('c'),
    'x/y/d.yaml': configMap('d'),
    'noskip/e.yaml': configMap('e'),
  }
  const left = async (directory: { include?: string[]; exclude?: string[] }) =>
    names(await renderText(engine, files, { directory: { recurse: true, ...directory } }))
      .map((name) => name.slice(-1))
      .join('')
  assert.equal(await left({ exclude: ['**/skip/**'] }), 'ade')
  assert.equal(await left({ include: ['**/{a,c}.yaml'] }), 'ac')
  assert.equal(await left({ include: ['x/**/*.yaml'] }), 'cd')
  assert.equal(await left({ include: ['x/**/d.yaml', '{**/b,a}.yaml'] }), 'abd')
  assert.equal(await left({ include: ['no**/*.yaml'] }), 'e')
})

test('B37: opens lists', async () => {
  const result = await renderText(engine, {
    'list.yaml': `apiVersion: v1\nkind: List\nitems:\n- ${configMap('a').replaceAll('\n', '\n  ')}\n- apiVersion: v1\n  kind: ConfigMapList\n  items:\n  - ${configMap('b').replaceAll('\n', '\n    ')}\n`,
  })
  assert.deepEqual(names(result), ['ConfigMap a', 'ConfigMap b'])
})

/* What kubectl and the API server make of each scalar (goyaml v2 as sigs.k8s.io/yaml uses it). */
const scalars: readonly (readonly [string, string])[] = [
  ['yes', 'true'],
  ['no', 'false'],
  ['on', 'true'],
  ['off', 'false'],
  ['y', 'true'],
  ['n', 'false'],
  ['True', 'true'],
  ['~', 'null'],
  ['null', 'null'],
  ['0644', '420'],
  ['0777', '511'],
  ['0o777', '511'],
  ['0x1F', '31'],
  ['0b11', '3'],
  ['08', '8'],
  ['1_000', '1000'],
  ['1e3', '1000'],
  ['1.0', '1'],
  ['1.5', '1.5'],
  ['9007199254740993', '9007199254740993'],
  ['12345678901234567890', '12345678901234567890'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['1:30', '"1:30"'],
  ['2024-01-01', '"2024-01-01"'],
  ['1.2.3', '"1.2.3"'],
  ['"yes"', '"yes"'],
  ["'0644'", '"0644"'],
  ['<a & b>', '"<a & b>"'],
]

test('B38: scalars mean what Kubernetes says', async () => {
  const spec = scalars.map(([text], index) => `  s${index}: ${text}\n`).join('')
  const result = await renderText(engine, { 'a.yaml': configMap('a', `spec:\n${spec}`) })
  const json = result.objects[0]?.json ?? ''
  for (const [index, [text, expected]] of scalars.entries()) {
    const found = new RegExp(`"s${index}":("(?:[^"\\\\]|\\\\.)*"|[^,}]*)`).exec(json)?.[1]
    assert.equal(found, expected, `${text} became ${found}`)
  }
})

test('B39: numbers Kubernetes cannot hold are refused', async () => {
  const wrong = { '.inf': 'an endless number', '.nan': 'no number' }
  for (const [text, what] of Object.entries(wrong)) {
    const faults = await faultsOf(renderText(engine, { 'a.yaml': configMap('a', `x: ${text}\n`) }))
    tells(`B39: ${what}`, faults.join('\n'))
  }
})

test('every malformed file is named with its line, all at once', async () => {
  const faults = await faultsOf(
    renderText(engine, {
      'a.yaml': `${configMap('fine')}---\n${configMap('bad', 'data:\n  a: 1\n  a: 2\n')}`,
      'b.yaml': 'apiVersion: v1\nkind: [\n',
      'c.json': '{"apiVersion":"v1",\n "kind" "ConfigMap"}',
      'd.yaml': 'just text\n',
    }),
  )
  assert.equal(faults.length, 4, faults.join('\n'))
  assert.match(faults[0] ?? '', /^a\.yaml:12: .*already set/)
  assert.match(faults[1] ?? '', /^b\.yaml:\d+: /)
  assert.match(faults[2] ?? '', /^c\.json:2: /)
  assert.match(faults[3] ?? '', /^d\.yaml:1: .*not a Kubernetes object/)
})

test('B40b: objects without a fixed name, kind or version are refused with file and line', async () => {
  const faults = await faultsOf(
    renderText(engine, {
      'a.yaml': 'apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: once-\n',
      'b.yaml': '\nkind: ConfigMap\nmetadata: {name: x}\n',
      'c.yaml': 'apiVersion: v1\nmetadata: {name: x}\n',
      'd.yaml': configMap('1234'),
      'e.yaml': configMap('a/b'),
      'f.yaml': configMap('a', '  namespace: Not_A_Namespace\n'),
      'g.yaml': configMap('a'.repeat(254)),
      'h.yaml': 'apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n',
    }),
  )
  const what = [
    'generateName',
    'no apiVersion',
    'no kind',
    'a number for a name',
    'a name with a slash',
    'a namespace that is none',
    'a name of 254 letters',
    'no name',
  ]
  assert.equal(faults.length, what.length, faults.join('\n'))
  for (const [at, fault] of faults.entries()) tells(`B40b: ${what[at]}`, fault)
})

test('B37: one object in two files is refused, naming both', async () => {
  const faults = await faultsOf(
    renderText(
      engine,
      {
        'a.yaml': configMap('x'),
        'b.yaml': `# again\n${configMap('x', '  namespace: shop\n')}`,
      },
      { namespace: 'shop' },
    ),
  )
  tells('B37: one object in two files', faults.join('\n'))
})

test('gives namespaces to namespaced kinds only, knowing the CRDs rendered beside them', async () => {
  const crd = (plural: string, kind: string, scope: string) =>
    `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ${plural}.x.io}\nspec: {group: x.io, scope: ${scope}, names: {kind: ${kind}, plural: ${plural}}}\n---\n`
  const result = await renderText(
    engine,
    {
      'a.yaml':
        crd('widgets', 'Widget', 'Namespaced') +
        crd('worlds', 'World', 'Cluster') +
        ['Widget', 'World', 'Unknown']
          .map((kind) => `apiVersion: x.io/v1\nkind: ${kind}\nmetadata: {name: one}\n---\n`)
          .join('') +
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, namespace: wrong}\n---\n' +
        configMap('mine', '  namespace: elsewhere\n'),
    },
    { namespace: 'shop', createNamespace: true },
  )
  assert.deepEqual(names(result), [
    'ConfigMap elsewhere/mine',
    'Namespace shop',
    'CustomResourceDefinition widgets.x.io',
    'CustomResourceDefinition worlds.x.io',
    'ClusterRole r',
    'Unknown one',
    'Widget shop/one',
    'World one',
  ])
  assert.match(result.warnings.join(), /ClusterRole wrong\/r is not in a namespace/)
  assert.deepEqual(contentOf(result, 'Namespace', 'shop')['metadata'], {
    annotations: { 'groundswell.dev/prune': 'disabled' },
    name: 'shop',
  })
})

test('T30: a definition says nothing of kinds that Kubernetes has, nor does one that is not sent', async () => {
  const crd = (group: string, kind: string, annotations = '{}') =>
    `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ${kind.toLowerCase()}s.${group}, annotations: ${annotations}}\nspec: {group: ${group}, scope: Namespaced, names: {kind: ${kind}}}\n---\n`
  const unsent = '{config.kubernetes.io/local-config: "true"}'
  const result = await renderText(
    engine,
    {
      'a.yaml':
        crd('rbac.authorization.k8s.io', 'ClusterRole') +
        crd('rbac.authorization.k8s.io', 'ClusterRoleBinding', unsent) +
        crd('x.io', 'World', unsent) +
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: one}\n---\n' +
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: one}\n---\n' +
        'apiVersion: x.io/v1\nkind: World\nmetadata: {name: one}\n',
    },
    { namespace: 'shop' },
  )
  assert.deepEqual(names(result), [
    'CustomResourceDefinition clusterroles.rbac.authorization.k8s.io',
    'ClusterRole one',
    'ClusterRoleBinding one',
    'World one',
  ])
})

test('a namespace rendered from Git is left as it is written', async () => {
  const files = { 'a.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n' }
  const result = await renderText(engine, files, { namespace: 'shop', createNamespace: true })
  assert.deepEqual(contentOf(result, 'Namespace', 'shop')['metadata'], { name: 'shop' })
})

test('B40b: what only the API server sets is stripped, and said', async () => {
  const result = await renderText(engine, {
    'a.yaml': configMap(
      'a',
      '  uid: 1-2\n  resourceVersion: "7"\n  creationTimestamp: null\n  managedFields: []\n  ownerReferences: [{uid: "3"}]\nstatus: {x: 1}\n',
    ),
  })
  assert.equal(
    result.objects[0]?.json,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","ownerReferences":[{"uid":"3"}]}}',
  )
  tells('B40b: what the API server sets', result.warnings.join('\n'))
})

test('patches reach plain manifests through kustomize, and keep exact integers and files', async () => {
  const result = await renderText(
    engine,
    {
      'a.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  odd: 9007199254740993\n  text: "0644"\n  template: {spec: {containers: [{name: a, image: x}, {name: b, image: y}]}}\n',
    },
    {
      namespace: 'shop',
      patches: [
        {
          target: { kind: 'Deployment' },
          patch: '[{"op": "replace", "path": "/spec/replicas", "value": 4}]',
        },
        {
          patch:
            'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: b, image: z}]}}}',
        },
        { target: { kind: 'Nothing' }, patch: '[{"op": "remove", "path": "/spec"}]' },
      ],
    },
  )
  const [object] = result.objects
  assert.equal(object?.file, 'a.yaml')
  assert.match(object?.json ?? '', /"odd":9007199254740993,"replicas":4/)
  assert.match(object?.json ?? '', /"text":"0644"/)
  assert.match(object?.json ?? '', /\{"image":"z","name":"b"\}/)
  assert.deepEqual(result.warnings, ['patch 3: its target matches no object'])
})

test('B7 B9: a path or a file name outside the tree is refused', async () => {
  const file = { 'a.yaml': configMap('a') }
  for (const [what, rendering] of [
    ['a path above the tree', renderText(engine, file, { path: '../x' })],
    ['an absolute path', renderText(engine, file, { path: '/etc' })],
    ['a file above the tree', renderText(engine, { '../a.yaml': configMap('a') })],
  ] as const) {
    await assert.rejects(rendering, (error) => (tells(`B7, B9: ${what}`, error), true))
  }
})

test('B33: an alias bomb is refused and the engine lives on', async () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let index = 1; index < 10; index += 1) {
    const [name, last] = [String.fromCodePoint(97 + index), String.fromCodePoint(96 + index)]
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${last}`).join(',')}]`)
  }
  const faults = await faultsOf(renderText(engine, { 'a.yaml': `${bomb.join('\n')}\n` }))
  tells('B33: an alias bomb', faults.join('\n'))
  assert.equal((await renderText(engine, { 'a.yaml': configMap('a') })).objects.length, 1)
})

test('B34: nesting without end is refused and the engine lives on', async () => {
  const deep = '['.repeat(20_000)
  const yaml = await faultsOf(renderText(engine, { 'a.yaml': `a: ${deep}` }))
  tells('B34: lists without end in a file', yaml.join('\n'))
  const json = await faultsOf(renderText(engine, { 'a.json': deep }))
  tells('B34: lists without end in a JSON file', json.join('\n'))
  assert.equal((await renderText(engine, { 'a.yaml': configMap('a') })).objects.length, 1)
})

test('B34: an object nested deeper than any reader of it has to go is refused by name', async () => {
  const nest = (depth: number) =>
    `{"apiVersion": "x.io/v1", "kind": "Any", "metadata": {"name": "a"}, "spec": ${'['.repeat(depth)}${']'.repeat(depth)}}`
  assert.deepEqual(names(await renderText(engine, { 'a.json': nest(400) })), ['Any a'])
  const faults = await faultsOf(renderText(engine, { 'a.json': nest(9_000) }))
  assert.match(faults.join('\n'), /^a\.json:1: Any a: nested deeper than 500$/)
})

test('hooks of Argo CD and Helm in plain manifests: what has no time to run is left out', async () => {
  const job = (name: string, annotations: string) =>
    `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${name}, annotations: {${annotations}}}\n`
  const result = await renderText(engine, {
    'a.yaml': [
      job(
        'before',
        'argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded',
      ),
      job('skipped', 'argocd.argoproj.io/hook: Skip'),
      job('failed', 'argocd.argoproj.io/hook: SyncFail'),
      job('gone', 'argocd.argoproj.io/hook: "PreDelete, PostDelete"'),
      job('tested', 'helm.sh/hook: test'),
      job('rolled', 'helm.sh/hook: pre-rollback'),
      job('both', 'argocd.argoproj.io/hook: PostSync, helm.sh/hook: test'),
      job('other', 'argocd.argoproj.io/hook: SyncFail, helm.sh/hook: pre-install'),
      job('x', 'argocd.argoproj.io/hook: PreSync').replace('name: x', 'generateName: migrate-'),
    ].join('---\n'),
  })
  const named = names(result).map((name) => name.replace(/-[0-9a-f]{10}$/, '-CONTENT'))
  assert.deepEqual(named, [
    'Job before',
    'Job both',
    'Job failed',
    'Job gone',
    'Job migrate-CONTENT',
    'Job other',
  ])
  assert.equal(
    (contentOf(result, 'Job', 'before')['metadata'] as { annotations: Record<string, string> })
      .annotations['argocd.argoproj.io/hook-delete-policy'],
    'HookSucceeded',
  )
  assert.deepEqual(result.warnings, [
    'a.yaml:5: Job is left out: its annotation says to skip it',
    'a.yaml:21: the pre-rollback hook Job is left out',
  ])
})
