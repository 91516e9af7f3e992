import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { listTree } from '../../../../hub/source/tree-listing.ts'

/** Tree objects in memory, and how often they were asked for. */
function createTrees() {
  const trees = new Map<string, Buffer>()
  const asked = { times: 0 }
  return {
    asked,
    trees,
    put(members: readonly (readonly [mode: string, name: string, oid: string])[]): string {
      const bytes = Buffer.concat(
        members.map(([mode, name, oid]) =>
          Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
        ),
      )
      const id = createHash('sha1').update(bytes).digest('hex')
      trees.set(id, bytes)
      return id
    },
    read: async (oids: readonly string[]) => {
      asked.times += 1
      return oids.map((oid) => trees.get(oid))
    },
  }
}

const blob = 'b'.repeat(40)

test('a tree of three levels is listed in its order, asked for once a level', async () => {
  const trees = createTrees()
  const leaf = trees.put([['100644', 'x', blob]])
  const middle = trees.put([
    ['40000', 'one', leaf],
    ['100755', 'run', blob],
    ['40000', 'two', leaf],
  ])
  const root = trees.put([
    ['120000', 'link', blob],
    ['40000', 'src', middle],
    ['160000', 'sub', blob],
  ])
  const found = await listTree(trees, root)
  assert.deepEqual(
    found.map(({ mode, path }) => `${mode} ${path}`),
    ['120000 link', '100644 src/one/x', '100755 src/run', '100644 src/two/x', '160000 sub'],
  )
  assert.equal(trees.asked.times, 3)
})

test('a tree that is missing, or is none, is never an empty one', async () => {
  const trees = createTrees()
  const root = trees.put([['40000', 'gone', 'd'.repeat(40)]])
  await assert.rejects(listTree(trees, root), /a tree is missing; the mirror may be damaged/)
  trees.trees.set('d'.repeat(40), Buffer.from('tree'))
  await assert.rejects(listTree(trees, root), /a tree is no tree; the mirror may be damaged/)
})

test('I9: trees that name one another ten times each, or a thousand deep, are refused in a moment', async () => {
  const trees = createTrees()
  for (const files of [[], [['100644', 'x', blob]] as const]) {
    let id = trees.put(files)
    for (let depth = 0; depth < 10; depth++) {
      const below = id
      id = trees.put(Array.from({ length: 10 }, (_, at) => ['40000', `d${at}`, below] as const))
    }
    const root = id
    await assert.rejects(listTree(trees, root), /too many files; choose a smaller path/)
  }
  let deep = trees.put([['100644', 'x', blob]])
  for (let depth = 0; depth < 3_000; depth++) deep = trees.put([['40000', 'd', deep]])
  await assert.rejects(listTree(trees, deep), /directories are too deep in others/)
})
