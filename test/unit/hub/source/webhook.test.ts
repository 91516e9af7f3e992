import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { tells } from '../../../support/exact-words.ts'
import { judgeWebhook, noMatch, webhookBodyLimit } from '../../../../hub/source/webhook.ts'
import type { WebhookHeaders } from '../../../../hub/source/webhook.ts'

const secret = 'shh'
const body = Buffer.from('{"ref": "refs/heads/main"}')
const mac = (bytes: Uint8Array, key = secret) =>
  createHmac('sha256', key).update(bytes).digest('hex')
const right = `sha256=${mac(body)}`

const standard = {
  'webhook-id': 'msg_1',
  'webhook-timestamp': '1700000000',
  'webhook-signature': `v1,${createHmac('sha256', secret)
    .update(`msg_1.1700000000.${body.toString()}`)
    .digest('base64')}`,
}
const good: Readonly<Record<string, WebhookHeaders>> = {
  'anybody with our own header': { 'x-groundswell-signature': right },
  GitHub: { 'x-hub-signature-256': right, 'x-hub-signature': `sha1=${'0'.repeat(40)}` },
  Bitbucket: { 'x-hub-signature': right },
  Gitea: {
    'x-gitea-signature': mac(body),
    'x-gogs-signature': mac(body),
    'x-hub-signature-256': right,
    'x-hub-signature': `sha1=${'0'.repeat(40)}`,
  },
  Forgejo: { 'x-forgejo-signature': mac(body), 'x-gitea-signature': mac(body) },
  'GitLab, signed': standard,
  'GitLab, by token': { 'x-gitlab-token': secret },
}
for (const [host, headers] of Object.entries(good)) {
  test(`a webhook of ${host} is accepted by the right secret only`, () => {
    assert.deepEqual(judgeWebhook(headers, body, [secret]), { accepted: true })
    assert.deepEqual(judgeWebhook(headers, body, ['new', secret]), { accepted: true })
    assert.ok(!judgeWebhook(headers, body, ['shh2']).accepted)
  })
}

test('a secret as GitLab writes them is the bytes it encodes', () => {
  const key = Buffer.from('0123456789abcdef')
  const signature = createHmac('sha256', key).update(`msg_1.1700000000.${body.toString()}`)
  const headers = { ...standard, 'webhook-signature': `v1,${signature.digest('base64')}` }
  assert.ok(judgeWebhook(headers, body, [`whsec_${key.toString('base64')}`]).accepted)
  const other = { ...headers, 'webhook-id': 'msg_2' }
  assert.ok(!judgeWebhook(other, body, [`whsec_${key.toString('base64')}`]).accepted)
})

test('B65–B67: the body may be anything: it is never read', () => {
  for (const text of [
    ...['null', '[]', '1', '', 'not JSON'],
    '{"repository":null,"commits":null}',
    '{"repository":{"full_name":"(a+)+$","clone_url":".*"}}',
    '{"ref":"refs/tags/v0","after":"0000000000000000000000000000000000000000","deleted":true}',
  ]) {
    const bytes = Buffer.from(text)
    const headers = { 'x-hub-signature-256': `sha256=${mac(bytes)}` }
    assert.ok(judgeWebhook(headers, bytes, [secret]).accepted, text)
  }
})

const refused: readonly (readonly [string, Parameters<typeof judgeWebhook>])[] = [
  ['B63: no secret configured', [{ 'x-hub-signature-256': `sha256=${mac(body, '')}` }, body, []]],
  ['B63: an empty secret', [{ 'x-hub-signature-256': `sha256=${mac(body, '')}` }, body, ['']]],
  ['B61: no signature', [{}, body, [secret]]],
  ['B61: an empty signature', [{ 'x-hub-signature-256': '' }, body, [secret]]],
  ['B61: a short signature', [{ 'x-hub-signature-256': right.slice(0, -2) }, body, [secret]]],
  [
    'B61: an upper-case signature',
    [{ 'x-hub-signature-256': right.toUpperCase() }, body, [secret]],
  ],
  ['B61: a bare digest', [{ 'x-hub-signature-256': mac(body) }, body, [secret]]],
  ['B61: SHA-1', [{ 'x-hub-signature-256': `sha1=${mac(body)}` }, body, [secret]]],
  [
    'B61: SHA-1 in the older header',
    [{ 'x-hub-signature': `sha1=${mac(body).slice(0, 40)}` }, body, [secret]],
  ],
  ['B61: another key', [{ 'x-hub-signature-256': `sha256=${mac(body, 'x')}` }, body, [secret]]],
  [
    'B62: a body written anew',
    [{ 'x-hub-signature-256': right }, Buffer.from('{"ref":"refs/heads/main"}'), [secret]],
  ],
  [
    'B69: a good signature beside one that does not hold',
    [{ 'x-hub-signature-256': right, 'x-gitea-signature': mac(body, 'x') }, body, [secret]],
  ],
  [
    'B69: two signatures by two secrets',
    [{ 'x-hub-signature-256': right, 'x-gitea-signature': mac(body, 'x') }, body, [secret, 'x']],
  ],
  ['B61: an empty token', [{ 'x-gitlab-token': '' }, body, [secret]]],
  ['B61: a token that only begins right', [{ 'x-gitlab-token': 's' }, body, [secret]]],
  ['B69: a repeated header', [{ 'x-hub-signature-256': [right, right] }, body, [secret]]],
  [
    'B64: a body too large',
    [{ 'x-hub-signature-256': right }, Buffer.alloc(webhookBodyLimit + 1), [secret]],
  ],
]

for (const [name, args] of refused) {
  test(`T28: ${name} is refused`, () => {
    const verdict = judgeWebhook(...args)
    assert.ok(!verdict.accepted)
    tells(name, verdict.reason)
    assert.ok(verdict.told === verdict.reason || verdict.told === noMatch)
  })
}
