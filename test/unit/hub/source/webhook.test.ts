import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { judgeWebhook, webhookBodyLimit } from '../../../../hub/source/webhook.ts'

const secret = 'shh'
const body = Buffer.from('{"ref": "refs/heads/main"}')
const mac = (bytes: Uint8Array, key = secret) =>
  createHmac('sha256', key).update(bytes).digest('hex')
const right = `sha256=${mac(body)}`

for (const header of ['x-groundswell-signature', 'x-hub-signature-256']) {
  test(`${header} with the right signature is accepted`, () => {
    assert.deepEqual(judgeWebhook({ [header]: right }, body, secret), { accepted: true })
  })
}

test('the body may be anything: it is never read', () => {
  for (const text of ['null', '[]', '1', '', 'not JSON']) {
    const bytes = Buffer.from(text)
    const headers = { 'x-hub-signature-256': `sha256=${mac(bytes)}` }
    assert.ok(judgeWebhook(headers, bytes, secret).accepted, text)
  }
})

// bad input B61–B69.
const refused: readonly (readonly [string, Parameters<typeof judgeWebhook>, RegExp])[] = [
  [
    'no secret configured',
    [{ 'x-hub-signature-256': `sha256=${mac(body, '')}` }, body, undefined],
    /no webhook secret/,
  ],
  [
    'an empty secret',
    [{ 'x-hub-signature-256': `sha256=${mac(body, '')}` }, body, ''],
    /no webhook secret/,
  ],
  ['no signature', [{}, body, secret], /no signature/],
  ['an empty signature', [{ 'x-hub-signature-256': '' }, body, secret], /is not sha256=/],
  [
    'a short signature',
    [{ 'x-hub-signature-256': right.slice(0, -2) }, body, secret],
    /is not sha256=/,
  ],
  [
    'an upper-case signature',
    [{ 'x-hub-signature-256': right.toUpperCase() }, body, secret],
    /is not sha256=/,
  ],
  ['a bare digest', [{ 'x-hub-signature-256': mac(body) }, body, secret], /is not sha256=/],
  ['SHA-1', [{ 'x-hub-signature-256': `sha1=${mac(body)}` }, body, secret], /is not sha256=/],
  ['the older header', [{ 'x-hub-signature': right }, body, secret], /no signature/],
  [
    'another key',
    [{ 'x-hub-signature-256': `sha256=${mac(body, 'x')}` }, body, secret],
    /does not match/,
  ],
  [
    'a body written anew',
    [{ 'x-hub-signature-256': right }, Buffer.from('{"ref":"refs/heads/main"}'), secret],
    /does not match/,
  ],
  [
    'two signatures',
    [{ 'x-hub-signature-256': right, 'x-groundswell-signature': right }, body, secret],
    /two signatures/,
  ],
  [
    'a repeated header',
    [{ 'x-hub-signature-256': [right, right] }, body, secret],
    /is not sha256=/,
  ],
  [
    'a body too large',
    [{ 'x-hub-signature-256': right }, Buffer.alloc(webhookBodyLimit + 1), secret],
    /too large/,
  ],
]

for (const [name, args, words] of refused) {
  test(`refuses ${name}`, () => {
    const verdict = judgeWebhook(...args)
    assert.ok(!verdict.accepted)
    assert.match(verdict.reason, words)
  })
}
