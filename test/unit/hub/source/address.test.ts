import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tells } from '../../../support/exact-words.ts'
import { HubError } from '../../../../hub/errors.ts'
import { isLoopback, parseAddress } from '../../../../hub/source/address.ts'

const good: readonly (readonly [string, string, string])[] = [
  ['https://git.example/team/apps.git', 'https', 'git.example'],
  ['http://127.0.0.1:3000/apps.git', 'http', '127.0.0.1'],
  ['https://[::1]:8443/a', 'https', '::1'],
  ['https://GIT.example/a%20b', 'https', 'git.example'],
  ['ssh://git@git.example:2222/~team/apps.git', 'ssh', 'git.example'],
  ['ssh://git.example/apps.git', 'ssh', 'git.example'],
  ['git@github.com:team/apps.git', 'ssh', 'github.com'],
]

for (const [url, protocol, host] of good) {
  test(`takes ${url}`, () => {
    assert.deepEqual(parseAddress(url), { protocol, host, url })
  })
}

// bad input B13–B21.
const bad: readonly string[] = [
  'ext::sh -c touch% /tmp/x',
  'EXT::sh -c id',
  'fd::17',
  'ext::git@host:path',
  '--upload-pack=touch /tmp/x',
  '-u',
  '-oProxyCommand=id',
  'file:///etc',
  '/etc',
  './repo',
  '../repo',
  'repo',
  'git://git.example/a',
  'ftp://git.example/a',
  'rsync://git.example/a',
  'ssh://-oProxyCommand=id/a',
  'ssh://git@-oProxyCommand=id/a',
  'ssh://-o@host/a',
  '-oProxyCommand=id@host:a',
  'git@-oProxyCommand=id:a',
  'git@host:-a',
  'ssh://git@host/-a',
  'ssh://git@host/a/../../b',
  "ssh://git@host/a'$(id)'",
  'ssh://git@host/a`id`',
  'ssh://git@host/a;id',
  'ssh://git@host/a|id',
  'https://git.example/a\nb',
  'https://git.example/a\r',
  'https://git.example/a\0',
  'https://git.example/a%0ab',
  'https://git.example/a%0D',
  'https://git.example/a%00',
  'https://me:pw@git.example/a',
  'https://token@git.example/a',
  'https://@git.example/a',
  'ssh://git:pw@git.example/a',
  'https://git.example/a?x=y',
  'https://git.example/a#b',
  'https://git.example',
  'https:///a',
  'https://git.example\\@evil.example/a',
  'https://git.example:99999999/a',
  'http::https://git.example/a',
  '',
  `https://git.example/${'a'.repeat(3000)}`,
]

for (const url of bad) {
  test(`B13–B21, T26: refuses ${JSON.stringify(url.slice(0, 60))}`, () => {
    assert.throws(
      () => parseAddress(url),
      (error) =>
        error instanceof HubError &&
        error.code === 'source_refused' &&
        // It may hold a password, and goes to the log.
        (url.length < 8 || !error.message.includes(url)) &&
        (tells(`B13–B21: ${JSON.stringify(url.slice(0, 60))}`, error), true),
    )
  })
}

test('takes file URLs only when told to, and then only plain ones', () => {
  const url = 'file:///srv/git/a.git'
  assert.equal(parseAddress(url, { allowFile: true }).protocol, 'file')
  assert.throws(() => parseAddress(url))
  assert.throws(() => parseAddress('file://host/a', { allowFile: true }))
})

test('knows what stays on this machine', () => {
  assert.ok(['localhost', '127.0.0.1', '127.9.9.9', '::1'].every(isLoopback))
  assert.ok(!['127.evil.example', '10.0.0.1', 'localhost.evil.example'].some(isLoopback))
})
