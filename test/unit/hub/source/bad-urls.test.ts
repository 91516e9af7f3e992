import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { parseAddress } from '../../../../hub/source/address.ts'

const forms = 'write https://host/path, ssh://user@host/path or user@host:path'
const dash = 'it starts with a dash'
const part = 'a part of its path starts with a dash or is ..'
const characters = 'its path has characters other than letters, digits and ._~/%+@=,-'
const control = 'it has control characters'
const login = 'it holds a user name or password; name a `credential` instead'

/** Row of the bad-input list, what somebody wrote as a URL, and the whole of what they are told. */
const rows: readonly (readonly [string, string, string])[] = [
  ['B13', 'ext::sh -c id', 'remote helpers such as ext:: are not allowed'],
  ['B14', '--upload-pack=touch /tmp/x', dash],
  ['B14', '--upl=id', dash],
  ['B14', '-u', dash],
  ['B15', '-c core.sshCommand=id', dash],
  ['B15', '--CONFIG=protocol.allow=always', dash],
  [
    'B16',
    'file:///etc',
    'file:// is for trying things out: write https://host/path, or start the hub with --allow-file-urls',
  ],
  ['B16', '/srv/git/a.git', forms],
  ['B16', 'fd::17', 'remote helpers such as ext:: are not allowed'],
  ['B16', 'git://git.example/a', forms],
  ['B17', 'ssh://-oProxyCommand=id/a', forms],
  ['B17', 'git@-oProxyCommand=id:a', forms],
  ['B18', "ssh://git@host/a'$(id)'", characters],
  ['B18', 'ssh://git@host/a`id`', characters],
  ['B18', 'git@host:a;id', characters],
  ['B20', 'https://git.example/a\nb', control],
  ['B20', 'https://git.example/a\r', control],
  ['B20', 'https://git.example/a\0', control],
  ['B20', 'https://git.example/a%0ab', control],
  ['B21', 'https://me:secret@git.example/a', login],
  ['B21', 'https://secret@git.example/a', login],
  ['B22', 'ssh://git@host/-a', part],
  ['B22', 'ssh://git@host/a/../../b', part],
]
for (const [row, url, told] of rows) {
  test(`${row}: ${JSON.stringify(url)} is refused in words, which never hold its password`, () => {
    assert.throws(
      () => parseAddress(url),
      (error) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'source_refused')
        assert.equal(error.message, `repository URL refused: ${told}`)
        assert.ok(!error.message.includes('secret'))
        return true
      },
    )
  })
}
