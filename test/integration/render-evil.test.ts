import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import type { RenderEngine, RenderFiles, RenderResult } from '../../hub/render/engine.ts'
import { tells } from '../support/exact-words.ts'
import { names, startRenderEngine } from '../support/render-engine.ts'
import { renderFiles, renderInput } from '../support/render-input.ts'
import { packTar } from '../support/tar.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* T24: charts and kustomizations by somebody who means harm. Each costs one worker at most, reads
   nothing but its tree, and the render after it works. */

const secret = 'a-secret-of-the-hub'
let engine: RenderEngine & AsyncDisposable
let network: Awaited<ReturnType<typeof listen>>
before(async () => {
  process.env['GROUNDSWELL_TEST_SECRET'] = secret
  network = await listen()
  engine = await startRenderEngine({ timeoutMs: 2_000, memoryBytes: 256 * 1024 * 1024 })
})
after(async () => {
  await engine.close()
  network.close()
})

/** Somebody to be called, who should not be. */
async function listen() {
  let calls = 0
  const server = createServer((_, response) => {
    calls += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, calls: () => calls, close: () => server.close() }
}

let trees = 0
async function render(
  kind: 'helm' | 'kustomize',
  files: RenderFiles,
): Promise<RenderResult | HubError> {
  const input = renderInput({ kind, treeId: `evil-${(trees += 1)}`, namespace: 'eu' })
  const signal = AbortSignal.timeout(20_000)
  return engine
    .render(input, () => Promise.resolve(files), signal)
    .catch((error: unknown) => {
      assert.ok(error instanceof HubError, String(error))
      return error
    })
}

async function assertLives(): Promise<void> {
  const result = await render('kustomize', renderFiles({ ...overlay('resources: [a.yaml]\n') }))
  assert.ok(!(result instanceof HubError), JSON.stringify(result))
  assert.deepEqual(names(result), ['ConfigMap eu/a'])
}

const chart = (template: string, more: Readonly<Record<string, string>> = {}) => ({
  'Chart.yaml': 'apiVersion: v2\nname: bad\nversion: 1.0.0\n',
  'templates/a.yaml': template,
  ...more,
})
const data = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: ${value}}\n`
const overlay = (text: string) => ({ 'kustomization.yaml': text, 'a.yaml': data('x') })

const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\\n${'bcdefghij'
  .split('')
  .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[at]}`).join()}]`)
  .join('\\n')}`

/** Charts that must fail, or come to nothing. */
const charts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a loop without end': chart(
    '{{ define "f" }}{{ range until 2 }}{{ template "f" $ }}{{ end }}{{ end }}{{ template "f" . }}',
  ),
  'tpl of itself': chart(
    '{{ define "t" }}{{ tpl "{{ include \\"t\\" . }}" . }}{{ end }}{{ include "t" . }}',
  ),
  'memory by repetition': chart(
    '{{ $x := "a" }}{{ range until 99 }}{{ $x = print $x $x }}{{ end }}',
  ),
  'memory by indentation': chart('{{ "a" | indent 2000000000 }}'),
  'more output than is taken': chart(
    '{{ range $at := until 90 }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "a{{ $at }}"}\ndata: {text: "{{ repeat 1000000 "x" }}"}\n{{ end }}',
  ),
  'an alias bomb in values': chart(data('{{ .Values | toJson | sha256sum }}'), {
    'values.yaml': bomb.replaceAll('\\n', '\n'),
  }),
  'an alias bomb in fromYaml': chart(`{{ fromYaml "${bomb}" | toJson }}`),
  'a schema that refers to itself in a circle': chart(data('x'), {
    'values.yaml': 'a: 1\n',
    'values.schema.json':
      '{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}',
  }),
  'a schema as deep as the sea': chart(data('x'), {
    'values.schema.json': `${'{"properties":{"a":'.repeat(20_000)}true${'}}'.repeat(20_000)}`,
  }),
  'a chart called dot': chart(data('x'), {
    'Chart.yaml': 'apiVersion: v2\nname: ".."\nversion: 1.0.0\n',
  }),
  'the environment': chart(data('{{ env "GROUNDSWELL_TEST_SECRET" }}')),
  'the environment, expanded': chart(data('{{ expandenv "$GROUNDSWELL_TEST_SECRET" }}')),
}

