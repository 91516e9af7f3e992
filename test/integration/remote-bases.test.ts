import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { formatFault, HubError } from '../../hub/errors.ts'
import { loadFleet } from '../../hub/fleet/load/load.ts'
import { baseRepositories } from '../../hub/fleet/input/remote-base.ts'
import { readRenderFiles } from '../../hub/fleet/input/render-files.ts'
import { toRenderInput } from '../../hub/fleet/input/render-input.ts'
import { readRenderSource } from '../../hub/fleet/input/render-source.ts'
import { resolveTargets } from '../../hub/fleet/resolve/resolve.ts'
import type { RenderEngine } from '../../hub/render/engine.ts'
import { createMirror } from '../../hub/source/git.ts'
import type { Mirror } from '../../hub/source/source.ts'
import { tells } from '../support/exact-words.ts'
import { type TestRepository, runGit } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { prepareOracles, runOracle } from '../support/oracles.ts'
import { renderText, startRenderEngine } from '../support/render-engine.ts'
import { createTempDir } from '../support/temp-dir.ts'

const never = new AbortController().signal
const stack = new AsyncDisposableStack()
let engine: RenderEngine
let app: TestRepository
let platform: TestRepository
let mirrors: Record<'fleet' | 'platform', Mirror>
let url: string

const configMap = (name: string, text: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { text: ${text} }\n`

before(async () => {
  await prepareOracles()
  engine = stack.use(await startRenderEngine())
  const temp = stack.use(await createTempDir('bases'))
  const git = stack.use(await startGitServer())
  app = await git.createRepository('app')
  platform = await git.createRepository('platform')
  url = git.url('platform')
  const open = async (name: 'fleet' | 'platform', from: TestRepository) => {
    await runGit(from.path, ['config', 'uploadpack.allowFilter', 'true'])
    await runGit(from.path, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
    const spec = { name, url: git.url(from.name), ref: { branch: 'main' }, timeout: 20_000 }
    const directory = join(temp.path, `${name}.git`)
    const mirror = await createMirror(spec, { directory, credential: () => undefined })
    stack.defer(() => mirror.close())
    return mirror
  }
  await platform.commit({
    'deploy/base/kustomization.yaml':
      'resources: [../common, a.yaml]\ncommonLabels: { from: platform }\n',
    'deploy/base/a.yaml': configMap('a', 'one'),
    'deploy/common/kustomization.yaml': 'resources: [b.yaml]\n',
    'deploy/common/b.yaml': configMap('b', 'two'),
    'components/loud/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -loud\n',
  })
  mirrors = { fleet: await open('fleet', app), platform: await open('platform', platform) }
})
after(() => stack.disposeAsync())

/** Renders the application as the hub does. */
async function render(allowed: boolean) {
  const api = 'apiVersion: groundswell.dev/v1alpha1'
  const kustomize = allowed ? '{ bases: [platform] }' : '{}'
  const text = [
    `${api}\nkind: Cluster\nmetadata: { name: a }\nspec: {}\n`,
    `${api}\nkind: Repository\nmetadata: { name: platform }\nspec: { url: "${url}" }\n`,
    `${api}\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: overlays/eu, kustomize: ${kustomize} }, targets: [{ clusterSelector: {} }] }\n`,
  ].join('---\n')
  const heads = {
    fleet: await mirrors.fleet.fetch(never),
    platform: await mirrors.platform.fetch(never),
  }
  const fleet = loadFleet(heads.fleet, [{ path: 'f.yaml', bytes: Buffer.from(text) }])
  const target = resolveTargets(fleet).targets[0]!
  const bases = baseRepositories(fleet, target.bases, () => ({
    revision: heads.platform,
    mirror: mirrors.platform,
  }))
  const { commit } = parseRevision(heads.fleet)
  const source = await readRenderSource(mirrors.fleet, commit, target, bases)
  const input = toRenderInput(target, source)
  const files = () =>
    readRenderFiles(mirrors.fleet, source, () => mirrors.platform, {
      read: () => assert.fail('no chart'),
    })
  const { objects } = await engine.render(input, files, never)
  return { input, objects: objects.map(({ json }) => json) }
}

const overlay = (resource: string, more = '') => ({
  'overlays/eu/kustomization.yaml': `# Kept as it is.\nnamespace: eu\nresources:\n  - ${resource}\n  - own.yaml\n${more}`,
  'overlays/eu/own.yaml': configMap('own', 'x'),
})

