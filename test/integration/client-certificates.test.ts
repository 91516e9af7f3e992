import 'reflect-metadata'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { create } from '@bufbuild/protobuf'
import * as x509 from '@peculiar/x509'
import { SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { dial } from '../../agent/link/grpc.ts'
import {
  type Issuer,
  type Leaf,
  type LeafOptions,
  createIssuer,
  readIssuer,
  signLeaf,
} from '../support/certificates.ts'
import { clusterUid, createIdentityWorld } from '../support/identity-world.ts'
import { until } from '../support/until.ts'

type World = Awaited<ReturnType<typeof createIdentityWorld>>

/* B60: what the data listener makes of client certificates. Those of the hub's own authority are
   signed with its key, which nobody has: they show that the chain alone does not decide. */

const { clientAuth, serverAuth } = x509.ExtendedKeyUsage
const minute = 60_000

describe('B60: client certificates at the data listener', () => {
  let hub: World
  let ours: Issuer
  let uri: string
  let good: Leaf

  before(async () => {
    hub = await createIdentityWorld(24 * 60 * minute)
    ours = await readIssuer(hub.caDirectory)
    const { stored } = await hub.join('alpha')
    uri = `spiffe://test/cluster/${stored.identity.clusterId}`
    good = { key: stored.endpoint.key, cert: stored.endpoint.certificateChain }
  })
  after(() => hub[Symbol.asyncDispose]())

  /** Says hello by a certificate; the words of the answer. */
  async function sayHello({ key, cert }: Leaf): Promise<string> {
    const hubCa = hub.authority.certificate
    const stream = dial({ address: hub.sync.address, hubCa, certificateChain: cert, key })
    try {
      const value = { protocol: 1, clusterUid }
      const hello = create(SyncRequestSchema, { message: { case: 'hello', value } })
      await stream.send(hello).catch(() => {})
      for await (const { message } of stream.responses) return `answered ${message.case}`
      return 'ended'
    } catch (error) {
      return (error as Error).message
    } finally {
      stream.close()
    }
  }

  /** Everything the listener says to a certificate it takes no TLS connection of. */
  async function knock(leaf: Partial<Leaf>): Promise<string> {
    const [host, port] = hub.sync.address.split(':')
    const socket = connectTls({
      ...{ host, port: Number(port), ca: hub.authority.certificate },
      ...{ servername: 'groundswell-hub', ALPNProtocols: ['h2'], ...leaf },
    })
    let heard = ''
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
    })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('close', resolve))
    return heard
  }

  async function refused(leaf: Leaf, reason: RegExp, told: string): Promise<void> {
    const [refusedBefore, liveBefore] = [hub.refused.length, hub.connected.length]
    const words = await sayHello(leaf)
    const found = () => hub.refused.slice(refusedBefore)
    const logged = (times: number) =>
      until(() => found().filter((one) => reason.test(one)).length >= times, {
        deadlineMs: 5_000,
        what: `${reason}, when the peer was told ${words}, ${times} times`,
      })
    await logged(1)
    if (told === 'nothing') {
      assert.match(words, /^No connection established|Connection dropped/, words)
      // Settings of HTTP/2 at most, which say nothing of the hub.
      assert.doesNotMatch(await knock(leaf), /cluster|alpha|certificate|test/)
      await logged(2)
    } else assert.equal(words, told)
    assert.equal(hub.connected.length, liveBefore, 'it got no stream')
  }

  const dropped: Record<string, [RegExp, () => Promise<Leaf>]> = {
    'of another authority': [
      /of another authority/,
      async () => signLeaf(await createIssuer('CN=other'), uri),
    ],
    'of another authority of the same name': [
      /of another authority/,
      async () => signLeaf(await createIssuer(ours.certificate.subject), uri),
    ],
    'signed by itself': [
      /of another authority/,
      async () => {
        const self = await createIssuer('CN=self')
        return signLeaf(self, uri, { rest: [self.certificate.toString('pem')] })
      },
    ],
    'that has expired': [/has expired/, () => signLeaf(ours, uri, { from: -9e6, to: -minute })],
    'that is not valid yet': [/not valid yet/, () => signLeaf(ours, uri, { from: minute })],
    'that is for servers': [/not for clients/, () => signLeaf(ours, uri, { usages: [serverAuth] })],
    'at the end of 50, begun by another authority': [
      /of another authority/,
      async () => chainOf(50, await createIssuer('CN=root')),
    ],
    'at the end of 50, begun by ours': [/chain .* too long/, () => chainOf(50, ours)],
    'at the end of one more, by ours': [/chain .* too long/, () => chainOf(1, ours)],
    'of 200 KB': [
      /too large/,
      () => {
        const padding = new x509.Extension('1.3.6.1.4.1.99999.1', false, Buffer.alloc(200_000))
        return signLeaf(ours, uri, { extensions: [padding] })
      },
    ],
  }
  for (const [what, [reason, make]] of Object.entries(dropped)) {
    it(`B60: one ${what} gets no connection`, async () => {
      await refused(await make(), reason, 'nothing')
    })
  }

  async function chainOf(length: number, root: Issuer): Promise<Leaf> {
    let issuer = root
    const rest: string[] = []
    for (let at = 0; at < length; at += 1) {
      issuer = await createIssuer(`CN=between ${at}`, issuer)
      rest.unshift(issuer.certificate.toString('pem'))
    }
    return signLeaf(issuer, uri, { rest })
  }

  const belongsToNone = 'this certificate belongs to no enrolled cluster'
  const notForClients = 'this certificate is not for clients'
  const replaced = 'this certificate was replaced by a newer one'
  const url = (...values: string[]): LeafOptions => ({
    names: values.map((value) => ({ type: 'url', value })),
  })
  const named: Record<string, [string, (uri: string) => LeafOptions]> = {
    'with no use named': [notForClients, () => ({ usages: [] })],
    'for clients and servers': [notForClients, () => ({ usages: [clientAuth, serverAuth] })],
    'that may sign others': [notForClients, () => ({ ca: true })],
    'with no name': ['no client certificate', () => ({ names: [] })],
    'with the name as DNS': [belongsToNone, (name) => ({ names: [{ type: 'dns', value: name }] })],
    'with the name as e-mail': [
      belongsToNone,
      (name) => ({ names: [{ type: 'email', value: name }] }),
    ],
    'with two names': [belongsToNone, (name) => url(name, 'spiffe://test/cluster/b')],
    'with the name twice': [belongsToNone, (name) => url(name, name)],
    'with a dot after the name': [belongsToNone, (name) => url(`${name}.`)],
    'with the name in capitals': [belongsToNone, (name) => url(name.toUpperCase())],
    'with NUL after the name': [belongsToNone, (name) => url(`${name}\0.evil`)],
    'with a second name inside the first': [
      belongsToNone,
      (name) => url(`${name}, URI:spiffe://test/cluster/b`),
    ],
    'with a name that only looks the same': [
      belongsToNone,
      (name) => url(name.replace('cluster', 'c\u200blust\u0435r')),
    ],
    'of another fleet': [belongsToNone, (name) => url(name.replace('test', 'tes'))],
    'with a number of no series': [replaced, () => ({ serial: '0102' })],
    'with a number of a later series': [replaced, () => ({ serial: `01ffff${'0'.repeat(26)}` })],
  }
  for (const [what, [reason, options]] of Object.entries(named)) {
    it(`B60: one of our authority ${what} is nobody`, async () => {
      const leaf = await signLeaf(ours, uri, options(uri))
      await refused(leaf, new RegExp(reason), reason)
    })
  }

  it('B60: no certificate at all gets no connection', async () => {
    const before = hub.refused.length
    assert.doesNotMatch(await knock({}), /cluster|alpha|certificate|test/)
    await until(() => hub.refused.slice(before).includes('no client certificate'), {
      deadlineMs: 5_000,
      what: 'the words',
    })
  })

  it('B60: a good one of a client that does not name the hub gets no connection', async () => {
    const before = hub.refused.length
    const [host, port] = hub.sync.address.split(':')
    const to = { host, port: Number(port), ca: hub.authority.certificate, ALPNProtocols: ['h2'] }
    const socket = connectTls({ ...to, ...good, checkServerIdentity: () => undefined })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('close', resolve))
    await until(() => hub.refused.slice(before).some((one) => /of another authority/.test(one)), {
      deadlineMs: 5_000,
      what: 'the words',
    })
  })

  it('B60: the log says from where each of them came', () => {
    assert(hub.refusedPeers.length > 30)
    for (const peer of hub.refusedPeers) assert.match(peer, /127\.0\.0\.1/)
  })

  it('and the one that joined is served all the same', async () => {
    assert.equal(await sayHello(good), 'answered welcome')
  })
})
