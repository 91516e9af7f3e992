import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { HubErrorCode } from '../../hub/errors.ts'
import type { Credential } from '../../hub/source/credential.ts'
import { createMirror } from '../../hub/source/git.ts'
import { freePort } from '../support/free-port.ts'
import { runGit } from '../support/git-repository.ts'
import { until } from '../support/until.ts'
import {
  createMirrorWorld,
  fetchCommit,
  type MirrorWorld,
  never,
  password,
  readTexts,
  rejectsWith,
} from '../support/mirror-world.ts'

let world: MirrorWorld

/** Arguments of the processes that work in a directory, each as one text. */
async function readArguments(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const place = await readlink(`/proc/${entry}/cwd`).catch(() => '')
    if (place !== directory) continue
    found.push(await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => ''))
  }
  return found
}

before(async () => {
  world = await createMirrorWorld()
})

after(async () => {
  await world[Symbol.asyncDispose]()
})

describe('fetching over HTTP with a password', () => {
  test('follows a branch, without its blobs until a tree is read', async () => {
    const repository = await world.createRepository()
    const head = await repository.commit({ 'apps/a.yaml': 'a: 1\n', 'apps/b/c.yaml': 'c\n' }, 'Two')
    const mirror = await world.openMirror(repository)
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
    const repository = await world.createRepository()
    const first = await repository.commit({ 'apps/a.yaml': 'a\n', README: '1' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    const tree = await mirror.readTree(first, 'apps')
    const second = await repository.commit({ README: '2' })
    await mirror.fetch(never)
    world.server.fail()
    try {
      assert.deepEqual(await mirror.readTree(second, 'apps'), tree)
      await rejectsWith(
        mirror.fetch(never),
        'source_unreachable',
        /^repository r\d+: branch main: .*503/,
      )
      assert.deepEqual(await readTexts(mirror, first, 'apps'), { 'a.yaml': 'a\n' })
    } finally {
      world.server.resume()
    }
    assert.equal(await fetchCommit(mirror), second)
  })

  test('follows a force-push, and keeps what was there before', async () => {
    const repository = await world.createRepository()
    const old = await repository.commit({ a: '1' })
    const mirror = await world.openMirror(repository)
    await mirror.fetch(never)
    await readTexts(mirror, old)
    await repository.git('commit', '--quiet', '--amend', '--message', 'Other')
    await repository.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main')
    assert.equal(await fetchCommit(mirror), await repository.readHead())
    assert.deepEqual(await readTexts(mirror, old), { a: '1' })
  })

  test('says that a branch was deleted, and keeps its objects', async () => {
    const repository = await world.createRepository()
    const head = await repository.commit({ a: '1' }, 'On a branch', 'topic')
    const mirror = await world.openMirror(repository, { ref: { branch: 'topic' } })
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
    const repository = await world.createRepository()
    const first = await repository.readHead()
    await repository.git('tag', '--annotate', '--message', 'v1', 'v1')
    await repository.git('push', '--quiet', 'origin', 'v1')
    const mirror = await world.openMirror(repository, { ref: { tag: 'v1' } })
    assert.equal(await mirror.fetch(never), `v1@sha1:${first}`)
    const second = await repository.commit({ a: '1' })
    await repository.git('tag', '--force', 'v1')
    await repository.git('push', '--quiet', '--force', 'origin', 'v1')
    assert.equal(await fetchCommit(mirror), second)
  })

  test('a pinned commit is fetched once, and a branch that is called like a commit stays a branch', async () => {
    const repository = await world.createRepository()
    const pinned = await repository.commit({ a: '1' })
    const head = await repository.commit({ a: '2' })
    const mirror = await world.openMirror(repository, { ref: { commit: pinned } })
    assert.equal(await fetchCommit(mirror), pinned)
    const { requests } = world.server
    assert.equal(await fetchCommit(mirror), pinned)
    assert.equal(world.server.requests, requests)
    await repository.git('push', '--quiet', 'origin', `HEAD:refs/heads/${pinned}`)
    const branch = await world.openMirror(repository, { ref: { branch: pinned } })
    assert.equal(await fetchCommit(branch), head)
  })

  test('two fetches at once both succeed', async () => {
    const repository = await world.createRepository()
    const head = await repository.commit({ a: '1' })
    const mirror = await world.openMirror(repository)
    assert.deepEqual(await Promise.all([fetchCommit(mirror), fetchCommit(mirror)]), [head, head])
  })

  test('works with a server that cannot leave blobs out', async () => {
    const repository = await world.createRepository()
    await runGit(repository.path, ['config', 'uploadpack.allowFilter', 'false'])
    const head = await repository.commit({ a: '1' })
    const mirror = await world.openMirror(repository)
    assert.equal(await fetchCommit(mirror), head)
    assert.deepEqual(await readTexts(mirror, head), { a: '1' })
  })

  test('a fetch that is stopped ends at once and leaves the mirror usable', async () => {
    const repository = await world.createRepository()
    const mirror = await world.openMirror(repository)
    await rejectsWith(mirror.fetch(AbortSignal.abort()), 'source_unreachable', /stopped/)
    assert.equal(await fetchCommit(mirror), await repository.readHead())
  })
})

describe('servers that do not answer as they should', () => {
  test('one that is not there is unreachable', async () => {
    const repository = await world.createRepository()
    const mirror = await world.openMirror(repository, {
      url: `http://127.0.0.1:${await freePort()}/a.git`,
    })
    await rejectsWith(mirror.fetch(never), 'source_unreachable', /no connection to the server/)
  })

  test('one that never answers is given up at the timeout', async () => {
    const silent = createServer(() => undefined)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const repository = await world.createRepository()
    const url = `http://127.0.0.1:${port}/a.git`
    const mirror = await world.openMirror(repository, { url, timeout: 500 })
    const started = performance.now()
    await rejectsWith(mirror.fetch(never), 'source_unreachable', /no answer within 500 ms/)
    assert.ok(performance.now() - started < 5_000)
    silent.closeAllConnections()
    silent.close()
  })

  test('B27, T27: one that redirects is not followed, so no credential goes elsewhere', async () => {
    const asked: (string | undefined)[] = []
    const other = createServer((request, response) => {
      asked.push(request.headers.authorization)
      response.writeHead(404).end()
    })
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const target = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const redirecting = createServer((request, response) => {
      response.writeHead(302, { location: `${target}${request.url}` }).end()
    })
    redirecting.listen(0, '127.0.0.1')
    await once(redirecting, 'listening')
    const { port } = redirecting.address() as AddressInfo
    const mirror = await world.openMirror(await world.createRepository(), {
      url: `http://127.0.0.1:${port}/a.git`,
    })
    try {
      const words = 'B27: a Git server that redirects'
      await rejectsWith(mirror.fetch(never), 'source_refused', words)
      assert.deepEqual(asked, [])
    } finally {
      for (const server of [other, redirecting]) {
        server.closeAllConnections()
        server.close()
      }
    }
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
      const repository = await world.createRepository()
      const directory = join(world.temp.path, `${repository.name}-${credential}.git`)
      const url = world.server.url(repository.name)
      const spec = { name: 'x', url, ref: { branch: 'main' }, timeout: 20_000 }
      const { credentials } = world
      const mirror = await createMirror(credential ? { ...spec, credential } : spec, {
        directory,
        credential: (name) => credentials[name],
      })
      await rejectsWith(mirror.fetch(never), code, words)
      await mirror.close()
    })
  }

  test('a credential the hub does not have is refused by name, until it has it', async () => {
    const repository = await world.createRepository()
    const known = new Map<string, Credential>()
    const mirror = await createMirror(
      {
        name: 'x',
        url: world.server.url(repository.name),
        ref: { branch: 'main' },
        timeout: 20_000,
        credential: 'nobody',
      },
      { directory: join(world.temp.path, 'late.git'), credential: (name) => known.get(name) },
    )
    await rejectsWith(mirror.fetch(never), 'source_refused', /no credential named nobody/)
    known.set('nobody', world.credentials['bot']!)
    assert.equal(await fetchCommit(mirror), await repository.readHead())
    await mirror.close()
  })

  test('a password file that was written anew is used by the next fetch', async () => {
    const repository = await world.createRepository()
    const passwordFile = join(world.temp.path, 'rotating')
    await writeFile(passwordFile, 'old\n')
    const credential: Credential = { ...world.credentials['bot'], kind: 'basic', passwordFile }
    const url = world.server.url(repository.name)
    const mirror = await createMirror(
      { name: 'x', url, ref: { branch: 'main' }, timeout: 20_000, credential: 'bot' },
      { directory: join(world.temp.path, 'rotating.git'), credential: () => credential },
    )
    await rejectsWith(mirror.fetch(never), 'source_refused', /refused the credential/)
    await writeFile(passwordFile, `${password}\n`)
    assert.equal(await fetchCommit(mirror), await repository.readHead())
    await mirror.close()
  })

  test('B30: a password goes to no host but its own, whatever a Repository says', async () => {
    const asked: (string | undefined)[] = []
    const thief = createServer((request, response) => {
      asked.push(request.headers.authorization)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    })
    thief.listen(0, '127.0.0.1')
    await once(thief, 'listening')
    const { port } = thief.address() as AddressInfo
    const credential: Credential = {
      ...(world.credentials['bot'] as Extract<Credential, { kind: 'basic' }>),
      hosts: ['git.example.com', '*.corp.example'],
    }
    const mirror = await createMirror(
      {
        name: 'x',
        url: `http://127.0.0.1:${port}/a.git`,
        ref: { branch: 'main' },
        timeout: 5_000,
        credential: 'bot',
      },
      { directory: join(world.temp.path, 'thief.git'), credential: () => credential },
    )
    await rejectsWith(
      mirror.fetch(never),
      'source_refused',
      'B30: a Git host its credential is not for',
    )
    assert.deepEqual(asked, [])
    thief.closeAllConnections()
    thief.close()
    await mirror.close()
  })

  test('a repository that is not there is told so', async () => {
    const repository = await world.createRepository()
    const mirror = await world.openMirror(repository, { url: world.server.url('nowhere') })
    await rejectsWith(mirror.fetch(never), 'source_refused', /no such repository/)
  })

  test('the password is in no argument of any process while it is used', async () => {
    const silent = createServer(() => undefined)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/a.git`
    const mirror = await world.openMirror(await world.createRepository(), { url })
    const stop = new AbortController()
    const fetching = mirror.fetch(stop.signal).catch(() => undefined)
    const seen = await until(
      async () => {
        const all = await readArguments(mirror.directory)
        return all.some((words) => words.includes('remote-http')) ? all : undefined
      },
      { deadlineMs: 10_000, what: 'Git to talk to the server' },
    )
    const encoded = Buffer.from(`bot:${password}`).toString('base64')
    for (const words of seen) {
      assert.ok(!words.includes(password) && !words.includes(encoded), words)
    }
    stop.abort()
    await fetching
    silent.closeAllConnections()
    silent.close()
  })

  test('the password is in no file of the mirror', async () => {
    const repository = await world.createRepository()
    const mirror = await world.openMirror(repository)
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
