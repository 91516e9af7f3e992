import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type ConnectionOptions, connect, createServer } from 'node:tls'
import { createAgentKey } from '../../agent/link/x509.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'

/** Handshakes a second, one at a time, with the hub's own kind of certificates on both sides. */
export async function measureHandshakes(
  milliseconds: number,
): Promise<{ tls_full_per_s: number; tls_resumed_per_s: number }> {
  await using directory = await createTempDir('tls')
  const authority = await loadAuthority(directory.path, 'bench', Date.now)
  const { key, certificate } = await authority.serve(['localhost'])
  const agent = await createAgentKey()
  const { chain: cert } = await authority.issue(
    agent.publicKey,
    '00000000-0000-0000-0000-000000000000',
    { series: 1, generation: 1 },
  )
  const server = createServer(
    {
      ...{ key, cert: certificate, ca: authority.certificate },
      ...{ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    },
    (socket) => {
      socket.on('error', () => {})
      // A byte, so that the client has read the session ticket when it has read this.
      socket.end('.')
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const options: ConnectionOptions = {
    ...{ host: '127.0.0.1', port, servername: 'localhost' },
    ...{ ca: authority.certificate, key: agent.key, cert },
  }

  async function shake(
    session?: Buffer,
  ): Promise<{ session: Buffer | undefined; reused: boolean }> {
    const socket = connect(session ? { ...options, session } : options)
    let ticket: Buffer | undefined
    socket.on('session', (given: Buffer) => {
      ticket = given
    })
    await once(socket, 'secureConnect')
    const reused = socket.isSessionReused()
    socket.resume()
    await once(socket, 'close')
    return { session: ticket, reused }
  }

  async function count(again: (last: Buffer | undefined) => Buffer | undefined): Promise<number> {
    const start = performance.now()
    let last = (await shake()).session
    let done = 0
    while (performance.now() - start < milliseconds) {
      const given = again(last)
      const { session, reused } = await shake(given)
      if (given && !reused) throw new Error('a TLS session was not resumed')
      last = session
      done += 1
    }
    return Math.round((done * 1000) / (performance.now() - start))
  }

  try {
    return {
      tls_full_per_s: await count(() => undefined),
      tls_resumed_per_s: await count((last) => last),
    }
  } finally {
    server.close()
  }
}
