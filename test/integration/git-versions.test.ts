import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { runGit, type TestRepository } from '../support/git-repository.ts'
import { createMirrorWorld, type MirrorWorld, never, rejectsWith } from '../support/mirror-world.ts'

let world: MirrorWorld

before(async () => {
  world = await createMirrorWorld()
})

after(async () => {
  await world[Symbol.asyncDispose]()
})

async function release(repository: TestRepository, tag: string): Promise<string> {
  const commit = await repository.commit({ version: tag }, tag)
  await repository.git('tag', '--annotate', '--message', tag, tag)
  await repository.git('push', '--quiet', 'origin', tag)
  return commit
}

test('follows the newest version of a range, and a newer one when it comes', async () => {
  const repository = await world.createRepository()
  await release(repository, 'v1.9.0')
  const ten = await release(repository, 'v1.10.0')
  await release(repository, 'v2.0.0')
  await release(repository, 'nightly')
  const mirror = await world.openMirror(repository, { ref: { semver: '^1.2' } })
  assert.equal(await mirror.head(), null)
  assert.equal(await mirror.fetch(never), `v1.10.0@sha1:${ten}`)
  await release(repository, 'v1.11.0-rc.1')
  assert.equal(await mirror.fetch(never), `v1.10.0@sha1:${ten}`)
  const eleven = await release(repository, 'v1.11.0')
  assert.equal(await mirror.fetch(never), `v1.11.0@sha1:${eleven}`)
  assert.equal(await mirror.head(), `v1.11.0@sha1:${eleven}`)
})

test('a version that is withdrawn gives way to the one before, as Git says', async () => {
  const repository = await world.createRepository()
  const one = await release(repository, '1.0.0')
  const two = await release(repository, '1.0.1')
  const mirror = await world.openMirror(repository, { ref: { semver: '1.x' } })
  assert.equal(await mirror.fetch(never), `1.0.1@sha1:${two}`)
  await repository.git('push', '--quiet', '--delete', 'origin', '1.0.1')
  assert.equal(await mirror.fetch(never), `1.0.0@sha1:${one}`)
  // Over a restart too, though the mirror had the other.
  assert.equal(await mirror.head(), `1.0.0@sha1:${one}`)
})

test('a range that no tag is in is told, and the last good version stays', async () => {
  const repository = await world.createRepository()
  const mirror = await world.openMirror(repository, { ref: { semver: '>=9' } })
  const none = /semver >=9: none of 0 tags is a version of this range/
  await rejectsWith(mirror.fetch(never), 'revision_not_found', none)
  const nine = await release(repository, 'v9.1.0')
  assert.equal(await mirror.fetch(never), `v9.1.0@sha1:${nine}`)
  await repository.git('push', '--quiet', '--delete', 'origin', 'v9.1.0')
  await rejectsWith(mirror.fetch(never), 'revision_not_found', none)
  assert.equal(await mirror.head(), `v9.1.0@sha1:${nine}`)
})

test('B12: a server with more tags than are looked at is refused, in bounded memory', async () => {
  const repository = await world.createRepository()
  const head = await repository.readHead()
  const lines = Array.from({ length: 20_001 }, (_, at) => `${head} refs/tags/v0.0.${at}\n`)

  await writeFile(
    `${repository.path}/packed-refs`,
    `# pack-refs with: peeled fully-peeled sorted \n${lines.toSorted().join('')}`,
  )
  await runGit(repository.path, ['show-ref', '--quiet', 'v0.0.7'])
  const mirror = await world.openMirror(repository, { ref: { semver: '*' } })
  await rejectsWith(mirror.fetch(never), 'source_refused', 'B12: more than 20,000 tags')
})