test('a base of a Repository that is allowed renders as kubectl kustomize renders it', async () => {
  const files = overlay(
    `${url}//deploy/base?ref=main`,
    `components:\n  - ${url}//components/loud?ref=main\n`,
  )
  await app.commit(files)
  const { objects, input } = await render(true)
  const clone = stack.use(await createTempDir('clone'))
  await runGit(clone.path, ['clone', '--quiet', app.path, '.'])
  const printed = await runOracle('kustomize', ['build', join(clone.path, 'overlays/eu')])
  assert.ok('text' in printed, JSON.stringify(printed))
  const theirs = await renderText(engine, { 'printed.yaml': printed.text })
  assert.deepEqual(
    objects,
    theirs.objects.map(({ json }) => json),
  )
  assert.equal(objects.length, 3)

  // The base moves on: another input, and so another render; the application's own commit is the same.
  await platform.commit({ 'deploy/base/a.yaml': configMap('a', 'three') })
  const moved = await render(true)
  assert.notEqual(moved.input.treeId, input.treeId)
  assert.ok(moved.objects.join().includes('three'))
  // A change beside it is none.
  await platform.commit({ 'docs/readme.md': 'x' })
  assert.deepEqual((await render(true)).objects, moved.objects)
})

test('a base stays at the commit that is written in full', async () => {
  await platform.commit({ 'deploy/base/a.yaml': configMap('a', 'old') })
  const pinned = await platform.readHead()
  await platform.commit({ 'deploy/base/a.yaml': configMap('a', 'new') })
  await app.commit(overlay(`${url}//deploy/base?ref=${pinned}`))
  const { objects } = await render(true)
  assert.ok(objects.join().includes('"old"'), objects.join())
})

test('B28: what is not allowed or not followed is refused, with words and file', async () => {
  const refuses = async (words: string, allowed = true) =>
    assert.rejects(render(allowed), (error) => {
      assert.ok(error instanceof HubError && error.code === 'render_failed', String(error))
      tells(`B28: ${words}`, error.faults.map(formatFault).join('\n'))
      return true
    })
  await app.commit(overlay(`${url}//deploy/base?ref=main`))
  await refuses('a base of a repository that no list names', false)
  await app.commit(overlay(`${url}//deploy/base?ref=v9`))
  await refuses('a base of another revision than is followed')
  await app.commit(overlay(`${url.replace('platform', 'other')}//deploy/base?ref=main`))
  await refuses('a base of another repository than is listed')
  await platform.commit({
    'outside/kustomization.yaml': 'resources: [../../../../overlays/eu/own.yaml]\n',
  })
  await app.commit(overlay(`${url}//outside?ref=main`))
  await refuses('a base that leads out of its repository')
})

test('a base may name bases of repositories on the same list, and no others', async () => {
  await platform.commit({
    'deploy/base/a.yaml': configMap('a', 'one'),
    'nested/kustomization.yaml': `resources: ["${url}//deploy/base?ref=main", c.yaml]\nnamePrefix: nested-\n`,
    'nested/c.yaml': configMap('c', 'three'),
    'deeper/kustomization.yaml': `resources: ["${url}//nested", "${url}//deploy/common"]\n`,
  })
  await app.commit(overlay(`${url}//deeper?ref=main`))
  const { objects, input } = await render(true)
  const clone = stack.use(await createTempDir('clone'))
  await runGit(clone.path, ['clone', '--quiet', app.path, '.'])
  const printed = await runOracle('kustomize', ['build', join(clone.path, 'overlays/eu')])
  assert.ok('text' in printed, JSON.stringify(printed))
  const theirs = await renderText(engine, { 'printed.yaml': printed.text })
  assert.deepEqual(
    objects,
    theirs.objects.map(({ json }) => json),
  )
  assert.ok(objects.join().includes('nested-a'), objects.join())
  // What lies two repositories deep is part of what is rendered.
  await platform.commit({ 'deploy/base/a.yaml': configMap('a', 'moved') })
  const moved = await render(true)
  assert.notEqual(moved.input.treeId, input.treeId)
  assert.ok(moved.objects.join().includes('moved'))
})

test('B28: a base of a base is held to the same rules, and bases that go round are named', async () => {
  const refuses = async (words: string) =>
    assert.rejects(render(true), (error) => {
      assert.ok(error instanceof HubError && error.code === 'render_failed', String(error))
      tells(`B28: ${words}`, error.faults.map(formatFault).join('\n'))
      return true
    })
  await platform.commit({
    'unlisted/kustomization.yaml': `resources: ["${url.replace('platform', 'other')}//a?ref=main"]\n`,
    'unpinned/kustomization.yaml': `resources: ["${url}//deploy/base?ref=v9"]\n`,
    'round/kustomization.yaml': `resources: ["${url}//about"]\n`,
    'about/kustomization.yaml': 'resources: [../way]\n',
    'way/kustomization.yaml': `resources: ["${url}//round"]\n`,
    ...Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => [
        `deep${n}/kustomization.yaml`,
        `resources: ["${url}//deep${n + 1}"]\n`,
      ]),
    ),
  })
  await app.commit(overlay(`${url}//unlisted`))
  await refuses('a base of a base of a repository that no list names')
  await app.commit(overlay(`${url}//unpinned`))
  await refuses('a base of a base of another revision than is followed')
  await app.commit(overlay(`${url}//round`))
  await refuses('bases that go round')
  await app.commit(overlay(`${url}//deep0`))
  await refuses('bases of bases without end')
})
