import assert from 'node:assert/strict'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError, type HubErrorCode } from '../../hub/errors.ts'
import type { Credentials } from '../../hub/source/credential.ts'
import { createMirror } from '../../hub/source/git.ts'
import type { Mirror, SourceSpec } from '../../hub/source/source.ts'
import { runGit, type TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

const password = 'correct horse'
const never = new AbortController().signal

let temp: TempDir
let server: GitServer
let credentials: Credentials
let count = 0
const mirrors: Mirror[] = []

before(async () => {
  temp = await createTempDir('mirror')
  server = await startGitServer({ basicAuth: { user: 'bot', password } })
  await writeFile(join(temp.path, 'user'), 'bot\n')
  await writeFile(join(temp.path, 'password'), `${password}\n`)
  await writeFile(join(temp.path, 'wrong'), 'wrong\n')
  const usernameFile = join(temp.path, 'user')
  credentials = {
    bot: { kind: 'basic', usernameFile, passwordFile: join(temp.path, 'password') },
    wrong: { kind: 'basic', usernameFile, passwordFile: join(temp.path, 'wrong') },
    gone: { kind: 'basic', usernameFile, passwordFile: join(temp.path, 'gone') },
  }
})

after(async () => {
  await Promise.all(mirrors.map(async (mirror) => mirror.close()))
  await server.stop()
  await temp.remove()
})

async function createTestRepository(): Promise<TestRepository> {
  count += 1
  const repository = await server.createRepository(`r${count}`)
  // What the large hosts allow.
  await runGit(repository.path, ['config', 'uploadpack.allowFilter', 'true'])
  await runGit(repository.path, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
  return repository
}

async function openMirror(
  repository: TestRepository,
  spec: Partial<SourceSpec> = {},
): Promise<Mirror & { readonly directory: string }> {
  count += 1
  const directory = join(temp.path, `m${count}.git`)
  const mirror = await createMirror(
    {
      name: repository.name,
      url: server.url(repository.name),
      ref: { branch: 'main' },
      timeout: 20_000,
      credential: 'bot',
      ...spec,
    },
    { directory, credentials },
  )
  mirrors.push(mirror)
  return { ...mirror, directory }
}

const fetchCommit = async (mirror: Mirror) => parseRevision(await mirror.fetch(never)).commit

async function readTexts(mirror: Mirror, commit: string, path = '.') {
  const { files } = await mirror.readTree(commit, path)
  const blobs = await mirror.readBlobs(files.map((file) => file.oid))
  return Object.fromEntries(
    files.map((file, index) => [file.path, Buffer.from(blobs[index]!).toString()]),
  )
}

async function rejectsWith(work: Promise<unknown>, code: HubErrorCode, words: RegExp) {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, words)
    assert.ok(!error.message.includes(password), 'the password is in the message')
    return true
  })
}

