import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HubError } from '../../../../hub/errors.ts'
import { followLink } from '../../../../hub/source/links.ts'
import {
  parseTreeEntries,
  type TreeEntry,
  whyBadPath,
} from '../../../../hub/source/tree-entries.ts'

const oid = 'a'.repeat(40)

test('reads regular files and links, names as they are', () => {
  const records = [
    { mode: '100644', oid, path: 'a b/ü.yaml' },
    { mode: '100755', oid, path: 'run' },
    { mode: '120000', oid, path: 'l' },
  ]
  assert.deepEqual(
    parseTreeEntries(records).map(({ path, kind }) => [path, kind]),
    [
      ['a b/ü.yaml', 'file'],
      ['run', 'file'],
      ['l', 'link'],
    ],
  )
})

test('tells every bad entry at once', () => {
  const records = [
    { mode: '160000', oid, path: 'vendor' },
    { mode: '100644', oid, path: '.git/config' },
    { mode: '100600', oid, path: 'x' },
  ]
  assert.throws(
    () => parseTreeEntries(records),
    (error: HubError) => error.code === 'source_refused' && error.faults.length === 3,
  )
})

test('more files than are read is refused', () => {
  const records = Array.from({ length: 20_001 }, (_, index) => ({
    mode: '100644',
    oid,
    path: `${index}`,
  }))
  assert.throws(() => parseTreeEntries(records), /20001 files; at most 20000/)
})

// bad input B7, B10.
for (const path of [
  '.git',
  '.GIT/config',
  'a/.Git',
  'git~1',
  'a/GIT~2/b',
  '.git ',
  '.git.',
  '.g\u200cit',
  '..',
  'a/../b',
  'a/./b',
  'a//b',
  '/a',
  'a\\b',
  'a\nb',
  'a\r',
  'a\u0085',
  'bad\uFFFD',
  'x'.repeat(4097),
]) {
  test(`the name ${JSON.stringify(path.slice(0, 20))} is refused`, () => {
    assert.ok(whyBadPath(path))
  })
}

for (const path of ['.gitignore', 'a/.gitattributes', 'git', '..a', 'a..b', '...']) {
  test(`the name ${path} is fine`, () => assert.equal(whyBadPath(path), undefined))
}

function follow(links: Readonly<Record<string, string>>, from: string) {
  const entries: TreeEntry[] = [
    { path: 'd/file', oid, kind: 'file' },
    ...Object.keys(links).map((path) => ({ path, oid, kind: 'link' as const })),
  ]
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  const end = followLink(byPath.get(from)!, byPath, new Map(Object.entries(links)))
  return 'fault' in end ? end.fault : end.entry.path
}

test('links are followed by name, inside the tree only', () => {
  assert.equal(follow({ 'd/a': 'file' }, 'd/a'), 'd/file')
  assert.equal(follow({ 'x/y/a': '../../d/./b', 'd/b': 'file' }, 'x/y/a'), 'd/file')
  assert.match(follow({ a: '/d/file' }, 'a'), /out of the tree/)
  assert.match(follow({ 'd/a': '../../d/file' }, 'd/a'), /out of the tree/)
  assert.match(follow({ a: '..' }, 'a'), /out of the tree/)
  assert.match(follow({ a: 'd' }, 'a'), /directory/)
  assert.match(follow({ a: 'd/file/x' }, 'a'), /not there/)
  assert.match(follow({ a: '' }, 'a'), /impossible/)
  assert.match(follow({ a: 'a' }, 'a'), /round in circles/)
  const chain = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`l${index}`, `l${index + 1}`]),
  )
  assert.match(follow({ ...chain, l20: 'd/file' }, 'l0'), /more than 8/)
})
