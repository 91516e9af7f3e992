import type { Address } from './address.ts'

/** What a credential becomes for one Git command: in its environment, never in its arguments. */
export interface GitAccess {
  readonly config: readonly (readonly [string, string])[]
  readonly sshCommand: string
  /** Removes what was put down for the command. */
  readonly dispose: () => Promise<void>
}

// Hooks, filters, redirects, submodules, helpers and other people's configuration have no part in
// reading objects. Blobs an author may name as they like are checked as they arrive (fsck).
const hardening: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.symlinks', 'false'],
  ['core.fsmonitor', 'false'],
  ['credential.helper', ''],
  ['transfer.fsckObjects', 'true'],
  ['transfer.bundleURI', 'false'],
  // Old but harmless, and common in real histories.
  ['fetch.fsck.zeroPaddedFilemode', 'ignore'],
  ['fetch.fsck.badTimezone', 'ignore'],
  ['fetch.fsck.missingSpaceBeforeDate', 'ignore'],
  ['http.followRedirects', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['protocol.version', '2'],
  // Old revisions stay readable for rollbacks, whatever the server forgets.
  ['gc.pruneExpire', 'never'],
  ['gc.autoDetach', 'false'],
]

/** Access that opens nothing: for commands that stay in the mirror. */
export const localAccess: GitAccess = { config: [], sshCommand: 'false', dispose: async () => {} }

/**
 * The whole environment of a Git process; nothing is inherited.
 *
 * @param path where Git and ssh are looked for
 */
export function buildGitEnvironment(
  directory: string,
  path: string,
  access: GitAccess,
  protocols: readonly Address['protocol'][],
): Record<string, string> {
  const config = [...hardening, ...access.config]
  return {
    PATH: path,
    HOME: directory,
    LC_ALL: 'C',
    GIT_DIR: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TEMPLATE_DIR: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'false',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_SSH_COMMAND: access.sshCommand,
    GIT_SSH_VARIANT: 'ssh',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
}

/** The remote for one fetch; blobs come when a tree is read, if the server can leave them out. */
export function remoteConfig(url: string): [string, string][] {
  return [
    ['remote.origin.url', url],
    ['remote.origin.promisor', 'true'],
    ['remote.origin.partialCloneFilter', 'blob:none'],
  ]
}

/** The addresses a host was judged by, so that Git connects to no others. */
export function pinAddresses(
  { protocol, host, url }: Address,
  addresses: readonly string[],
): [string, string][] {
  if (protocol !== 'https' && protocol !== 'http') return []
  const port = new URL(url).port || (protocol === 'https' ? '443' : '80')
  const name = host.includes(':') ? `[${host}]` : host
  const list = addresses.map((address) => (address.includes(':') ? `[${address}]` : address))
  return [['http.curloptResolve', `${name}:${port}:${list.join(',')}`]]
}

/** ssh with one key and one list of hosts, and nothing of this account's own configuration. */
export function buildSshCommand(keyFile: string, knownHostsFile: string): string {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${sshQuote(knownHostsFile)}`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'ProxyCommand=none',
    'PermitLocalCommand=no',
    'ForwardAgent=no',
    'ConnectTimeout=15',
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
  ]
  return ['ssh', '-F', '/dev/null', '-i', keyFile, ...options.flatMap((option) => ['-o', option])]
    .map(shellQuote)
    .join(' ')
}

/** ssh splits this option's value at white space, and knows % and ~. */
function sshQuote(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
