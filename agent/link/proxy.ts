import { AgentError } from '../errors.ts'

/** An HTTP proxy that a connection is tunnelled through with CONNECT. */
export interface Proxy {
  readonly host: string
  readonly port: number
  /** Value of `Proxy-Authorization`; absent when the proxy's URL names nobody. */
  readonly authorization?: string
}

/**
 * The proxy to reach `HOST:PORT` through, by `HTTPS_PROXY` and `NO_PROXY` in either case; lower
 * case goes first, as with other tools. This host itself is never asked for through a proxy.
 *
 * @throws AgentError `config_invalid` when the proxy's URL cannot be used
 */
export function chooseProxy(
  address: string,
  env: { readonly [name: string]: string | undefined },
): Proxy | undefined {
  const url = env['https_proxy'] || env['HTTPS_PROXY']
  if (!url) return undefined
  const { host, port } = splitAddress(address)
  if (host === 'localhost' || host.startsWith('127.') || host === '::1') return undefined
  const exceptions = (env['no_proxy'] || env['NO_PROXY'] || '').toLowerCase().split(/[\s,]+/)
  if (exceptions.some((entry) => entry !== '' && excepts(entry, host, port))) return undefined
  return parseProxy(url)
}

/** `HOST:PORT` or `[IPV6]:PORT` apart; the host without brackets, in lower case, no dot at its end. */
export function splitAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[|\]$/g, '')
  return { host: host.toLowerCase().replace(/\.$/, ''), port: Number(address.slice(at + 1)) }
}

function parseProxy(text: string): Proxy {
  // What follows may hold a password: no message repeats it.
  const refuse = (why: string): never => {
    throw new AgentError(
      'config_invalid',
      `HTTPS_PROXY: ${why}; give http://[USER:PASSWORD@]HOST:PORT`,
    )
  }
  const whole = text.includes('://') ? text : `http://${text}`
  if (!URL.canParse(whole)) return refuse('not a URL')
  const url = new URL(whole)
  if (url.protocol !== 'http:') return refuse(`${url.protocol}// proxies are not supported`)
  const proxy = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) }
  if (!url.username) return proxy
  try {
    const who = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    return { ...proxy, authorization: `Basic ${Buffer.from(who).toString('base64')}` }
  } catch {
    return refuse('a % in user or password is not an escape')
  }
}

/** Whether an entry of NO_PROXY covers a host. A name covers what is below it, a `.name` only that. */
function excepts(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  const range = /^(.+)\/(\d{1,3})$/.exec(entry)
  if (range) return isWithin(host, range[1]!, Number(range[2]))
  const { name, only } = splitEntry(entry)
  if (only !== undefined && only !== port) return false
  const ip = parseIp(name)
  if (ip) return isWithin(host, name, ip.bits)
  const bare = name.replace(/^\*?\./, '').replace(/\.$/, '')
  if (bare === '') return false
  return host.endsWith(`.${bare}`) || (bare === name.replace(/\.$/, '') && host === bare)
}

function splitEntry(entry: string): { name: string; only?: number } {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(entry)
  const [, name = entry, only] = bracketed ?? /^([^:]+):(\d+)$/.exec(entry) ?? [entry, entry]
  return { name, ...(only === undefined ? {} : { only: Number(only) }) }
}

function isWithin(host: string, network: string, prefix: number): boolean {
  const [ip, base] = [parseIp(host), parseIp(network)]
  if (!ip || !base || ip.bits !== base.bits || prefix > base.bits) return false
  const rest = BigInt(base.bits - prefix)
  return ip.value >> rest === base.value >> rest
}

function parseIp(text: string): { bits: 32 | 128; value: bigint } | undefined {
  if (/^\d+(\.\d+){3}$/.test(text)) {
    const octets = text.split('.').map(Number)
    if (octets.some((octet) => octet > 255)) return undefined
    return { bits: 32, value: octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n) }
  }
  // The URL parser writes every IPv6 address in one way.
  if (!text.includes(':') || !URL.canParse(`http://[${text}]/`)) return undefined
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::')
  const [front, back] = [head, tail ?? ''].map((part) => (part ? part.split(':') : []))
  const zeros = Array.from({ length: 8 - front!.length - back!.length }, () => '0')
  const groups = [...front!, ...zeros, ...back!]
  return {
    bits: 128,
    value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n),
  }
}
