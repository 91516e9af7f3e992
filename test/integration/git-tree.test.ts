import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  createMirrorWorld,
  fetchCommit,
  type MirrorWorld,
  never,
  readTexts,
  rejectsWith,
} from '../support/mirror-world.ts'
import { runGit } from '../support/git-repository.ts'

let world: MirrorWorld

before(async () => {
  world = await createMirrorWorld()
})

after(async () => {
  await world[Symbol.asyncDispose]()
})

test("B19, B24: of this account's own configuration of Git nothing counts: no hook, template, alias or helper", async (t) => {
  const repository = await world.createRepository()
  const head = await repository.commit({ a: '1' })
  const home = join(world.temp.path, 'home')
  const ran = join(home, 'ran')
  const hook = `#!/bin/sh\ntouch ${ran}\n`
  const hooks = ['reference-transaction', 'post-checkout', 'pre-auto-gc', 'fsmonitor']
  for (const directory of ['template/hooks', 'hooks']) {
    await mkdir(join(home, directory), { recursive: true })
    for (const name of hooks) await writeFile(join(home, directory, name), hook, { mode: 0o755 })
  }
  const config = `[init]\n\ttemplateDir = ${home}/template\n[core]\n\thooksPath = ${home}/hooks\n\tsshCommand = touch ${ran}\n\tfsmonitor = ${home}/hooks/fsmonitor\n[credential]\n\thelper = !touch ${ran}\n[alias]\n\tfetch = !touch ${ran}\n[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n`
  await writeFile(join(home, '.gitconfig'), config)
  const given: Record<string, string> = {
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
    GIT_TEMPLATE_DIR: join(home, 'template'),
    GIT_CONFIG_PARAMETERS: `'core.hooksPath=${home}/hooks'`,
  }
  const before = Object.fromEntries(Object.keys(given).map((name) => [name, process.env[name]]))
  t.after(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  Object.assign(process.env, given)
  const mirror = await world.openMirror(repository)
  assert.equal(await fetchCommit(mirror), head)
  assert.deepEqual(await readTexts(mirror, head), { a: '1' })
  assert.deepEqual((await readdir(home)).toSorted(), ['.gitconfig', 'hooks', 'template'])
  assert.deepEqual(await readdir(join(mirror.directory, 'hooks')).catch(() => []), [])
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

  type Texts = Readonly<Record<string, string>>
  const badLinks: readonly (readonly [string, Texts, Texts?])[] = [
    ['B1: a link to /etc/passwd', { 'd/x': '/etc/passwd' }],
    ['B2: a link out of the tree', { 'd/x': '../../other/secret' }],
    ['B3: links in a circle', { 'd/x': 'y', 'd/y': 'x' }],
    ['B3: a link to nothing', { x: 'nothing' }],
    ['B5: a link to a directory', { x: 'd' }],
    [
      'B5: a directory with a kustomization that is a link',
      { base: 'd' },
      { 'd/kustomization.yaml': 'resources: []\n' },
    ],
  ]
  for (const [name, links, files] of badLinks) {
    test(`${name} is refused`, async () => {
      const { mirror, commit } = await commitLinks(links, files)
      await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', name)
    })
  }

  test('B2: a link out of the directory that is read is refused, even to the same repository', async () => {
    const { mirror, commit } = await commitLinks({ 'd/x': '../top' }, { top: 't', 'd/a': 'a' })
    await rejectsWith(mirror.readTree(commit, 'd'), 'source_refused', 'B2: a link to a file above')
    assert.equal((await readTexts(mirror, commit))['d/x'], 't')
  })

  test('B6: files of a chart that are links out of the repository are refused', async () => {
    const chart = { 'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n' }
    for (const path of ['values.yaml', 'Chart.lock', 'charts/sub/Chart.yaml', 'templates/a.yaml']) {
      const { mirror, commit } = await commitLinks(
        { [path]: '../'.repeat(8) + 'etc/passwd' },
        { ...chart, 'charts/sub/values.yaml': '', 'templates/b.yaml': '' },
      )
      await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', `B6: a link as ${path}`)
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
    await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', 'B23: a submodule')
  })

  /** Puts a tree with one entry of any name at the head of a branch. */
  async function pushEntry(name: Uint8Array) {
    const repository = await world.createRepository()
    await repository.commit({ a: 'x' })
    const below = await repository.git('rev-parse', 'HEAD^{tree}')
    const list = join(world.temp.path, `${repository.name}.tree`)
    const entry = [Buffer.from('40000 '), name, Buffer.of(0), Buffer.from(below, 'hex')]
    await writeFile(list, Buffer.concat(entry))
    const tree = await repository.git('hash-object', '--literally', '-t', 'tree', '-w', list)
    const commit = await repository.git('commit-tree', '-m', 'Bad', tree)
    await repository.git('push', '--quiet', '--force', 'origin', `${commit}:refs/heads/main`)
    return { commit, mirror: await world.openMirror(repository) }
  }

  for (const name of ['.git', '.GIT', 'git~1', '.g\u200cit', '..', '.', 'a/b']) {
    test(`B7: a tree with an entry called ${JSON.stringify(name)} does not come in at all`, async () => {
      const { commit, mirror } = await pushEntry(Buffer.from(name))
      await rejectsWith(mirror.fetch(never), 'source_refused', `B7: an entry called ${name}`)
      assert.equal(await mirror.has(commit), false)
    })
  }

  test('B10: names that are not UTF-8, or of 4 KiB and more, are refused', async () => {
    for (const [what, name] of [
      ['a name that is not UTF-8', Buffer.of(0x61, 0xe9)],
      ['a name of 5,000 letters', Buffer.alloc(5_000, 'x')],
    ] as const) {
      const { commit, mirror } = await pushEntry(name)
      await mirror.fetch(never)
      await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', `B10: ${what}`)
    }
  })

  test('B11: an LFS pointer is refused', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({
      'big.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`,
    })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', 'B11: an LFS pointer')
  })

  test('B7, B10: a name with a control character or backslash is refused', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({ 'a\r': 'x', 'b\\c': 'y' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await rejectsWith(
      mirror.readTree(commit, '.'),
      'source_refused',
      'B7, B10: a carriage return and a backslash in names',
    )
  })

  test('B9: a path that is not there, leads out, or names no directory is told so', async () => {
    const repository = await world.createRepository()
    const commit = await repository.commit({ 'a/b': 'x' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await rejectsWith(
      mirror.readTree(commit, 'nope'),
      'revision_not_found',
      'B9: a path that is not there',
    )
    await rejectsWith(mirror.readTree(commit, 'a/b'), 'revision_not_found', 'B9: a path of a file')
    await rejectsWith(
      mirror.readTree(commit, 'a/../..'),
      'source_refused',
      'B9: a path that leads out',
    )
    await rejectsWith(
      mirror.readTree(commit, 'a\ncontents HEAD'),
      'source_refused',
      'B9: a path with a line break',
    )
    for (const path of ['/etc', '~/a', '$HOME/a']) {
      const code = path === '/etc' ? 'source_refused' : 'revision_not_found'
      await rejectsWith(mirror.readTree(commit, path), code, `B9: the path ${path}`)
    }
    await rejectsWith(
      mirror.readTree('f'.repeat(40), '.'),
      'revision_not_found',
      'B9: a commit that is not there',
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

  test('what is listed is what `git ls-tree -r` lists, in its order', async () => {
    const repository = await world.createRepository()
    const names = [
      'a',
      'a.b/x',
      'a/b/c/d/e',
      'a/b.c',
      'a0',
      'ü/ö/x y',
      'z/z/z',
      '-',
      'a-b/c',
      'B/a',
    ]
    const commit = await repository.commit(
      Object.fromEntries(names.map((name) => [`${name}.yaml`, name])),
    )
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    for (const path of ['.', 'a', 'a/b', 'ü']) {
      const tree = await mirror.readTree(commit, path)
      const listed = await runGit(mirror.directory, ['ls-tree', '-r', '-z', '--full-tree', tree.id])
      const expected = listed.split('\0').filter(Boolean)
      assert.deepEqual(
        tree.files.map((file) => `100644 blob ${file.oid}\t${file.path}`),
        expected,
      )
      assert.ok(expected.length > 0)
    }
  })

  test('a newer commit starts no Git but what fetches it and the file that is new', async (t) => {
    const repository = await world.createRepository()
    await repository.commit({ 'apps/a/x.yaml': '1', 'apps/b/c/x.yaml': '1' })
    const path = process.env['PATH']!
    const wrapped = join(world.temp.path, 'counted')
    const log = join(wrapped, 'log')
    await mkdir(wrapped)
    await writeFile(
      join(wrapped, 'git'),
      `#!/bin/sh\necho "$1" >> ${log}\nPATH='${path}' exec git "$@"\n`,
      { mode: 0o755 },
    )
    t.after(() => (process.env['PATH'] = path))
    process.env['PATH'] = `${wrapped}:${path}`
    const mirror = await world.openMirror(repository)
    const look = async (): Promise<void> => {
      const commit = await fetchCommit(mirror)
      for (const at of ['.', 'apps/a', 'apps/b']) await mirror.readTree(commit, at)
      await mirror.describe(commit)
    }
    await look()
    await repository.commit({ 'apps/b/c/x.yaml': '2' })
    await writeFile(log, '')
    await look()
    assert.deepEqual((await readFile(log, 'utf8')).split('\n').filter(Boolean), ['fetch', 'fetch'])
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
