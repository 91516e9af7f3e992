import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { type TLSSocket, connect } from 'node:tls'
import { Server } from '@grpc/grpc-js'
import type { KeyExchange } from '../../hub/sync/tls/key-exchange.ts'
import { createMutualTls } from '../../hub/sync/tls/grpc.ts'
import { type Authority, loadAuthority } from '../../hub/sync/x509.ts'
import { openChaosProxy } from '../support/chaos-proxy.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* What one handshake of an agent costs in bytes: after a restart a hub has as many as agents. */

describe('a handshake on the data listener', () => {
  let directory: { path: string; remove(): Promise<void> }
  let authority: Authority
  before(async () => {
    directory = await createTempDir('handshake')
    authority = await loadAuthority(directory.path, 'test', Date.now)
  })
  after(() => directory.remove())

  /** Shakes hands; the bytes each way are those below TLS. */
  async function shake(keyExchange: KeyExchange) {
    const certificate = await authority.serve(['groundswell-hub', 'hub.example.com'])
    const { credentials } = createMutualTls(certificate, authority, keyExchange)
    const server = new Server()
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      )
    })
    await using stack = new AsyncDisposableStack()
    stack.defer(() => server.forceShutdown())
    const proxy = stack.use(await openChaosProxy(`127.0.0.1:${port}`))
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const own = { series: 1, generation: 1 }
    const spki = keys.publicKey.export({ type: 'spki', format: 'der' })
    const { chain } = await authority.issue(spki, randomUUID(), own)
    const [host, through] = proxy.address.split(':')
    const socket: TLSSocket = connect({
      ...{ host, port: Number(through), servername: 'groundswell-hub', ALPNProtocols: ['h2'] },
      ...{ ca: authority.certificate, cert: chain },
      key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    })
    stack.defer(() => void socket.destroy())
    // The first that comes inside TLS comes after all of the handshake.
    await once(socket, 'data')
    const group = (socket.getEphemeralKeyInfo() as { name?: string }).name
    return { group, down: proxy.bytes.down, up: proxy.bytes.up }
  }

  it('takes no more than 1.2 KB to the agent', async (t) => {
    const { group, down, up } = await shake('classic')
    t.diagnostic(`${down} bytes to the agent, ${up} from it, ${group}`)
    assert.equal(group, 'X25519')
    assert.ok(down <= 1_200, String(down))
  })

  it('is hybrid when that is asked for, and takes 1.1 KB more', async (t) => {
    const { group, down, up } = await shake('hybrid')
    t.diagnostic(`${down} bytes to the agent, ${up} from it, ${group}`)
    assert.equal(group, 'X25519MLKEM768')
    assert.ok(down <= 2_300, String(down))
  })
})
