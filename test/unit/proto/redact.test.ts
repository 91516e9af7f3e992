import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hideSecrets } from '@groundswell/proto/redact.ts'
import fc from 'fast-check'

// Put together here, so that no scanner takes this file for a leak.
const key = (kind: string) =>
  `-----BEGIN ${kind}PRIVATE KEY-----\nMIIB\n-----END ${kind}PRIVATE KEY-----`
const secrets: readonly (readonly [name: string, text: string, secret: string])[] = [
  ['a password in a URL', 'cannot reach redis://:hunter2hunter2@redis:6379/0', 'hunter2hunter2'],
  ['with a user', 'https://ada:hunter2hunter2@git.example/fleet.git', 'hunter2hunter2'],
  ['a token as a user', `https://${'t'.repeat(20)}@git.example/fleet.git`, 't'.repeat(20)],
  ['a header', 'authorization: Bearer abcdef0123456789', 'abcdef0123456789'],
  ['a basic header', 'Basic YWRhOmh1bnRlcjI=', 'YWRhOmh1bnRlcjI='],
  [
    'a JSON Web Token',
    `token ${['eyJhbGciOiJIUzI1', 'eyJzdWIiOiJhZGEi', 'sig'].join('.')}`,
    'eyJzdWIiOiJhZGEi',
  ],
  ['an API token', `gsw_${'a'.repeat(12)}_${'B'.repeat(43)}`, 'B'.repeat(43)],
  ['of a Git host', `ghp_${'x'.repeat(36)}`, 'x'.repeat(36)],
  ['an age key', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`, 'Q'.repeat(58)],
  ['a private key', `before ${key('EC ')} after`, 'MIIB'],
  ['a key as JSON has it', JSON.stringify({ key: key('') }), 'MIIB'],
  ['a key that is cut off', '-----BEGIN PRIVATE KEY-----\nMIIB', 'MIIB'],
  [
    'a private JSON Web Key',
    '{"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}',
    'nWGxne',
  ],
  [
    'the same within text',
    JSON.stringify('{"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}'),
    'nWGxne',
  ],
]

describe('hideSecrets', () => {
  for (const [name, text, secret] of secrets) {
    it(`hides ${name}, wherever it stands`, () => {
      for (const around of [text, `{"msg":"${text}"}`, `x ${text}`, `${text}, and on`]) {
        const shown = hideSecrets(around)
        assert.ok(!shown.includes(secret), shown)
        assert.match(shown, /\(hidden\)/)
      }
    })
  }

  it('leaves what people look for in a log', () => {
    for (const text of [
      '{"level":30,"msg":"fetched","commit":"4b825dc642cb6eb9a060e54bf8d69288fbee4904"}',
      `sha256:${'a'.repeat(64)}`,
      'ssh://git@git.example/fleet.git at main',
      'https://git.example/fleet.git',
      'redis://127.0.0.1:6379',
      'uid 7f1c5b9e-0b0a-4a4e-9a53-0d3f1f4f4b55 of edge-1@fleet',
      '"fingerprint":"ab12-cd34-ef56-7890"',
    ]) {
      assert.equal(hideSecrets(text), text)
    }
  })

  it('changes nothing a second time, and ends for any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.constantFrom(...secrets), (noise, [, text]) => {
        const once = hideSecrets(`${noise} ${text}`)
        assert.equal(hideSecrets(once), once)
      }),
    )
  })
})
