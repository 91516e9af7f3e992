import { HubError } from '../../errors.ts'
import { isLoopback } from '../address.ts'
import { resolvePublic } from '../dns.ts'
import { type HostRules, hostOf, judgeHost, matchesHost } from '../host-rules.ts'
import { callJudged } from '../judged/http.ts'
import type { Get, HttpGet } from './chart.ts'
import { parseBearerChallenge, parseToken } from './registry.ts'

export interface ChartHttpOptions {
  readonly hosts: HostRules
  /** Read anew for each request, so that a rotated one is used at once. @throws HubError `source_refused` */
  readonly access: (name: string) => Promise<ChartAccess>
  /** Milliseconds for one answer, redirects and tokens included. */
  readonly timeoutMs: number
}

/** A credential, read, and the hosts it may be sent to. */
export interface ChartAccess {
  readonly hosts: readonly string[]
  /** Value of an Authorization header. */
  readonly basic?: string
  /** Certificates (PEM) that sign for the server. */
  readonly ca?: string
}

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly challenge: string
  readonly bytes: Uint8Array
}

const maxRedirects = 5
const tokenBytes = 64 * 1024

/**
 * GETs charts, indexes and manifests. Each host on the way, redirected to or not, is held to the
 * rules for hosts, connections go to the addresses that were judged, and a password goes only to the
 * hosts its credential names (bad input B25–B30).
 */
export function createChartGet({ hosts, access, timeoutMs }: ChartHttpOptions): HttpGet {
  async function addressesOf(url: URL): Promise<string[] | undefined> {
    const host = hostOf(url)
    if (url.username !== '' || url.password !== '') throw refuse(url, 'it holds a password')
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(url, 'write https://')
    switch (judgeHost(host, hosts)) {
      case 'trusted':
        return undefined
      case 'public':
        return resolvePublic(host)
      case 'refused':
        throw refuse(url, `${host} is not one of --source-hosts`)
      default:
        throw new TypeError('no such verdict')
    }
  }

  /** What may go to this host of the named credential. */
  async function authorize(url: URL, name: string | undefined): Promise<Partial<ChartAccess>> {
    if (name === undefined) return {}
    const given = await access(name)
    const host = hostOf(url)
    const isSafe = url.protocol === 'https:' || isLoopback(host)
    return isSafe && matchesHost(host, given.hosts) ? given : {}
  }

  async function once(
    url: URL,
    get: Pick<Get, 'accept' | 'maxBytes'>,
    { basic, ca }: Partial<ChartAccess>,
    signal: AbortSignal,
    authorization = basic,
  ): Promise<Answer> {
    const addresses = await addressesOf(url)
    const headers = {
      ...{ accept: get.accept, 'accept-encoding': 'identity' },
      ...(authorization === undefined ? {} : { authorization }),
    }
    try {
      return await callJudged({ url, headers, addresses, ca }, signal, async (answer) => {
        const parts: Buffer[] = []
        let size = 0
        for await (const part of answer.body as AsyncIterable<Buffer>) {
          size += part.byteLength
          if (size > get.maxBytes)
            throw refuse(url, `the answer is larger than ${get.maxBytes} bytes`)
          parts.push(part)
        }
        const text = (name: string) => [answer.headers[name]].flat()[0]
        return {
          status: answer.statusCode,
          location: text('location'),
          challenge: text('www-authenticate') ?? '',
          bytes: Buffer.concat(parts),
        }
      })
    } catch (cause) {
      if (cause instanceof HubError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new HubError('source_unreachable', `${where(url)}: ${why}`, { cause })
    }
  }

  /** A registry's token, from the server it names. */
  async function fetchBearer(
    challenge: string,
    name: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const url = parseBearerChallenge(challenge)
    if (!url) return undefined
    const limits = { accept: 'application/json', maxBytes: tokenBytes }
    const { status, bytes } = await once(url, limits, await authorize(url, name), signal)
    const token = status === 200 ? parseToken(bytes) : undefined
    if (token === undefined) throw away(url, `no token: status ${status}`)
    return `Bearer ${token}`
  }

  return async (get, signal) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    let url = new URL(get.url)
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const given = await authorize(url, get.credential)
      let answer = await once(url, get, given, deadline)
      if (answer.status === 401) {
        const bearer = await fetchBearer(answer.challenge, get.credential, deadline)
        if (bearer) answer = await once(url, get, given, deadline, bearer)
      }
      if (answer.status === 200) return answer.bytes
      if (answer.status === 404 && get.whenMissing) return get.whenMissing
      if (![301, 302, 303, 307, 308].includes(answer.status) || answer.location === undefined) {
        throw away(url, explainStatus(answer.status, get.credential))
      }
      const next = URL.parse(answer.location, url.href)
      if (!next || (url.protocol === 'https:' && next.protocol !== 'https:')) {
        throw refuse(url, 'it redirects to what is not https')
      }
      url = next
    }
    throw refuse(url, `more than ${maxRedirects} redirects`)
  }
}

function explainStatus(status: number, credential: string | undefined): string {
  switch (status) {
    case 401:
    case 403:
      return credential === undefined
        ? `status ${status}: it wants a password; name a \`credential\` of the hub that has one`
        : `status ${status}: it does not take the credential ${credential}, or that is for other hosts`
    case 404:
      return `status ${status}: there is no such thing, or it is not for whoever asks`
    default:
      return `status ${status}`
  }
}

/** A query may hold what is nobody's business. */
function where(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

function refuse(url: URL, message: string): HubError {
  return new HubError('source_refused', `${where(url)}: ${message}`)
}

function away(url: URL, message: string): HubError {
  return new HubError('source_unreachable', `${where(url)}: ${message}`)
}
