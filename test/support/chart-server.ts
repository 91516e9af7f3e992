import { createHash } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Digest } from '@groundswell/proto/digest.ts'

/** What was asked: method, path and the Authorization header. */
export interface Asked {
  readonly path: string
  readonly authorization: string | undefined
}

/** A chart repository and an OCI registry on one loopback port. */
export interface ChartServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly host: string
  readonly asked: Asked[]
  /** Answers for paths of a repository; a text that begins with `http` redirects there. */
  readonly files: Map<string, Uint8Array | string>
  /** Puts a chart's archive under a tag, as `helm push` does; the name is `path/chart`. */
  push(name: string, tag: string, archive: Uint8Array): void
  /** Puts bytes into the registry, and gives their digest. */
  putBlob(bytes: Uint8Array | string): Digest
  /** Puts a manifest under a tag or a digest; `subject/referrers` is what refers to a subject. */
  putManifest(name: string, reference: string, manifest: string): void
  /** `user:password` that is wanted from now on, by Basic or for the token of a Bearer. */
  readonly guard: { basic?: string; bearer?: string }
  /** Answers 503 to everything. */
  away: boolean
}

const sha256 = (bytes: Uint8Array | string): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export async function startChartServer(): Promise<ChartServer> {
  const files = new Map<string, Uint8Array | string>()
  const blobs = new Map<string, Uint8Array>()
  const tags = new Map<string, Map<string, string>>()
  const asked: Asked[] = []
  const guard: ChartServer['guard'] = {}
  const state = { away: false }
  const token = 'a-token'

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://any')
    const { authorization } = request.headers
    asked.push({ path: url.pathname, authorization })
    const end = (status: number, body: Uint8Array | string = '', headers = {}) =>
      void response.writeHead(status, headers).end(body)
    if (state.away) return end(503)
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
    if (url.pathname === '/token') {
      const allowed = guard.bearer === undefined || authorization === basic(guard.bearer)
      return allowed ? end(200, JSON.stringify({ token })) : end(401)
    }
    if (guard.basic !== undefined && authorization !== basic(guard.basic)) return end(401)
    const registry = /^\/v2\/(.+)\/(tags\/list|manifests\/(.+)|blobs\/(.+)|referrers\/(.+))$/.exec(
      url.pathname,
    )
    if (!registry) {
      const found = files.get(url.pathname)
      if (found === undefined) return end(404)
      return typeof found === 'string' && found.startsWith('http')
        ? end(302, '', { location: found })
        : end(200, found)
    }
    if (guard.bearer !== undefined && authorization !== `Bearer ${token}`) {
      const challenge = `Bearer realm="${server.url}/token",service="charts",scope="repository:${registry[1]}:pull"`
      return end(401, '', { 'www-authenticate': challenge })
    }
    const [, name = '', , reference, digest, subject] = registry
    const tag = subject === undefined ? reference : `${subject}/referrers`
    const known = tags.get(name)
    if (digest !== undefined) {
      const blob = blobs.get(digest)
      return blob ? end(200, blob) : end(404)
    }
    if (!known) return end(404)
    if (tag === undefined)
      return end(
        200,
        JSON.stringify({ name, tags: [...known.keys()].filter((one) => !one.includes(':')) }),
      )
    const manifest = known.get(tag)
    if (manifest === undefined) return end(404)
    return end(200, manifest, {
      'content-type': 'application/vnd.oci.image.manifest.v1+json',
      'content-length': Buffer.byteLength(manifest),
      'docker-content-digest': sha256(manifest),
    })
  }

  const http = createServer(answer)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  const server: ChartServer = {
    ...{ url: `http://${host}`, host, asked, files, guard },
    get away() {
      return state.away
    },
    set away(value) {
      state.away = value
    },
    putBlob(bytes) {
      const digest = sha256(bytes)
      blobs.set(digest, Buffer.from(bytes))
      return digest
    },
    putManifest(name, reference, manifest) {
      tags.set(name, (tags.get(name) ?? new Map<string, string>()).set(reference, manifest))
    },
    push(name, tag, archive) {
      blobs.set(sha256(archive), archive)
      const layer = {
        mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
        digest: sha256(archive),
        size: archive.byteLength,
      }
      const known = tags.get(name) ?? new Map<string, string>()
      const meta = Buffer.from('{}')
      blobs.set(sha256(meta), meta)
      const config = {
        mediaType: 'application/vnd.cncf.helm.config.v1+json',
        digest: sha256(meta),
        size: meta.byteLength,
      }
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] })
      known.set(tag, manifest).set(sha256(manifest), manifest)
      tags.set(name, known)
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}