describe('fetching over HTTP with a password', () => {
  test('follows a branch, without its blobs until a tree is read', async () => {
    const repository = await createTestRepository()
    const head = await repository.commit({ 'apps/a.yaml': 'a: 1\n', 'apps/b/c.yaml': 'c\n' }, 'Two')
    const mirror = await openMirror(repository)
    assert.equal(await mirror.fetch(never), `main@sha1:${head}`)
    assert.equal(await mirror.has(head), true)
    assert.equal(await mirror.has('0'.repeat(40)), false)
    const before = await runGit(mirror.directory, ['count-objects', '-v'])
    assert.match(before, /in-pack: 6\n/, 'two commits, four trees, no blob')
    assert.deepEqual(await readTexts(mirror, head), {
      'apps/a.yaml': 'a: 1\n',
      'apps/b/c.yaml': 'c\n',
    })
    assert.deepEqual(await readTexts(mirror, head, 'apps/b/'), { 'c.yaml': 'c\n' })
    const { author, subject, committedAt } = await mirror.describe(head)
    assert.deepEqual([author, subject], ['Test <test@groundswell.invalid>', 'Two'])
    assert.ok(Math.abs(Date.now() - committedAt) < 600_000)
  })

  test('gives the same tree id for the same files, and reads on with the server down', async () => {
    const repository = await createTestRepository()
    const first = await repository.commit({ 'apps/a.yaml': 'a\n', README: '1' })
    const mirror = await openMirror(repository)
    await mirror.fetch(never)
    const tree = await mirror.readTree(first, 'apps')
    const second = await repository.commit({ README: '2' })
    await mirror.fetch(never)
    server.fail()
    try {
      assert.deepEqual(await mirror.readTree(second, 'apps'), tree)
      await rejectsWith(
        mirror.fetch(never),
        'source_unreachable',
        /^repository r\d+: branch main: .*503/,
      )
      assert.deepEqual(await readTexts(mirror, first, 'apps'), { 'a.yaml': 'a\n' })
    } finally {
      server.resume()
    }
    assert.equal(await fetchCommit(mirror), second)
  })

  test('follows a force-push, and keeps what was there before', async () => {
    const repository = await createTestRepository()
    const old = await repository.commit({ a: '1' })
    const mirror = await openMirror(repository)
    await mirror.fetch(never)
    await readTexts(mirror, old)
    await repository.git('commit', '--quiet', '--amend', '--message', 'Other')
    await repository.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main')
    assert.equal(await fetchCommit(mirror), await repository.readHead())
    assert.deepEqual(await readTexts(mirror, old), { a: '1' })
  })

  test('says that a branch was deleted, and keeps its objects', async () => {
    const repository = await createTestRepository()
    const head = await repository.commit({ a: '1' }, 'On a branch', 'topic')
    const mirror = await openMirror(repository, { ref: { branch: 'topic' } })
    assert.equal(await fetchCommit(mirror), head)
    await repository.git('push', '--quiet', 'origin', '--delete', 'topic')
    await rejectsWith(
      mirror.fetch(never),
      'revision_not_found',
      /branch topic: the server does not have it/,
    )
    assert.deepEqual(await readTexts(mirror, head), { a: '1' })
  })

  test('follows an annotated tag to its commit, and the tag when it moves', async () => {
    const repository = await createTestRepository()
    const first = await repository.readHead()
    await repository.git('tag', '--annotate', '--message', 'v1', 'v1')
    await repository.git('push', '--quiet', 'origin', 'v1')
    const mirror = await openMirror(repository, { ref: { tag: 'v1' } })
    assert.equal(await mirror.fetch(never), `v1@sha1:${first}`)
    const second = await repository.commit({ a: '1' })
    await repository.git('tag', '--force', 'v1')
    await repository.git('push', '--quiet', '--force', 'origin', 'v1')
    assert.equal(await fetchCommit(mirror), second)
  })

  test('a pinned commit is fetched once, and a branch that is called like a commit stays a branch', async () => {
    const repository = await createTestRepository()
    const pinned = await repository.commit({ a: '1' })
    const head = await repository.commit({ a: '2' })
    const mirror = await openMirror(repository, { ref: { commit: pinned } })
    assert.equal(await fetchCommit(mirror), pinned)
    const { requests } = server
    assert.equal(await fetchCommit(mirror), pinned)
    assert.equal(server.requests, requests)
    await repository.git('push', '--quiet', 'origin', `HEAD:refs/heads/${pinned}`)
    const branch = await openMirror(repository, { ref: { branch: pinned } })
    assert.equal(await fetchCommit(branch), head)
  })

  test('two fetches at once both succeed', async () => {
    const repository = await createTestRepository()
    const head = await repository.commit({ a: '1' })
    const mirror = await openMirror(repository)
    assert.deepEqual(await Promise.all([fetchCommit(mirror), fetchCommit(mirror)]), [head, head])
  })

  test('works with a server that cannot leave blobs out', async () => {
    const repository = await createTestRepository()
    await runGit(repository.path, ['config', 'uploadpack.allowFilter', 'false'])
    const head = await repository.commit({ a: '1' })
    const mirror = await openMirror(repository)
    assert.equal(await fetchCommit(mirror), head)
    assert.deepEqual(await readTexts(mirror, head), { a: '1' })
  })

  test('a fetch that is stopped ends at once and leaves the mirror usable', async () => {
    const repository = await createTestRepository()
    const mirror = await openMirror(repository)
    await rejectsWith(mirror.fetch(AbortSignal.abort()), 'source_unreachable', /stopped/)
    assert.equal(await fetchCommit(mirror), await repository.readHead())
  })
})

