import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { parseCredentials } from '../../../../hub/source/credential.ts'
import { isHostPattern, judgeHost, matchesHost } from '../../../../hub/source/host-rules.ts'

const password = { kind: 'basic', passwordFile: '/p' }

test('takes files and Secrets, and binds the password of the fleet to its host', () => {
  const ssh = { kind: 'ssh', keyFile: '/k', knownHostsFile: '/h' }
  const secret = { kind: 'ssh', secret: { namespace: 'gs', name: 'git' } }
  const bound = { ...password, hosts: ['*.example.com'] }
  assert.deepEqual(
    parseCredentials({ fleet: password, ssh, secret, bound }, 'c.yaml', 'git.example.com'),
    { fleet: { ...password, hosts: ['git.example.com'] }, ssh, secret, bound },
  )
})

const bad: readonly (readonly [string, unknown, RegExp])[] = [
  ['another kind', { kind: 'token' }, /`kind` is basic or ssh/],
  ['B30: a password without hosts', password, /`hosts` is missing/],
  ['a URL as a host', { ...password, hosts: ['https://a'] }, /"https:\/\/a" is not a host/],
  ['no host in the list', { ...password, hosts: [] }, /hosts: must not be empty/],
  ['a misspelt field', { ...password, pasword: 'x' }, /unknown field "pasword"/],
  ['the password itself', { kind: 'basic', password: 'x' }, /unknown field "password"/],
  ['a key without known_hosts', { kind: 'ssh', keyFile: '/k' }, /needs `keyFile` and `known/],
  ['a user alone', { kind: 'basic', hosts: ['a'], usernameFile: '/u' }, /without `passwordFile`/],
  ['nothing', { kind: 'basic', hosts: ['a'] }, /give files, or a `secret`/],
  [
    'both',
    { ...password, hosts: ['a'], secret: { namespace: 'a', name: 'b' } },
    /files or a `secret`, not both/,
  ],
]
for (const [name, value, words] of bad) {
  test(`refuses ${name}, naming it`, () => {
    assert.throws(
      () => parseCredentials({ apps: value }, 'c.yaml', ''),
      (error) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'config_invalid')
        assert.match(error.message, /^c\.yaml: apps: /)
        assert.match(error.message, words)
        return true
      },
    )
  })
}

test('tells every fault at once', () => {
  assert.throws(() => parseCredentials({ a: { kind: 'x' }, b: password }, 'c.yaml', ''), {
    message: /c\.yaml: a: .*\nc\.yaml: b: /,
  })
})

test('a pattern of a domain is all below it, and nothing else', () => {
  assert.ok(matchesHost('git.example.com', ['*.example.com']))
  assert.ok(matchesHost('a.b.example.com', ['x', '*.example.com']))
  for (const host of ['example.com', 'evilexample.com', 'git.example.com.evil']) {
    assert.ok(!matchesHost(host, ['*.example.com']), host)
  }
  assert.ok(isHostPattern('::1') && isHostPattern('10.0.0.1') && !isHostPattern('*'))
})

test('any public host is fetched from unless hosts are listed; the fleet is where it is', () => {
  const rules = { allowed: ['git.corp'], fleet: '127.0.0.1' }
  assert.equal(judgeHost('127.0.0.1', rules), 'trusted')
  assert.equal(judgeHost('git.corp', rules), 'trusted')
  assert.equal(judgeHost('github.com', rules), 'refused')
  assert.equal(judgeHost('github.com', { ...rules, allowed: [] }), 'public')
})
