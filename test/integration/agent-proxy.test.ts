import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { BeginRequestSchema } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { dial, dialEnrolment } from '../../agent/link/grpc.ts'
import { openTunnel } from '../../agent/link/net.ts'
import { chooseProxy } from '../../agent/link/proxy.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import { HubError } from '../../hub/errors.ts'
import { serveEnrolment, serveSync } from '../../hub/sync/grpc.ts'
import type { Listener } from '../../hub/sync/listen/grpc.ts'
import { type Authority, loadAuthority } from '../../hub/sync/x509.ts'
import { type ConnectProxy, proxyUser, startConnectProxy } from '../support/connect-proxy.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

describe('an agent behind a proxy', () => {
  let directory: { path: string; remove(): Promise<void> }
  let authority: Authority
  let sync: Listener
  let enrolment: Listener
  let proxy: ConnectProxy
  const connected = new Set<string>()

  before(async () => {
    directory = await createTempDir('agent-proxy')
    authority = await loadAuthority(`${directory.path}/ca`, 'test', Date.now)
    const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
    sync = await serveSync('127.0.0.1', 0, certificate, authority, {
      identify() {
        const enrolment = { cluster: 'a', clusterId: 'a', clusterUid: 'a', boundKey: '' }
        const certificate = { series: 1, generation: 1, serial: '' }
        return { ok: true, enrolment: { ...enrolment, enrolledAt: 0 }, certificate }
      },
      offerFor: async () => ({ offer: null, current: null }),
      serve: async (_, __, wanted) => ({ blobs: [], missing: wanted }),
      compress: async (bytes) => bytes,
      heartbeatSeconds: 5,
      reconnectWindowSeconds: () => 0,
      onConnected: ({ cluster }) => connected.add(cluster),
      onDisconnected: ({ cluster }) => connected.delete(cluster),
      onRefused: () => {},
      clock: Date.now,
      onHello: () => {},
      onHeartbeat: () => {},
      onOffered: () => {},
      onReport: () => {},
      onVerdict: () => {},
    })
    enrolment = await serveEnrolment('127.0.0.1', 0, certificate, authority, {
      begin: async () => {
        throw new HubError('token_refused', 'reached')
      },
      enrol: async () => {
        throw new HubError('token_refused', 'reached')
      },
    } as never)
    proxy = await startConnectProxy(
      new Map([
        ['hub.internal:7444', sync.port],
        ['hub.internal:7443', enrolment.port],
      ]),
    )
  })

  after(async () => {
    proxy.close()
    await sync.close(200)
    await enrolment.close(200)
    await directory.remove()
  })

  const through = (address: string, who = proxyUser) =>
    chooseProxy(address, { HTTPS_PROXY: proxy.url(who) })

  async function open(address: string, who?: string) {
    const { key, publicKey } = await createAgentKey()
    const number = { series: 1, generation: 1 }
    const { chain: certificateChain } = await authority.issue(publicKey, 'a', number)
    const hubCa = authority.certificate
    const stream = dial({ address, hubCa, certificateChain, key }, { proxy: through(address, who) })
    const got = { welcomes: 0, ended: '' }
    void (async () => {
      for await (const { message } of stream.responses) {
        if (message.case === 'welcome') got.welcomes += 1
      }
    })().then(
      () => (got.ended = 'ended'),
      (error: unknown) => (got.ended = (error as Error).message),
    )
    const value = { protocol: 1, clusterUid: 'a' }
    stream.send(create(SyncRequestSchema, { message: { case: 'hello', value } })).catch(() => {})
    return { stream, got }
  }

  it('talks to the hub through it, TLS end to end, by a name only the proxy knows', async () => {
    const { stream, got } = await open('hub.internal:7444')
    await until(() => got.welcomes, { deadlineMs: 10_000, what: 'a welcome' })
    assert.ok(proxy.asked.includes('hub.internal:7444'))
    proxy.cut()
    await until(() => got.ended, { deadlineMs: 10_000, what: 'the end, when the proxy cuts' })
    await until(() => connected.size === 0, { deadlineMs: 10_000, what: 'the hub to notice' })
    stream.close()
  })

  it('lets go of the tunnel when it closes its stream', async () => {
    const { stream, got } = await open('hub.internal:7444')
    await until(() => got.welcomes, { deadlineMs: 10_000, what: 'a welcome' })
    stream.close()
    await until(() => got.ended && connected.size === 0, { deadlineMs: 10_000, what: 'the end' })
  })

  it('checks the pinned CA and joins through it too', async () => {
    const address = 'hub.internal:7443'
    const calls = await dialEnrolment(address, authority.pin, through(address))
    await assert.rejects(calls.begin(create(BeginRequestSchema, { tokenId: 'x' })), {
      code: 'token_refused',
    })
    calls.close()
    const before = proxy.asked.length
    await assert.rejects(dialEnrolment(address, `sha256:${'f'.repeat(64)}`, through(address)), {
      code: 'hub_untrusted',
    })
    assert.equal(proxy.asked.length, before + 1)
  })

  it('says what the proxy said', async () => {
    for (const [address, who, words] of [
      ['hub.internal:7444', '', /asks for a user and a password/],
      ['hub.internal:7444', 'ada:wrong@', /asks for a user and a password/],
      ['other.internal:7444', 'ada:p%40ss@', /does not connect to other.internal:7444: 403/],
    ] as const) {
      const { stream, got } = await open(address, who)
      await until(() => got.ended, { deadlineMs: 10_000, what: 'the end' })
      assert.match(got.ended, words)
      stream.close()
      await assert.rejects(dialEnrolment(address, authority.pin, through(address, who)), words)
    }
  })

  it('does not wait for ever on a proxy that takes a connection and says nothing', async () => {
    const address = 'silent.internal:1'
    await assert.rejects(openTunnel(through(address)!, address, 200), /no answer within 0.2 s/)
  })
})
