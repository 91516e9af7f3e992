import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openChaosProxy } from '../support/chaos-proxy.ts'
import { runGit } from '../support/git-repository.ts'
import {
  createMirrorWorld,
  fetchCommit,
  type MirrorWorld,
  never,
  readTexts,
  rejectsWith,
} from '../support/mirror-world.ts'

/* Git servers that answer, but not to the end, not in time or not what they should. What was fetched before
   stays, the next try works, and other repositories do not wait. */

let world: MirrorWorld
before(async () => {
  world = await createMirrorWorld()
})
after(() => world[Symbol.asyncDispose]())

/** A repository with half a megabyte that does not get smaller, behind a link that can fail. */
async function openFar(timeout = 20_000) {
  const repository = await world.createRepository()
  // All of it in the one pack of a fetch.
  await runGit(repository.path, ['config', 'uploadpack.allowFilter', 'false'])
  const good = await repository.commit({ 'a.txt': 'good' })
  const link = await openChaosProxy(new URL(world.server.url(repository.name)).host)
  const url = `http://${link.address}/${repository.name}.git`
  const mirror = await world.openMirror(repository, { url, timeout })
  assert.equal(await fetchCommit(mirror), good)
  const newer = await repository.commit({ 'b.txt': randomBytes(400_000).toString('base64') })
  const other = await world.createRepository()
  const beside = await other.commit({ 'a.txt': 'beside' })
  const otherMirror = await world.openMirror(other)
  return {
    ...{ repository, mirror, link, good, newer },
    /** What must hold while it cannot be had: another goes on, and what is there can be read. */
    async assertOthers(): Promise<void> {
      assert.equal(await fetchCommit(otherMirror), beside)
      assert.deepEqual(await readTexts(mirror, good), { 'a.txt': 'good' })
    },
    async assertMended(): Promise<void> {
      assert.equal(await fetchCommit(mirror), newer)
      assert.deepEqual(Object.keys(await readTexts(mirror, newer)), ['a.txt', 'b.txt'])
      const packs = await readdir(join(mirror.directory, 'objects/pack'))
      assert.deepEqual(
        packs.filter((name) => name.startsWith('tmp_')),
        [],
      )
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}

describe('F51: a Git server', () => {
  test('that stops in the middle of a pack', async () => {
    await using far = await openFar()
    far.link.cutAfter(150_000)
    await rejectsWith(far.mirror.fetch(never), 'source_unreachable', /./)
    await far.assertOthers()
    await far.assertMended()
  })

  test('that falls silent in the middle of a pack', async () => {
    await using far = await openFar(2_500)
    far.link.rate = 100_000
    const fetching = rejectsWith(
      far.mirror.fetch(never),
      'source_unreachable',
      /no answer within 2500 ms/,
    )
    await far.assertOthers()
    await fetching
    far.link.rate = 0
    await far.assertMended()
  })

  test('whose repository is damaged', async () => {
    await using far = await openFar()
    const { path } = far.repository
    const object = join(path, 'objects', far.newer.slice(0, 2), far.newer.slice(2))
    const bytes = await readFile(object)
    await overwrite(object, Buffer.from('nothing of the kind'))
    await assert.rejects(far.mirror.fetch(never), /source|repository/)
    await far.assertOthers()
    await overwrite(object, bytes)
    await far.assertMended()
  })
})

/** Objects are read only. */
async function overwrite(path: string, bytes: Buffer): Promise<void> {
  await chmod(path, 0o644)
  await writeFile(path, bytes)
}