describe('credentials', () => {
  const rows: readonly (readonly [string, string | undefined, HubErrorCode, RegExp])[] = [
    ['a wrong password', 'wrong', 'source_refused', /refused the credential/],
    ['no password', undefined, 'source_refused', /refused the credential/],
    ['a credential file that is not there', 'gone', 'source_refused', /gone cannot be read/],
  ]
  for (const [name, credential, code, words] of rows) {
    test(`${name} is told, without its secret`, async () => {
      const repository = await createTestRepository()
      const directory = join(temp.path, `c${(count += 1)}.git`)
      const url = server.url(repository.name)
      const spec = { name: 'x', url, ref: { branch: 'main' }, timeout: 20_000 }
      const mirror = await createMirror(credential ? { ...spec, credential } : spec, {
        directory,
        credentials,
      })
      await rejectsWith(mirror.fetch(never), code, words)
      await mirror.close()
    })
  }

  test('a credential the hub does not have is refused by name', async () => {
    const repository = await createTestRepository()
    await rejectsWith(
      openMirror(repository, { credential: 'nobody' }),
      'source_refused',
      /no credential named nobody/,
    )
  })

  test('a repository that is not there is told so', async () => {
    const repository = await createTestRepository()
    const mirror = await openMirror(repository, { url: server.url('nowhere') })
    await rejectsWith(mirror.fetch(never), 'source_refused', /no such repository/)
  })

  test('the password is in no file of the mirror', async () => {
    const repository = await createTestRepository()
    const mirror = await openMirror(repository)
    await mirror.fetch(never)
    const encoded = Buffer.from(`bot:${password}`).toString('base64')
    const names = await readdir(mirror.directory, { recursive: true, withFileTypes: true })
    const files = names.filter((name) => name.isFile())
    assert.ok(files.length > 3)
    for (const file of files) {
      const text = await readFile(join(file.parentPath, file.name), 'latin1')
      assert.ok(!text.includes(password) && !text.includes(encoded), file.name)
    }
  })
})

describe('what an author may put in a tree', () => {
  /** A commit of a symlink, beside files. */
  async function commitLinks(
    links: Readonly<Record<string, string>>,
    files: Readonly<Record<string, string>> = { 'd/a.yaml': 'a: 1\n' },
  ) {
    const repository = await createTestRepository()
    await repository.commit(files)
    const clone = join(server.root, `${repository.name}.clone`)
    for (const [path, target] of Object.entries(links)) {
      await rm(join(clone, path), { force: true })
      await symlink(target, join(clone, path))
    }
    await repository.git('add', '--all')
    await repository.git('commit', '--quiet', '--message', 'Links')
    await repository.git('push', '--quiet', 'origin', 'HEAD:main')
    const mirror = await openMirror(repository)
    return { mirror, commit: await fetchCommit(mirror) }
  }

  test('a link to a file of the tree is that file', async () => {
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
    test(`a link ${name} is refused`, async () => {
      const { mirror, commit } = await commitLinks(links)
      await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', words)
    })
  }

  test('a link out of the directory that is read is refused, even to the same repository', async () => {
    const { mirror, commit } = await commitLinks({ 'd/x': '../top' }, { top: 't', 'd/a': 'a' })
    await rejectsWith(mirror.readTree(commit, 'd'), 'source_refused', /out of the tree/)
    assert.equal((await readTexts(mirror, commit))['d/x'], 't')
  })

  test('a submodule is refused, and nothing is fetched for it', async () => {
    const repository = await createTestRepository()
    const head = await repository.readHead()
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${head},vendor`)
    await repository.git('commit', '--quiet', '--message', 'Submodule')
    await repository.git('push', '--quiet', 'origin', 'HEAD:main')
    const mirror = await openMirror(repository)
    const commit = await fetchCommit(mirror)
    await rejectsWith(mirror.readTree(commit, '.'), 'source_refused', /vendor is a submodule/)
  })

  test('an LFS pointer is refused', async () => {
    const repository = await createTestRepository()
    const commit = await repository.commit({
      'big.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`,
    })
    const mirror = await openMirror(repository)
    await mirror.fetch(never)
    await rejectsWith(
      mirror.readTree(commit, '.'),
      'source_refused',
      /big\.bin is a Git LFS pointer/,
    )
  })

  test('a name with a control character or backslash is refused', async () => {
    const repository = await createTestRepository()
    const commit = await repository.commit({ 'a\r': 'x', 'b\\c': 'y' })
    const mirror = await openMirror(repository)
    await mirror.fetch(never)
    await assert.rejects(
      mirror.readTree(commit, '.'),
      (error: HubError) => error.faults.length === 2,
    )
  })

  test('a path that is not there, leads out, or names no directory is told so', async () => {
    const repository = await createTestRepository()
    const commit = await repository.commit({ 'a/b': 'x' })
    const mirror = await openMirror(repository)
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

  test('many files and large ones are read whole', async () => {
    const repository = await createTestRepository()
    const big = 'x'.repeat(3_000_000)
    const many = Object.fromEntries(
      Array.from({ length: 700 }, (_, index) => [`f/${index}.yaml`, `n: ${index}\n`]),
    )
    const commit = await repository.commit({ ...many, big })
    const mirror = await openMirror(repository)
    await mirror.fetch(never)
    const texts = await readTexts(mirror, commit)
    assert.equal(texts['big'], big)
    assert.equal(texts['f/699.yaml'], 'n: 699\n')
    assert.equal(Object.keys(texts).length, 701)
  })
})
