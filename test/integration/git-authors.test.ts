import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { formatRevision } from '@groundswell/proto/revision.ts'
import { loadFleet } from '../../hub/fleet/load/load.ts'
import { listContentAuthors } from '../../hub/render/authors.ts'
import type { Mirror } from '../../hub/source/source.ts'
import type { TestRepository } from '../support/git-repository.ts'
import {
  createMirrorWorld,
  fetchCommit,
  type MirrorWorld,
  rejectsWith,
} from '../support/mirror-world.ts'

let world: MirrorWorld

before(async () => {
  world = await createMirrorWorld()
})

after(async () => {
  await world[Symbol.asyncDispose]()
})

type Person = 'Ada' | 'Bob' | 'Carol' | 'Dan' | 'Eve'
const named = (name: Person) => `${name} <${name.toLowerCase()}@b.c>`

/** Commits as somebody, and pushes; gives the commit's id. */
async function commitAs(
  repository: TestRepository,
  name: Person,
  files: Readonly<Record<string, string>>,
  message = 'Change it',
): Promise<string> {
  await repository.commit(files, message)
  await repository.git('commit', '--quiet', '--amend', '--no-edit', '--author', named(name))
  await repository.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main')
  return repository.git('rev-parse', 'HEAD')
}

const namesOf = (authors: readonly string[]) =>
  authors.map((one) => one.split(' ')[0]).toSorted((one, other) => (one! < other! ? -1 : 1))

describe('who made commits', () => {
  let repository: TestRepository
  let mirror: Mirror
  const at: Record<string, string> = {}

  before(async () => {
    repository = await world.createRepository()
    at['first'] = await commitAs(repository, 'Ada', { 'shop/a.yaml': '1', 'till/a.yaml': '1' })
    at['bob'] = await commitAs(repository, 'Bob', { 'shop/a.yaml': '2' })
    at['carol'] = await commitAs(repository, 'Carol', { 'till/a.yaml': '2' })
    await repository.git('checkout', '--quiet', '-b', 'side', at['first'])
    const with_ = `Change it\n\nCo-authored-by: ${named('Eve')}`
    await repository.commit({ 'shop/b.yaml': '1' }, with_, 'side')
    await repository.git('commit', '--quiet', '--amend', '--no-edit', '--author', named('Dan'))
    await repository.git('checkout', '--quiet', '-B', 'main', at['carol'])
    // As a host merges, by the one who presses the button.
    await repository.git('merge', '--quiet', '--no-ff', '-m', 'Merge side', 'side')
    await repository.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main')
    mirror = await world.openMirror(repository)
    at['head'] = await fetchCommit(mirror)
  })

  test('since another one are those of all commits between, merged ones and who made them together', async () => {
    const of = async (since: string[], ...paths: string[]) =>
      namesOf(await mirror.authors({ to: at['head']!, since, paths }))
    assert.deepEqual(await of([at['first']!], 'shop'), ['Bob', 'Dan', 'Eve'])
    assert.deepEqual(await of([at['bob']!], 'shop'), ['Dan', 'Eve'])
    assert.deepEqual(await of([at['carol']!, at['first']!], 'shop'), ['Bob', 'Dan', 'Eve'])
    assert.deepEqual(await of([at['first']!], 'till'), ['Carol'])
    assert.deepEqual(await of([at['first']!], '.'), ['Bob', 'Carol', 'Dan', 'Eve', 'Test'])
  })

  test('and which commits others were made on: those before them, merged ones too', async () => {
    const on = (commit: string, older: string) => mirror.contains(at[commit]!, older)
    for (const older of ['first', 'carol', 'head']) assert.ok(await on('head', at[older]!), older)
    assert.ok(!(await on('bob', at['carol']!)))
    assert.ok(!(await on('head', 'f'.repeat(40))), 'that is not here')
    const tree = await repository.git('rev-parse', 'HEAD^{tree}')
    assert.ok(!(await on('head', tree)), 'that is none')
    await rejectsWith(mirror.contains(at['head']!, '--all'), 'revision_not_found', /commit id/)
    await rejectsWith(
      mirror.contains('f'.repeat(40), at['head']!),
      'source_unreachable',
      /not here/,
    )
  })

  test('are at least of the last one that touched the place, and of a place that is no pattern', async () => {
    const of = async (since: string[], ...paths: string[]) =>
      namesOf(await mirror.authors({ to: at['head']!, since, paths }))
    assert.deepEqual(await of([], 'till'), ['Carol'])
    assert.deepEqual(await of([at['head']!], 'till'), ['Carol'])
    assert.deepEqual(await of(['0'.repeat(40)], 'till'), ['Carol'])
    assert.deepEqual(await of([at['first']!], '*'), [])
    await rejectsWith(
      mirror.authors({ to: '--all', since: [], paths: ['.'] }),
      'revision_not_found',
      /not a commit id/,
    )
  })
})

describe('who made what a rollout brings', () => {
  const api = 'apiVersion: groundswell.dev/v1alpha1'
  const fleetFile = (values: string) =>
    `${api}\nkind: Cluster\nmetadata: { name: lab }\nspec: {}\n---\n${api}\nkind: Application\nmetadata: { name: shop, annotations: { v: '${values}' } }\nspec: { source: { path: shop/prod }, targetNamespace: n, targets: [{ clusterSelector: {} }] }\n`

  test('are those of what it is rendered from, beside its own directory too, and of the file it is in', async () => {
    const repository = await world.createRepository()
    const first = await commitAs(repository, 'Ada', {
      'fleet/shop.yaml': fleetFile('1'),
      'shop/prod/kustomization.yaml': 'resources: [../base]\n',
      'shop/base/kustomization.yaml': 'resources: [a.yaml]\n',
      'shop/base/a.yaml': 'a: 1\n',
      'till/a.yaml': 'a: 1\n',
    })
    await commitAs(repository, 'Bob', { 'shop/base/a.yaml': 'a: 2\n' })
    await commitAs(repository, 'Dan', { 'till/a.yaml': 'a: 2\n' })
    await commitAs(repository, 'Carol', { 'fleet/shop.yaml': fleetFile('2') })
    const mirror = await world.openMirror(repository)
    const to = await fetchCommit(mirror)
    const revisionOf = (commit: string) => formatRevision({ ref: 'main', commit })
    const bytes = Buffer.from(fleetFile('2'))
    const deps = {
      mirror: (name: string) => (name === 'fleet' ? mirror : undefined),
      readFleet: async (revision: string) =>
        loadFleet(revision, [{ path: 'fleet/shop.yaml', bytes }]),
    }
    const asked = { application: 'shop', fleetRevision: revisionOf(to), revision: revisionOf(to) }
    const since = [{ revision: revisionOf(first), fleetRevision: revisionOf(first) }]
    assert.deepEqual(namesOf(await listContentAuthors(deps, { ...asked, since })), ['Bob', 'Carol'])
    const away = { ...deps, mirror: () => undefined }
    await rejectsWith(
      listContentAuthors(away, { ...asked, since }),
      'source_unreachable',
      /was not read yet/,
    )
  })
})
