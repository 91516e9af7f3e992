import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type BaseRepository,
  listBaseEntries,
  matchBase,
  resolveBase,
} from '../../../../../hub/fleet/input/remote-base.ts'

const commit = 'a'.repeat(40)
const older = 'b'.repeat(40)
const repository = (url: string, name = 'platform'): BaseRepository => ({
  ...{ name, url, ref: 'main', revision: `main@sha1:${commit}` },
  mirror: {
    readTree: async () => ({ id: '', files: [] }),
    readBlobs: async () => [],
    has: async (one) => one === older,
  },
})

test('an entry is of a repository, however its address is spelt', () => {
  const urls = [
    'https://github.com/acme/platform',
    'https://github.com/acme/platform.git',
    'ssh://git@github.com/acme/platform.git',
    'git@github.com:acme/platform.git',
  ]
  for (const url of urls) {
    for (const [entry, path, ref] of [
      ['https://github.com/acme/platform//deploy/base?ref=v1', 'deploy/base', 'v1'],
      ['https://github.com/acme/platform.git//deploy?ref=v1&timeout=9s', 'deploy', 'v1'],
      ['github.com/acme/platform/deploy/?version=v2', 'deploy', 'v2'],
      ['git@github.com:acme/platform.git//deploy', 'deploy', undefined],
      ['ssh://git@github.com/acme/platform', '.', undefined],
      ['git::https://github.com/acme/platform//a/../b', 'b', undefined],
    ] as const) {
      const found = matchBase(entry, [repository(url)])
      assert.deepEqual([found?.path, found?.ref], [path, ref], `${entry} ${url}`)
    }
  }
})

test('what is no such repository, or leads out of it, is of none', () => {
  const known = [repository('https://github.com/acme/platform')]
  for (const entry of [
    ...['../base', 'deploy', 'https://github.com/acme/platform2//a', 'github.com/acme'],
    ...[
      'https://github.com.evil.example/acme/platform//a',
      'https://evil.example/github.com/acme/platform',
    ],
    ...['https://github.com/acme/platform//../../a', 'https://me:pw@github.com/acme/platform//a'],
    'https://github.com:444/acme/platform//a',
  ]) {
    assert.equal(matchBase(entry, known), undefined, entry)
  }
  const both = [...known, repository('https://github.com/acme/platform/deep', 'deep')]
  assert.equal(matchBase('https://github.com/acme/platform/deep//a', both)?.repository.name, 'deep')
})

test('a base is what the hub follows, or a commit in full; nothing else is fetched for it', async () => {
  for (const [ref, found] of [
    ...[undefined, 'main', commit].map((each) => [each, commit] as const),
    [older, older],
    ...['v1', 'HEAD', 'c'.repeat(40), older.slice(0, 7), ''].map(
      (each) => [each, undefined] as const,
    ),
  ] as const) {
    const reference = { repository: repository('https://a.example/b'), path: '.', ref }
    assert.equal(await resolveBase(reference), found, ref)
  }
})

test('entries are read of every list that may name a base, and of nothing else', () => {
  const text = 'resources: [a, "x//y?ref=z"]\ncomponents: [b]\nbases: [c]\npatches: [{ path: d }]\n'
  assert.deepEqual(listBaseEntries(text), ['a', 'x//y?ref=z', 'b', 'c'])
  for (const broken of ['[', 'resources: 1', 'resources: [1, {a: b}]', '']) {
    assert.deepEqual(listBaseEntries(broken), [], broken)
  }
})
