import assert from 'node:assert/strict'
import { appendFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { HubError } from '../../hub/errors.ts'
import {
  createMirrorWorld,
  fetchCommit,
  type MirrorWorld,
  never,
  readTexts,
  rejectsWith,
} from '../support/mirror-world.ts'

let world: MirrorWorld

before(async () => {
  world = await createMirrorWorld()
})

after(async () => {
  await world[Symbol.asyncDispose]()
})

describe('what an author may put in a tree', () => {
  /** A commit of a symlink, beside files. */
  async function commitLinks(
    links: Readonly<Record<string, string>>,
    files: Readonly<Record<string, string>> = { 'd/a.yaml': 'a: 1\n' },
  ) {
    const repository = await world.createRepository()
    await repository.commit(files)
    const clone = join(world.server.root, `${repository.name}.clone`)
    for (const [path, target] of Object.entries(links)) {
      await rm(join(clone, path), { force: true })
      await symlink(target, join(clone, path))
    }
    await repository.git('add', '--all')
    await repository.git('commit', '--quiet', '--message', 'Links')
    await repository.git('push', '--quiet', 'origin', 'HEAD:main')
    const mirror = await world.openMirror(repository)
    return { mirror, commit: await fetchCommit(mirror) }
  }

  test('B4: a link to a file of the tree is that file', async () => {
    const { mirror, commit } = await commitLinks({ 'd/b.yaml': 'a.yaml', c: 'd/b.yaml' })
    assert.deepEqual(await readTexts(mirror, commit), {
      'd/a.yaml': 'a: 1\n',
      'd/b.yaml': 'a: 1\n',
      c: 'a: 1\n',
    })
  })

  const badLinks: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['absolute', { 'd/x': '/etc/passwd' }, /d\/x is a symlink out of the tree/],
    ['out of the tree', { 'd/x': '../../other/secret' }, /symlink out of the tree/],
    ['in a circle', { 'd/x': 'y', 'd/y': 'x' }, /round in circles/],
    ['to a directory', { x: 'd' }, /symlink to a directory/],
    ['to nothing', { x: 'nothing' }, /not there/],
  ]
  for (const [name, links, words] of badLinks) {
    test(`B1–B3, B5: a link ${name} is refused`, async () => {
      const { mirror, commit } = await commitLinks(links)
      await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', words)
    })
  }

  test('B2: a link out of the directory that is read is refused, even to the same repository', async () => {
    const { mirror, commit } = await commitLinks({ 'd/x': '../top' }, { top: 't', 'd/a': 'a' })
    await rejectsWith(mirror.readTree(commit, 'd'), 'source_refused', /out of the tree/)
    assert.equal((await readTexts(mirror, commit))['d/x'], 't')
  })

  test('B6: files of a chart that are links out of the repository are refused', async () => {
    const chart = { 'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n' }
    for (const path of ['values.yaml', 'Chart.lock', 'charts/sub/Chart.yaml', 'templates/a.yaml']) {
      const { mirror, commit } = await commitLinks(
        { [path]: '../'.repeat(8) + 'etc/passwd' },
        { ...chart, 'charts/sub/values.yaml': '', 'templates/b.yaml': '' },
      )
      const words = new RegExp(`${path} is a symlink out of the tree`)
      await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', words)
    }
  })

  test('B23: a submodule is refused, and nothing is fetched for it', async () => {
    const repository = await world.createRepository()
    const head = await repository.readHead()
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${head},vendor`)
    await repository.git('commit', '--quiet', '--message', 'Submodule')
    await repository.git('push', '--quiet', 'origin', 'HEAD:main')
    const mirror = await world.openMirror(repository)
    const commit = await fetchCommit(mirror)
    await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', /vendor is a submodule/)
  })

  test('B7: a tree with an entry called .git does not come in at all', async () => {
    const repository = await world.createRepository()
    const blob = await repository.git('rev-parse', 'HEAD^{tree}')
    const list = join(world.temp.path, 'tree')
    await writeFile(list, `40000 .git\0`, 'latin1')
    await appendFile(list, Buffer.from(blob, 'hex'))
    const tree = await repository.git('hash-object', '--literally', '-t', 'tree', '-w', list)
    const commit = await repository.git('commit-tree', '-m', 'Bad', tree)
    await repository.git('push', '--quiet', '--force', 'origin', `${commit}:refs/heads/main`)
    const mirror = await world.openMirror(repository)
    await rejectsWith(mirror.fetch(never), 'source_refused', /git fsck/)
    assert.equal(await mirror.has(commit), false)
  })

  test('B11: an LFS pointer is refused', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({
      'big.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`,
    })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await rejectsWith(
      mirror.readTree(commit, '.'),
      'source_refused',
      /big\.bin is a Git LFS pointer/,
    )
  })

  test('B7, B10: a name with a control character or backslash is refused', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({ 'a\r': 'x', 'b\\c': 'y' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await assert.rejects(
      mirror.readTree(commit, '.'),
      (error: HubError) => error.faults.length === 2,
    )
  })

  test('B9: a path that is not there, leads out, or names no directory is told so', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({ 'a/b': 'x' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await rejectsWith(mirror.readTree(commit, 'nope'), 'revision_not_found', /no directory nope/)
    await rejectsWith(mirror.readTree(commit, 'a/b'), 'revision_not_found', /no directory a\/b/)
    await rejectsWith(mirror.readTree(commit, 'a/../..'), 'source_refused', /\.\. part/)
    await rejectsWith(mirror.readTree(commit, 'a\ncontents HEAD'), 'source_refused', /control/)
    await rejectsWith(
      mirror.readTree('f'.repeat(40), '.'),
      'revision_not_found',
      /not in the mirror/,
    )
    assert.deepEqual(await readTexts(mirror, commit, 'a'), { b: 'x' })
  })

  test('B11: attributes do nothing: no filter, no substitution, no line ends', async () => {
    const repository = await world.createRepository()
    const files = {
      '.gitattributes': '* filter=lfs eol=crlf\nstamp export-subst ident\n',
      '.gitmodules':
        '[submodule "x"]\n\tpath = x\n\turl = https://git.example/x.git\n\tupdate = !id\n',
      stamp: '$Format:%H$ $Id$\n',
      'a.yaml': 'a: 1\r\nb: 2\n',
    }
    // As they are: the developer's own Git would heed them.
    const none = ['-c', 'core.attributesFile=/dev/null', '-c', 'core.autocrlf=false']
    await repository.git(...none, 'config', 'filter.lfs.clean', 'cat')
    const commit = await repository.commit({ stamp: files.stamp, 'a.yaml': files['a.yaml'] })
    const later = await repository.commit({ '.gitattributes': files['.gitattributes'] })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    const before = await readTexts(mirror, commit)
    assert.deepEqual(before, { stamp: files.stamp, 'a.yaml': files['a.yaml'] })
    assert.equal((await readTexts(mirror, later))['.gitattributes'], files['.gitattributes'])
  })

  test('B10: names that differ in case alone are two files', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({ 'A.yaml': 'upper', 'a.yaml': 'lower' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    assert.deepEqual(await readTexts(mirror, commit), { 'A.yaml': 'upper', 'a.yaml': 'lower' })
  })

  test('many files and large ones are read whole', async () => {
    const repository = await world.createRepository()
    const big = 'x'.repeat(3_000_000)
    const many = Object.fromEntries(
      Array.from({ length: 700 }, (_, index) => [`f/${index}.yaml`, `n: ${index}\n`]),
    )
    const commit = await repository.commit({ ...many, big })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    const texts = await readTexts(mirror, commit)
    assert.equal(texts['big'], big)
    assert.equal(texts['f/699.yaml'], 'n: 699\n')
    assert.equal(Object.keys(texts).length, 701)
  })
})
