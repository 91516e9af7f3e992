import { parseDuration } from '@groundswell/proto/duration.ts'
import type { Setting } from '@groundswell/proto/settings.ts'

/** What the agent is told of a Vault; both programs that speak its API are called so. */
export const vaultSettings: readonly Setting[] = [
  {
    key: 'vault',
    flag: 'vault',
    help: 'https:// address of a Vault or OpenBao that Secrets refer to, or off: references are left as they are',
  },
  { key: 'vaultRole', flag: 'vault-role', help: 'role of its Kubernetes auth method' },
  {
    key: 'vaultAuthPath',
    flag: 'vault-auth-path',
    help: 'where that method is mounted',
    fallback: 'kubernetes',
  },
  { key: 'vaultNamespace', flag: 'vault-namespace', help: 'namespace in it; none when left out' },
  { key: 'vaultCa', flag: 'vault-ca', help: "file of CA certificates, instead of the system's" },
  {
    key: 'vaultTokenFile',
    flag: 'vault-token-file',
    help: 'token of a ServiceAccount to log in with',
    fallback: '/var/run/secrets/kubernetes.io/serviceaccount/token',
  },
  {
    key: 'vaultPaths',
    flag: 'vault-paths',
    help: 'paths that Secrets may refer to, commas between; /* for all below, {namespace} for theirs',
  },
  {
    key: 'vaultInterval',
    flag: 'vault-interval',
    help: 'how often values are looked at again',
    fallback: '5m',
  },
]

export interface VaultPlace {
  readonly address: string
  readonly role: string
  readonly authPath: string
  readonly namespace: string | undefined
  readonly caFile: string | undefined
  readonly tokenFile: string
  readonly paths: readonly string[] | undefined
  /** Milliseconds. */
  readonly interval: number
}

/** Where a Vault is, `off`, or undefined: none. */
export type VaultChoice = VaultPlace | 'off' | undefined

const shortestMs = 1_000

/** Reads the settings of a Vault; what is wrong goes to `faults`. */
export function readVault(
  value: (key: string) => string | undefined,
  faults: string[],
): VaultChoice {
  const address = value('vault')
  if (address === undefined || address === 'off') return address
  if (!isSafeAddress(address)) {
    faults.push(`--vault: not an https:// address or off: ${address}`)
  }
  const role = value('vaultRole') ?? ''
  if (role === '') faults.push('--vault-role: missing; --vault needs a role to log in as')
  const authPath = (value('vaultAuthPath') ?? '').replaceAll(/^\/+|\/+$/g, '')
  if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(authPath)) {
    faults.push(`--vault-auth-path: not a path: ${authPath}`)
  }
  return {
    address,
    role,
    authPath,
    namespace: value('vaultNamespace'),
    caFile: value('vaultCa'),
    tokenFile: value('vaultTokenFile') ?? '',
    paths: value('vaultPaths')
      ?.split(',')
      .map((path) => path.trim())
      .filter((path) => path !== ''),
    interval: readInterval(value('vaultInterval') ?? '5m', faults),
  }
}

/** The agent's token goes there: in the clear only within this machine. */
function isSafeAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname, username, search, hash } = new URL(address)
  if (username !== '' || search !== '' || hash !== '') return false
  const isLocal = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLocal)
}

function readInterval(text: string, faults: string[]): number {
  try {
    const ms = parseDuration(text)
    if (ms >= shortestMs) return ms
    faults.push('--vault-interval: 1s at least')
  } catch (error) {
    faults.push(`--vault-interval: ${(error as Error).message}`)
  }
  return shortestMs
}
