import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { after, before, describe, it } from 'node:test'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { createKubeCluster } from '../../agent/cluster/kube.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import { createTempDir } from '../support/temp-dir.ts'

const never = new AbortController().signal
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A self-signed certificate and its key, PEM. */
async function createCertificate(name: string) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    certificate: certificate.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  }
}

describe('loadConnection', () => {
  let directory: Awaited<ReturnType<typeof createTempDir>>
  let server: ReturnType<typeof createServer>
  let url: string
  let ca: string
  let client: { certificate: string; key: string }

  const write = async (name: string, user: object, cluster: object = {}) => {
    const path = join(directory.path, name)
    const base64 = Buffer.from(ca).toString('base64')
    await writeFile(
      path,
      JSON.stringify({
        'current-context': 'it',
        contexts: [
          { name: 'it', context: { cluster: 'c', user: 'u' } },
          { name: 'lost', context: { cluster: 'nowhere', user: 'u' } },
        ],
        clusters: [
          { name: 'c', cluster: { server: url, 'certificate-authority-data': base64, ...cluster } },
        ],
        users: [{ name: 'u', user }],
      }),
    )
    return path
  }
  /** Who the server took us for. */
  const identify = async (kubeconfig: string) => {
    const cluster = createKubeCluster(await loadConnection({ kubeconfig }))
    try {
      return await cluster.uid(never)
    } finally {
      await cluster.close()
    }
  }

  before(async () => {
    directory = await createTempDir('kubeconfig')
    const own = await createCertificate('server')
    client = await createCertificate('client')
    ca = own.certificate
    server = createServer(
      {
        cert: own.certificate,
        key: own.key,
        ca: client.certificate,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const peer = (request.socket as TLSSocket).getPeerCertificate()
        const uid = request.headers.authorization ?? `certificate ${String(peer.subject?.CN)}`
        response.end(JSON.stringify({ metadata: { name: 'kube-system', uid } }))
      },
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server?.closeAllConnections()
    server?.close()
    await directory?.remove()
  })

  it('uses a client certificate given in the file', async () => {
    const path = await write('inline', {
      'client-certificate-data': Buffer.from(client.certificate).toString('base64'),
      'client-key-data': Buffer.from(client.key).toString('base64'),
    })
    assert.equal(await identify(path), 'certificate client')
  })

  it('uses a client certificate in files beside it', async () => {
    await writeFile(join(directory.path, 'client.crt'), client.certificate)
    await writeFile(join(directory.path, 'client.key'), client.key)
    const path = await write('files', {
      'client-certificate': 'client.crt',
      'client-key': 'client.key',
    })
    assert.equal(await identify(path), 'certificate client')
  })

  it('uses a token', async () => {
    assert.equal(await identify(await write('token', { token: 'abc' })), 'Bearer abc')
  })

  it('reads a token file again for each request', async () => {
    await writeFile(join(directory.path, 'token-file'), 'one\n')
    const connection = await loadConnection({
      kubeconfig: await write('tf', { tokenFile: 'token-file' }),
    })
    assert.equal(await connection.token(), 'one')
    await writeFile(join(directory.path, 'token-file'), 'two\n')
    assert.equal(await connection.token(), 'two')
  })

  it('runs an exec plugin', async () => {
    const plugin = join(directory.path, 'plugin.sh')
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-plugin' },
    }
    await writeFile(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`)
    await chmod(plugin, 0o755)
    const path = await write('exec', {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: plugin,
        interactiveMode: 'Never',
      },
    })
    assert.equal(await identify(path), 'Bearer from-plugin')
  })

  it('trusts no server but the one the file names', async () => {
    const stranger = Buffer.from(client.certificate).toString('base64')
    const path = await write(
      'stranger',
      { token: 'abc' },
      { 'certificate-authority-data': stranger },
    )
    const cluster = createKubeCluster(await loadConnection({ kubeconfig: path }), {
      clock: { now: () => 0, sleep: async () => {} },
    })
    await assert.rejects(cluster.uid(never), { code: 'cluster_unreachable' })
    await cluster.close()
  })

  it('says what is missing', async () => {
    const kubeconfig = await write('lost', {})
    const wrong = [
      [{ kubeconfig, context: 'other' }, /contexts has no "other"/],
      [{ kubeconfig, context: 'lost' }, /clusters has no "nowhere"/],
      [{ kubeconfig: join(directory.path, 'none') }, /ENOENT/],
    ] as const
    for (const [options, message] of wrong) {
      await assert.rejects(loadConnection(options), { code: 'config_invalid', message })
    }
  })
})
