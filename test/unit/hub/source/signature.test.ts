import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeSignature, parseTag } from '../../../../hub/source/signature/outcome.ts'
import { parseSigners } from '../../../../hub/source/signature/signers.ts'

const key = 'SHA256:tZuM+NBI8ulwtDcFtz4dqNtuSB1EYeQVNf6OhclLVa0'
const ssh = `Good "git" signature for ann@example.com with ED25519 key ${key}\n`
const print = 'B9CE90E9F6897D42412C227B13A75EFF25205748'
const openpgp = [
  '[GNUPG:] NEWSIG',
  '[GNUPG:] GOODSIG 13A75EFF25205748 Bob <bob@example.com>',
  `[GNUPG:] VALIDSIG ${print} 2026-11-26 1795660688 0 4 0 22 8 00 ${print}`,
].join('\n')

test('one good signature by a known key counts', () => {
  assert.deepEqual(judgeSignature(0, ssh), { good: true, signer: `ann@example.com ${key}` })
  assert.deepEqual(judgeSignature(0, openpgp), {
    good: true,
    signer: `Bob <bob@example.com> ${print}`,
  })
})

const bad: readonly (readonly [string, number, string, RegExp])[] = [
  ['a failure, whatever was said', 1, ssh, /cannot be checked/],
  ['a success without a word', 0, '', /cannot be checked/],
  ['no signature', 1, '', /is not signed/],
  ['no signature of a tag', 1, 'error: no signature found\n', /is not signed/],
  ['two good ones', 0, ssh + ssh, /cannot be checked/],
  ['one of each kind', 0, `${ssh}${openpgp}`, /cannot be checked/],
  ['a good one and an expired key', 0, `${openpgp}\n[GNUPG:] EXPKEYSIG 1 x`, /has expired/],
  ['a good one and a bad one', 0, `${openpgp}\n[GNUPG:] BADSIG 1 x`, /does not fit/],
  ['a good one without a fingerprint', 0, openpgp.replace('VALIDSIG', 'X'), /cannot be checked/],
  [
    'a known signature by an unknown key',
    0,
    `Good "git" signature with ED25519 key ${key}\nNo principal matched.\n`,
    /none of the signers/,
  ],
]
for (const [name, code, words, why] of bad) {
  test(`refuses ${name}`, () => {
    const outcome = judgeSignature(code, words)
    assert.ok(!outcome.good)
    assert.match(outcome.why, why)
  })
}

test('a tag is read by its head, never by its message', () => {
  const text = 'object a\ntype commit\ntag v1\ntagger x\n\ntag v9\nobject b\n'
  assert.deepEqual(parseTag(text), { object: 'a', type: 'commit', tag: 'v1' })
  assert.deepEqual(parseTag('tag v1'), { object: '', type: '', tag: '' })
})

test('a signers file is read strictly, every fault at once', () => {
  const good = { team: { allowedSignersFile: '/a' }, two: { openpgpKeysFile: '/k' } }
  assert.deepEqual(parseSigners(good, 's.yaml'), good)
  assert.throws(
    () => parseSigners({ a: {}, b: { allowedSigners: '/a' }, c: { revokedKeysFile: '/r' } }, 's'),
    { code: 'config_invalid', message: /s: a: give .*\ns: b: unknown field .*\ns: c: give / },
  )
  assert.throws(() => parseSigners([], 's'), /not a map of signers/)
})
