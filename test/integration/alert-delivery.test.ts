import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { parseAlertCredentials } from '../../hub/alert/credential.ts'
import { createPost } from '../../hub/alert/http.ts'
import { NotNow } from '../../hub/alert/not-now.ts'
import { createSend } from '../../hub/alert/send.ts'
import { createMail } from '../../hub/alert/smtp.ts'
import type { NotificationProviderSpec } from '../../hub/fleet/kinds/notification.ts'
import { HubError } from '../../hub/errors.ts'
import { letter } from '../support/alert-letter.ts'
import { startMailServer } from '../support/mail-server.ts'

const signal = AbortSignal.timeout(60_000)
const failed = (pattern: RegExp) => (error: unknown) =>
  error instanceof HubError && error.code === 'notification_failed' && pattern.test(error.message)

interface Got {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function startHttp(
  status: () => number = () => 200,
  location?: string,
  more: Readonly<Record<string, string>> = {},
) {
  const got: Got[] = []
  const server = createServer(async (request, response) => {
    got.push({ url: request.url!, headers: request.headers, body: await text(request) })
    response.writeHead(status(), { ...more, ...(location !== undefined && { location }) })
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    got,
    url: `http://127.0.0.1:${port}/secret-path`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Sends a letter as a hub would with these credentials and files. */
function sendWith(credentials: object, files: Record<string, string> = {}, refuse = false) {
  const findAddresses = async (host: string, trusted: boolean): Promise<undefined> => {
    if (!trusted && refuse)
      throw new HubError('notification_failed', `${host} is a private address`)
  }
  const send = createSend({
    fleetName: 'lab',
    credentials: parseAlertCredentials(credentials, 'alerts.yaml'),
    post: createPost(findAddresses, () => 1_767_225_660_000),
    mail: createMail(findAddresses),
    read: async (path) => files[path] ?? '',
    clock: () => 1_767_225_660_000,
  })
  return (spec: NotificationProviderSpec) =>
    send(
      { name: 'ops', labels: {}, annotations: {}, spec, file: 'ops.yaml', line: 1 },
      letter,
      signal,
    )
}

describe('a letter', () => {
  it('to Slack and Teams goes to the address that the credential holds', async () => {
    await using server = await startHttp()
    const send = sendWith({ chat: { addressFile: 'hook' } }, { hook: server.url })
    await send({ type: 'slack', credential: 'chat', channel: '#ops' })
    await send({ type: 'teams', credential: 'chat' })
    const [slack, teams] = server.got
    assert.deepEqual(JSON.parse(slack!.body), {
      ...{ text: '🛑 Rollout shop: no', mrkdwn: false, channel: '#ops' },
    })
    assert.match(teams!.body, /AdaptiveCard/)
    assert.equal(slack!.url, '/secret-path')
  })

  it('to a webhook is signed: HMAC as Standard Webhooks has it', async () => {
    await using server = await startHttp()
    const secret = 'a-secret-of-24-characters'
    const setting = { hook: { hosts: ['127.0.0.1'], secretFile: 's', tokenFile: 't' } }
    await sendWith(setting, { s: secret, t: 'token' })({
      ...{ type: 'webhook', address: server.url, credential: 'hook' },
    })
    const { headers, body } = server.got[0]!
    const [id, time] = [headers['webhook-id'], headers['webhook-timestamp']]
    const mac = createHmac('sha256', secret)
      .update(`${String(id)}.${String(time)}.${body}`)
      .digest('base64')
    assert.equal(headers['webhook-signature'], `v1,${mac}`)
    assert.deepEqual([id, headers.authorization], [letter.id, 'Bearer token'])
    assert.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8')
  })

  it('to a webhook is signed: Ed25519, so that who checks it cannot make it', async () => {
    await using server = await startHttp()
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const setting = { hook: { hosts: ['127.0.0.1'], privateKeyFile: 'k' } }
    await sendWith(setting, { k: pem })({
      type: 'webhook',
      address: server.url,
      credential: 'hook',
    })
    const { headers, body } = server.got[0]!
    const [kind, signature] = String(headers['webhook-signature']).split(',')
    const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.')
    assert.equal(kind, 'v1a')
    const key = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }))
    assert.ok(verify(null, Buffer.from(signed), key, Buffer.from(signature!, 'base64')))
  })

  it('follows no redirect, and names no path in what it says of a failure', async () => {
    await using other = await startHttp()
    await using server = await startHttp(() => 302, other.url)
    const send = sendWith({ chat: { addressFile: 'hook' } }, { hook: server.url })
    const sent = send({ type: 'slack', credential: 'chat' })
    await assert.rejects(sent, (error: Error) => {
      assert.doesNotMatch(error.message, /secret-path/)
      return failed(/answered 302/)(error)
    })
    assert.equal(other.got.length, 0)
  })

  for (const [how, asked] of [
    ['seconds', '30'],
    ['a date', 'Thu, 01 Jan 2026 00:01:30 GMT'],
  ] as const) {
    it(`says how long the receiver asks to wait, in ${how}`, async () => {
      await using server = await startHttp(() => 429, undefined, { 'retry-after': asked })
      const send = sendWith({ chat: { addressFile: 'hook' } }, { hook: server.url })
      await assert.rejects(send({ type: 'slack', credential: 'chat' }), (error: unknown) => {
        assert(error instanceof NotNow && failed(/answered 429/)(error))
        assert.equal(error.pause, 30_000)
        return true
      })
    })
  }

  it('goes nowhere private that only Git names, nor does a credential to a foreign host', async () => {
    await using server = await startHttp()
    const git = sendWith({}, {}, true)
    await assert.rejects(git({ type: 'webhook', address: server.url }), failed(/private address/))
    const bound = sendWith({ hook: { hosts: ['hooks.example'], secretFile: 's' } })
    await assert.rejects(
      bound({ type: 'webhook', address: server.url, credential: 'hook' }),
      failed(/is for hooks\.example, not for 127\.0\.0\.1/),
    )
    await assert.rejects(
      bound({ type: 'webhook', address: server.url, credential: 'none' }),
      failed(/--alert-credentials has no "none"/),
    )
    assert.equal(server.got.length, 0)
  })

  it('by mail reaches a real mail server, with login, and with one id however often', async () => {
    await using server = await startMailServer()
    const setting = { mail: { addressFile: 'a', username: 'hub', passwordFile: 'p' } }
    const send = sendWith(setting, { a: server.address, p: 'right' })
    const spec = {
      type: 'email',
      credential: 'mail',
      from: 'hub@lab.example',
      to: ['a@x.example', 'b@x.example'],
    }
    await send(spec as NotificationProviderSpec)
    await send(spec as NotificationProviderSpec)
    const [mail, again] = server.mails
    assert.deepEqual(
      [mail?.from, mail?.to, mail?.user],
      ['hub@lab.example', ['a@x.example', 'b@x.example'], 'hub'],
    )
    assert.match(mail!.text, /^Subject: \[lab\] error: Rollout shop: no\r$/m)
    for (const one of [mail, again])
      assert.match(one!.text, /^Message-ID: <letter-1@lab\.example>\r$/im)
  })

  it('by mail is refused in words: a wrong password, a full mailbox, no TLS elsewhere', async () => {
    await using full = await startMailServer({ refuse: true })
    const spec = { type: 'email', credential: 'mail', from: 'h@l.example', to: ['a@x.example'] }
    const files = { a: full.address, p: 'wrong' }
    const login = { mail: { addressFile: 'a', username: 'hub', passwordFile: 'p' } }
    await assert.rejects(
      sendWith(login, files)(spec as NotificationProviderSpec),
      failed(/^127\.0\.0\.1: Invalid login/),
    )
    await assert.rejects(
      sendWith({ mail: { addressFile: 'a' } }, files)(spec as NotificationProviderSpec),
      failed(/mailbox is full/),
    )
  })
})
