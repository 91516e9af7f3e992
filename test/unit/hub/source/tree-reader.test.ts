import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HubError } from '../../../../hub/errors.ts'
import type { ObjectInfo, ObjectReader } from '../../../../hub/source/process.ts'
import { createTreeReader } from '../../../../hub/source/tree-reader.ts'

/** Of files that are not committed, which are asked for by their tree. */
const tree = 'c'.repeat(40)

/** A tree with these files, by their size. */
function openTree(sizes: Readonly<Record<string, number>>) {
  const oids = Object.keys(sizes).map((_, at) => at.toString(16).padStart(40, '0'))
  const listing = Object.keys(sizes).map((path, at) =>
    Buffer.concat([Buffer.from(`100644 ${path}\0`), Buffer.from(oids[at]!, 'hex')]),
  )
  const infos = new Map<string, ObjectInfo>([
    [tree, { oid: tree, type: 'tree', size: 1 }] as const,
    ...Object.values(sizes).map(
      (size, at) => [oids[at]!, { oid: oids[at]!, type: 'blob', size }] as const,
    ),
  ])
  const objects = {
    inspect: async (names: readonly string[]) => names.map((name) => infos.get(name)),
    read: async (names: readonly string[]) =>
      names.map((name) => (name === tree ? Buffer.concat(listing) : undefined)),
  } as unknown as ObjectReader
  return createTreeReader({ name: 'apps', objects, fetchMissing: () => assert.fail('all is here') })
}

test('files of 64 MiB under one path are read, and one byte more is refused', async () => {
  const half = 32 * 1024 * 1024
  const { files } = await openTree({ a: half, b: half }).readTree(tree, '.')
  assert.equal(files.length, 2)
  await assert.rejects(openTree({ a: half, b: half, c: 1 }).readTree(tree, '.'), (error) => {
    const { code, message } = error as HubError
    const words =
      'repository apps: . at ccccccc: 67108865 bytes of files; at most 67108864 are read: choose a smaller path, or move a (33554432 bytes) out of it'
    assert.deepEqual([code, message], ['source_refused', words])
    return true
  })
})
