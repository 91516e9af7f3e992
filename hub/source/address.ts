import { HubError } from '../errors.ts'

/** A repository URL that passed every rule; the text is safe as one configuration value. */
export interface Address {
  readonly protocol: 'https' | 'http' | 'ssh' | 'file'
  /** Lower case, without brackets; empty for `file`. */
  readonly host: string
  /** As Git will be given it. */
  readonly url: string
}

export interface AddressOptions {
  /** `file://` URLs too. */
  readonly allowFile?: boolean
  /** What to do with a password instead of putting it into the URL, in messages. */
  readonly passwordGoes?: string
}

const host = String.raw`(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])`
const webPattern = new RegExp(`^(?<protocol>https?)://${host}(?::[0-9]{1,5})?/(?<path>.+)$`)
const sshPattern = new RegExp(
  `^ssh://(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?${host}(?::[0-9]{1,5})?/(?<path>.+)$`,
)
const scpPattern = new RegExp(`^[A-Za-z0-9_][A-Za-z0-9._-]*@${host}:(?<path>[^/-].*|/.+)$`)
// Conservative on purpose: what a shell or Git itself gives a meaning to is not in it.
const pathPattern = /^[A-Za-z0-9._~/%+@=, -]+$/

/**
 * The only repository URLs that reach Git: `https://`, `http://`, `ssh://user@host/path` and
 * `user@host:path`. Remote helpers (`ext::`, `fd::`), options, local paths, control characters,
 * and passwords in the URL are refused (bad input B13–B21).
 *
 * @throws HubError `source_refused` saying what to write instead
 */
export function parseAddress(url: string, options: AddressOptions = {}): Address {
  const refuse = (why: string): never => {
    throw new HubError('source_refused', `repository URL refused: ${why}`)
  }
  if (url.length > 2048) refuse('longer than 2048 characters')
  if (/\p{Cc}/u.test(url) || /%(?:[01][0-9a-f]|7f)/i.test(url)) refuse('it has control characters')
  if (url.startsWith('-')) refuse('it starts with a dash')
  if (/^[a-z0-9+.-]+::/i.test(url)) refuse('remote helpers such as ext:: are not allowed')
  const userinfo = /^([a-z]+):\/\/([^/?#]*)@/i.exec(url)
  if (userinfo && (!/^ssh$/i.test(userinfo[1]!) || userinfo[2]!.includes(':'))) {
    const { passwordGoes = 'name a `credential` instead' } = options
    refuse(`it holds a user name or password; ${passwordGoes}`)
  }
  if (options.allowFile && /^file:\/\/\/[A-Za-z0-9._/-]+$/.test(url)) {
    return { protocol: 'file', host: '', url }
  }
  if (/[?#]/.test(url)) refuse('it has a query or fragment')
  for (const pattern of [webPattern, sshPattern, scpPattern]) {
    const groups = pattern.exec(url)?.groups
    if (!groups) continue
    const path = groups['path']!
    if (!pathPattern.test(path))
      refuse('its path has characters other than letters, digits and ._~/%+@=,-')
    if (path.split('/').some((part) => part.startsWith('-') || part === '..')) {
      refuse('a part of its path starts with a dash or is ..')
    }
    const protocol = (groups['protocol'] ?? 'ssh') as Address['protocol']
    return { protocol, host: groups['host']!.toLowerCase().replace(/^\[|\]$/g, ''), url }
  }
  if (/^file:\/\/\//i.test(url) && !options.allowFile) {
    refuse(
      'file:// is for trying things out: write https://host/path, or start the hub with --allow-file-urls',
    )
  }
  return refuse('write https://host/path, ssh://user@host/path or user@host:path')
}

/** The host of a URL; empty when it is no repository's, or has none. */
export function hostOf(url: string, allowFile: boolean): string {
  try {
    return parseAddress(url, { allowFile }).host
  } catch (error) {
    if (error instanceof HubError) return ''
    throw error
  }
}

/** Whether packets to this host stay on this machine, so that a password in clear is no leak. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
