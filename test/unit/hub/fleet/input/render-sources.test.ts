import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import { createRenderSources } from '../../../../../hub/fleet/input/render-sources.ts'
import type { Mirror } from '../../../../../hub/source/source.ts'

const target = {
  application: 'shop',
  repository: 'fleet',
  path: 'apps/shop/prod',
  kind: undefined,
  valuesFiles: [],
}

/** Commits of a repository: files by path. Ids of trees are what is in them. */
function createRepository(commits: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const reads: string[] = []
  const mirror: Pick<Mirror, 'readTree' | 'readBlobs'> = {
    async readTree(commit, path) {
      const prefix = path === '.' ? '' : `${path}/`
      const files = Object.entries(commits[commit]!)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, text]) => ({ path: name.slice(prefix.length), oid: text, size: text.length }))
      if (files.length === 0) throw new HubError('revision_not_found', `no ${path}`)
      return { id: JSON.stringify(files), files }
    },
    async readBlobs(oids) {
      reads.push(...oids)
      return oids.map((oid) => Buffer.from(oid))
    },
  }
  return { mirror, reads }
}

const overlay = 'resources: [../base]'
const base = {
  'apps/shop/base/kustomization.yaml': 'resources: [a.yaml]',
  'apps/shop/base/a.yaml': 'a',
}

test('kustomizations are followed again only when something of what they read changed', async () => {
  const first = { ...base, 'apps/shop/prod/kustomization.yaml': overlay, README: '1' }
  const { mirror, reads } = createRepository({
    one: first,
    beside: { ...first, README: '2', 'apps/other/x.yaml': 'x' },
    below: { ...first, 'apps/shop/base/a.yaml': 'b' },
    wider: {
      ...first,
      'apps/shop/prod/kustomization.yaml': 'resources: [../../other]',
      'apps/other/kustomization.yaml': '',
    },
    gone: { README: '3' },
  })
  const sources = createRenderSources()
  const one = await sources.read(mirror, 'one', target)
  assert.equal(one.root, 'apps/shop')
  const followed = reads.length
  assert.equal(await sources.read(mirror, 'beside', target), one)
  assert.equal(reads.length, followed, 'nothing was followed again')
  const below = await sources.read(mirror, 'below', target)
  assert.notEqual(below.tree.id, one.tree.id)
  assert.equal((await sources.read(mirror, 'wider', target)).root, 'apps')
  await assert.rejects(sources.read(mirror, 'gone', target), /no apps\/shop\/prod/)
  assert.equal((await sources.read(mirror, 'one', target)).root, 'apps/shop')
})
