import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { HubError } from '../../errors.ts'
import { isLoopback } from '../address.ts'
import type { ChartReference } from './chart.ts'

/* Charts in OCI registries, as the distribution specification has it. */

/** What Helm calls the archive among a manifest's layers. */
const chartLayer = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'

/** `https://host/v2/path/chart`; http on this machine, as all clients of registries do. */
export function formatRegistryPath({
  repo,
  chart,
}: Pick<ChartReference, 'repo' | 'chart'>): string {
  const [host = '', ...path] = repo.slice('oci://'.length).split('/')
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  const protocol = isLoopback(name) ? 'http' : 'https'
  return `${protocol}://${host}/v2/${[...path, chart].join('/')}`
}

/** The archive a manifest names. `refuse` makes the error. */
export function parseChartManifest(
  bytes: Uint8Array,
  refuse: (message: string) => HubError,
): { readonly digest: Digest; readonly size: number } {
  const manifest = parseJson(bytes)
  const layers = isRecord(manifest) && Array.isArray(manifest['layers']) ? manifest['layers'] : []
  const layer: unknown = layers.find(
    (each: unknown) => isRecord(each) && each['mediaType'] === chartLayer,
  )
  if (!isRecord(layer)) throw refuse('what the registry has under this version is no chart')
  const { digest, size } = layer
  if (typeof digest !== 'string' || !isDigest(digest)) throw refuse('its layer has no sha256')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size <= 0) {
    throw refuse('its layer has no size')
  }
  return { digest, size }
}

/** The tags of a list; none when it is not one. */
export function parseTags(bytes: Uint8Array): string[] {
  const list = parseJson(bytes)
  const tags = isRecord(list) && Array.isArray(list['tags']) ? list['tags'] : []
  return tags.filter((tag): tag is string => typeof tag === 'string')
}

/** What `WWW-Authenticate: Bearer` asks for: where a token is had, and for what. */
export function parseBearerChallenge(header: string): URL | undefined {
  if (!/^bearer /i.test(header)) return undefined
  const fields = Object.fromEntries(
    [...header.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, name, value]) => [name, value]),
  )
  const url = URL.parse(fields['realm'] ?? '')
  if (!url) return undefined
  for (const name of ['service', 'scope']) {
    if (fields[name] !== undefined) url.searchParams.set(name, fields[name])
  }
  return url
}

/** The token in a token server's answer. */
export function parseToken(bytes: Uint8Array): string | undefined {
  const answer = parseJson(bytes)
  const token = isRecord(answer) ? (answer['token'] ?? answer['access_token']) : undefined
  return typeof token === 'string' && /^[\x21-\x7e]{1,16384}$/.test(token) ? token : undefined
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