for (const [name, files] of Object.entries(charts)) {
  test(`T24 B40c: a chart with ${name} costs one worker at most`, async () => {
    const result = await render('helm', renderFiles(files))
    assert.ok(result instanceof HubError, JSON.stringify(result).slice(0, 300))
    assert.match(result.code, /^render_(failed|timeout)$/)
    tells(`B40c: a chart with ${name}`, result)
    assert.ok(result.message.length < 3_000, `${result.message.length}`)
    assert.ok(!result.message.includes(secret))
    await assertLives()
  })
}

test('T24 B40c: a chart reads files of its own only, and finds no host and no cluster', async () => {
  const reads = ['../secret', '/etc/passwd', '/proc/self/environ', '../../../../proc/1/environ']
  const text = `${reads.map((file) => `{{ .Files.Get "${file}" }}`).join('')}{{ getHostByName "localhost" }}{{ lookup "v1" "Secret" "" "" | toJson }}`
  const files = { ...chart(data(`'${text}'`)), secret: secret }
  const result = await render('helm', renderFiles(files))
  assert.ok(!(result instanceof HubError), JSON.stringify(result))
  assert.match(result.objects[0]!.json, /"text":"\{\}"/)
})

test('T24: an archive beside the chart that unpacks without end, or out of its place, is refused', async () => {
  const zeros = packTar([
    { name: 'sub/Chart.yaml', data: 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' },
    { name: 'sub/values.yaml', data: Buffer.alloc(200 * 1024 * 1024) },
  ])
  const outside = packTar([
    { name: '../../Chart.yaml', data: 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' },
  ])
  for (const archive of [zeros, outside, Buffer.from('not an archive')]) {
    const files = new Map(renderFiles(chart(data('x')))).set('charts/sub-1.0.0.tgz', archive)
    const result = await render('helm', files)
    assert.ok(result instanceof HubError && result.code === 'render_failed', JSON.stringify(result))
  }
  await assertLives()
})

test('B89: an archive writes nowhere, and its links and devices lead nowhere', async () => {
  await using directory = await createTempDir()
  const target = join(directory.path, 'target')
  await writeFile(target, secret)
  const sub = { name: 'sub/Chart.yaml', data: 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' }
  const template = { name: 'sub/templates/x.yaml', data: '{{ .Files.Get "leak" }}' }
  const archives: Record<string, Parameters<typeof packTar>[0]> = {
    absolute: [sub, { name: target, data: 'overwritten' }],
    climbing: [sub, { name: `sub/../../../../../../..${target}`, data: 'overwritten' }],
    'symbolic link': [sub, template, { name: 'sub/leak', linkTo: target }],
    'hard link': [sub, template, { name: 'sub/leak', linkTo: target, type: '1' }],
    device: [sub, template, { name: 'sub/leak', type: '3' }],
    'link, then a file through it': [
      ...[sub, { name: 'sub/out', linkTo: directory.path }],
      { name: 'sub/out/target', data: 'overwritten' },
    ],
    'a terabyte, by its head': [sub, { name: 'sub/files/huge', size: 1024 ** 4 }, template],
    '100,000 entries': [
      sub,
      ...Array.from({ length: 100_000 }, (_, at) => ({ name: `sub/files/${at}` })),
    ],
  }
  for (const [what, entries] of Object.entries(archives)) {
    const files = new Map(renderFiles(chart(data('x')))).set(
      'charts/sub-1.0.0.tgz',
      packTar(entries),
    )
    const result = await render('helm', files)
    assert.doesNotMatch(JSON.stringify(result), new RegExp(secret), what)
    if (result instanceof HubError) {
      assert.ok(
        ['render_failed', 'render_timeout', 'engine_unavailable'].includes(result.code),
        what,
      )
    }
    assert.equal(await readFile(target, 'utf8'), secret, what)
  }
  assert.deepEqual(await readdir(directory.path), ['target'])
  await assertLives()
})

test('T25 B8 B28: a kustomization reads nothing outside its tree, and calls nobody', async () => {
  const kustomizations: readonly string[] = [
    'resources: [../../../etc/hostname]\n',
    'resources: [/proc/self/environ]\n',
    'configMapGenerator: [{name: x, files: [/etc/passwd]}]\n',
    'configMapGenerator: [{name: x, files: [../../../../../proc/self/environ]}]\n',
    'configMapGenerator: [{name: x, envs: [/proc/self/environ]}]\n',
    'secretGenerator: [{name: x, files: [k=../../etc/shadow]}]\n',
    'resources: [a.yaml]\npatches: [{path: ../../../etc/passwd}]\n',
    'resources: [a.yaml]\npatchesStrategicMerge: [/etc/passwd]\n',
    'resources: [a.yaml]\nreplacements: [{path: /etc/passwd}]\n',
    'resources: [a.yaml]\nopenapi: {path: /etc/passwd}\n',
    'resources: [a.yaml]\nconfigurations: [/etc/passwd]\n',
    'resources: [a.yaml]\ncrds: [/etc/passwd]\n',
    'components: [/etc]\n',
    'resources: [a.yaml]\ntransformers: [/etc/passwd]\n',
    `resources: ["${network.url}/a.yaml"]\n`,
    `resources: ["${network.url}/a//b?ref=main"]\n`,
    `components: ["${network.url}/a"]\n`,
    `resources: [a.yaml]\npatches: [{path: "${network.url}/a.yaml"}]\n`,
    `resources: [a.yaml]\nopenapi: {path: "${network.url}/a.json"}\n`,
    `configMapGenerator: [{name: x, files: ["${network.url}/a.yaml"]}]\n`,
    `resources: [a.yaml]\ntransformers: ["${network.url}/a.yaml"]\n`,
    `resources: [a.yaml]\ncrds: ["${network.url}/a.json"]\n`,
    'helmCharts: [{name: x, repo: "http://127.0.0.1/"}]\n',
    `resources: [a.yaml]\nvalidators:\n- |-\n  apiVersion: x/v1\n  kind: V\n  metadata: {name: v, annotations: {config.kubernetes.io/function: "container: {image: x, network: true}"}}\n`,
    `resources: [a.yaml]\ngenerators:\n- |-\n  apiVersion: x/v1\n  kind: V\n  metadata: {name: v, annotations: {config.kubernetes.io/function: "exec: {path: /bin/true}"}}\n`,
  ]
  for (const text of kustomizations) {
    const result = await render('kustomize', renderFiles(overlay(text)))
    assert.ok(result instanceof HubError && result.code === 'render_failed', text)
    tells(`B8, B28: ${text.trimEnd()}`, result)
    assert.doesNotMatch(result.message, /root:|internal error|the engine failed/, text)
  }
  assert.equal(network.calls(), 0)
  await assertLives()
})

test('T24: a schema calls nobody', async () => {
  const schema = `{"properties":{"a":{"$ref":"${network.url}/s.json"}}}`
  const result = await render(
    'helm',
    renderFiles(chart(data('x'), { 'values.schema.json': schema })),
  )
  assert.ok(result instanceof HubError)
  assert.equal(network.calls(), 0)
})

test('T24: a worker has no environment, an empty working directory, and may write no file', async () => {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  const pids = children.trim().split(' ').filter(Boolean)
  const workers: string[] = []
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes('groundswell-engine')) workers.push(pid)
  }
  assert.ok(workers.length > 0)
  for (const pid of workers) {
    assert.equal(await readFile(`/proc/${pid}/environ`, 'utf8'), '')
    assert.deepEqual(await readdir(`/proc/${pid}/cwd`), [])
    const limits = await readFile(`/proc/${pid}/limits`, 'utf8')
    assert.match(limits, /Max file size +0 +0/)
    assert.match(limits, /Max core file size +0 +0/)
  }
})
