import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createTreeIndex, parseTreeObject } from '../../../../hub/source/tree-index.ts'

/** Objects in memory, and which were asked for. */
function createObjects() {
  const objects = new Map<string, Buffer>()
  const asked: string[] = []
  const put = (bytes: Buffer): string => {
    const oid = createHash('sha1').update(bytes).digest('hex')
    objects.set(oid, bytes)
    return oid
  }
  return {
    asked,
    put,
    tree: (members: Readonly<Record<string, string>>, mode = '40000') =>
      put(
        Buffer.concat(
          Object.entries(members).map(([name, oid]) =>
            Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
          ),
        ),
      ),
    commit: (tree: string, word = '') => put(Buffer.from(`tree ${tree}\nauthor x\n\n${word}\n`)),
    inspect: async (oids: readonly string[]) =>
      oids.map((oid) => {
        const bytes = objects.get(oid)
        if (!bytes) return undefined
        const type = bytes.toString().startsWith('tree ') ? 'commit' : 'tree'
        return { oid, type, size: bytes.length }
      }),
    read: async (oids: readonly string[]) => {
      asked.push(...oids)
      return oids.map((oid) => objects.get(oid))
    },
  }
}

test('a directory is found by its path, and what another commit shares is not asked for again', async () => {
  const objects = createObjects()
  const [one, two] = [objects.put(Buffer.from('')), objects.put(Buffer.from('x'))]
  const same = objects.tree({ deep: one })
  const first = objects.commit(objects.tree({ apps: objects.tree({ a: one, b: same }) }))
  const index = createTreeIndex(objects)
  assert.equal(await index.findTree(first, 'apps/b/deep'), one)
  assert.equal(await index.findTree(first, 'apps/a'), one)
  for (const path of ['apps/c', 'apps/b/none', 'none', 'apps/b/deep/none']) {
    assert.equal(await index.findTree(first, path), undefined, path)
  }
  const root = objects.tree({ apps: objects.tree({ a: two, b: same }) })
  const second = objects.commit(root)
  objects.asked.length = 0
  assert.equal(await index.findTree(second, '.'), root)
  assert.equal(await index.findTree(second, 'apps/a'), two)
  assert.equal(await index.findTree(second, 'apps/b/deep'), one)
  assert.ok(!objects.asked.includes(same), 'a directory that is known')
  assert.equal(objects.asked.length, 3, 'commit, root and apps')
})

test('a thousand who ask at once ask for each directory once', async () => {
  const objects = createObjects()
  const leaf = objects.put(Buffer.from(''))
  const names = Array.from({ length: 1_000 }, (_, at) => `a${at}`)
  const apps = objects.tree(Object.fromEntries(names.map((name) => [name, leaf])))
  const commit = objects.commit(objects.tree({ apps }))
  const index = createTreeIndex(objects)
  await index.findTree(commit, '.')
  const found = await Promise.all(names.map((name) => index.findTree(commit, `apps/${name}`)))
  assert.ok(found.every((oid) => oid === leaf))
  assert.equal(objects.asked.filter((oid) => oid === apps).length, 1)
})

test('a file is no directory, and a commit that is not here has none', async () => {
  const objects = createObjects()
  const commit = objects.commit(objects.tree({ file: objects.put(Buffer.from('')) }, '100644'))
  const index = createTreeIndex(objects)
  assert.equal(await index.findTree(commit, 'file'), undefined)
  assert.equal(await index.findTree('0'.repeat(40), '.'), undefined)
  // It may come later: that it was not here is not remembered.
  assert.equal(await index.findTree('0'.repeat(40), 'apps'), undefined)
  assert.equal(objects.asked.filter((oid) => oid === '0'.repeat(40)).length, 2)
})

test('what is no whole tree object is no tree: half of one would look as if files were deleted', () => {
  const good = Buffer.concat([Buffer.from('40000 a\0'), Buffer.alloc(20, 1)])
  assert.deepEqual([...parseTreeObject(good).keys()], ['a'])
  for (const rest of ['40000', '40000 b', '40000 b\0short', '\0\0\0', 'x b\0', ' b\0']) {
    const bytes = Buffer.concat([
      good,
      Buffer.from(rest),
      Buffer.alloc(rest.endsWith('b\0') ? 20 : 0),
    ])
    assert.throws(() => parseTreeObject(bytes), /the mirror may be damaged/, rest)
  }
})

// Found by `swell check`, which stopped at files that were not committed.
test('the id of a tree stands for a commit of it', async () => {
  const objects = createObjects()
  const one = objects.put(Buffer.from('x'))
  const root = objects.tree({ apps: objects.tree({ a: one }) })
  const index = createTreeIndex(objects)
  assert.equal(await index.findTree(root, '.'), root)
  assert.equal(await index.findTree(root, 'apps/a'), one)
  assert.equal(await index.findTree('0'.repeat(40), '.'), undefined)
})
