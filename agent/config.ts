import { type Setting, type SettingsInput, readSettings } from '@groundswell/proto/settings.ts'
import { AgentError } from './errors.ts'
import { listAddresses } from './link/addresses.ts'
import { readVault, type VaultChoice, vaultSettings } from './secrets/vault-settings.ts'

export const environmentPrefix = 'GROUNDSWELL_AGENT_'

export const settingsTable: readonly Setting[] = [
  { key: 'config', flag: 'config', help: 'YAML file with any of these settings' },
  {
    key: 'hub',
    flag: 'hub',
    help: "address of the hub's enrol listener, host:port, or several with commas between; to join",
  },
  { key: 'token', flag: 'token', help: 'join token, used once', secret: true },
  { key: 'tokenFile', flag: 'token-file', help: 'file that holds the join token' },
  {
    key: 'cluster',
    flag: 'cluster',
    help: 'name that the hub must know this cluster by as it joins; any when left out',
  },
  { key: 'data', flag: 'data', help: 'directory for identity, trust state and content' },
  {
    key: 'identitySecret',
    flag: 'identity-secret',
    help: 'Secret to keep the identity in, namespace/name, or off; inside a cluster its own namespace',
  },
  {
    key: 'trustSecret',
    flag: 'trust-secret',
    help: 'Secret to keep trust state in, namespace/name, or off; inside a cluster its own namespace',
  },
  {
    key: 'contentSecret',
    flag: 'content-secret',
    help: 'Secrets to keep content in, namespace/name, or off; inside a cluster its own namespace',
  },
  {
    key: 'lease',
    flag: 'lease',
    help: 'Lease that says which agent runs, namespace/name, or off; inside a cluster its own namespace',
  },
  {
    key: 'sopsKeys',
    flag: 'sops-keys',
    help: 'keys for SOPS: a Secret namespace/name, a directory, or off; inside a cluster groundswell-agent-sops',
  },
  ...vaultSettings,
  {
    key: 'holdNamespace',
    flag: 'hold-namespace',
    help: 'namespace where a ConfigMap groundswell-hold has updates wait, or off; inside a cluster its own',
  },
  { key: 'kubeconfig', flag: 'kubeconfig', help: 'kubeconfig file, instead of the usual places' },
  { key: 'context', flag: 'context', help: 'kubeconfig context, instead of the current one' },
  { key: 'logLevel', flag: 'log-level', help: 'debug, info, warn or error', fallback: 'info' },
  {
    key: 'otlp',
    flag: 'otlp',
    help: 'URL of an OpenTelemetry collector (OTLP over HTTP) that gets traces; none when left out',
  },
  { key: 'healthPort', flag: 'health-port', help: 'port for /livez, /readyz; none when left out' },
  { key: 'help', flag: 'help', help: 'print this', boolean: true },
]

/** Undefined leaves it to where the agent runs. */
export type SecretChoice = { readonly namespace: string; readonly name: string } | 'off' | undefined

/** A Secret, a directory, `off`, or undefined: left to where the agent runs. */
export type KeysChoice = SecretChoice | { readonly directory: string }

export interface AgentConfig {
  readonly hub: string | undefined
  readonly token: string | undefined
  readonly tokenFile: string | undefined
  /** Name that it must be given as it joins. */
  readonly cluster: string | undefined
  readonly data: string
  readonly identitySecret: SecretChoice
  readonly trustSecret: SecretChoice
  /** Beginning of the names of several. */
  readonly contentSecret: SecretChoice
  readonly lease: SecretChoice
  readonly sopsKeys: KeysChoice
  readonly vault: VaultChoice
  /** A namespace, `off`, or undefined: left to where the agent runs. */
  readonly holdNamespace: string | undefined
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly healthPort: number | undefined
  /** Collector of traces. */
  readonly otlp: string | undefined
}

/**
 * Flags, environment and file → the agent's configuration, every fault at once. `stateHome` is
 * where per-user state goes on this machine.
 *
 * @throws SettingsError, AgentError `config_invalid`
 */
export function parseConfig(input: SettingsInput, stateHome: string): AgentConfig {
  const settings = readSettings(settingsTable, input)
  const value = (key: string): string | undefined => settings.get(key)?.value
  const faults: string[] = []
  const hub = value('hub')
  const wrong = listAddresses(hub ?? '').find((address) => !isAddress(address))
  if (hub !== undefined && (wrong !== undefined || listAddresses(hub).length === 0)) {
    faults.push(`--hub: not host:port: ${wrong ?? hub}`)
  }
  function secretOf(key: string, flag: string): SecretChoice {
    const text = value(key)
    const chosen = text === undefined ? undefined : readSecretName(text)
    if (chosen === null) faults.push(`${flag}: not namespace/name or off: ${text}`)
    return chosen ?? undefined
  }
  const identitySecret = secretOf('identitySecret', '--identity-secret')
  const trustSecret = secretOf('trustSecret', '--trust-secret')
  const contentSecret = secretOf('contentSecret', '--content-secret')
  const lease = secretOf('lease', '--lease')
  const keysPlace = value('sopsKeys') ?? ''
  const sopsKeys: KeysChoice = /^[./]/.test(keysPlace)
    ? { directory: keysPlace }
    : secretOf('sopsKeys', '--sops-keys')
  const vault = readVault(value, faults)
  const holdNamespace = value('holdNamespace')
  if (
    holdNamespace !== undefined &&
    !/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(holdNamespace)
  ) {
    faults.push(`--hold-namespace: not a namespace or off: ${holdNamespace}`)
  }
  const logLevel = value('logLevel')
  if (!isLogLevel(logLevel)) {
    faults.push(`--log-level: not debug, info, warn or error: ${logLevel}`)
  }
  const otlp = value('otlp')
  if (otlp !== undefined && !/^https?:$/.test(URL.parse(otlp)?.protocol ?? '')) {
    faults.push(`--otlp: not a URL of http or https: ${otlp}`)
  }
  const healthPort = value('healthPort')
  if (healthPort !== undefined && !isPort(healthPort)) {
    faults.push(`--health-port: not a port: ${healthPort}`)
  }
  if (faults.length > 0 || !isLogLevel(logLevel)) {
    throw new AgentError('config_invalid', faults.join('\n'))
  }
  const context = value('context')
  return {
    hub,
    token: value('token'),
    tokenFile: value('tokenFile'),
    cluster: value('cluster'),
    data: value('data') ?? `${stateHome}/groundswell/agent${context ? `-${slug(context)}` : ''}`,
    identitySecret,
    trustSecret,
    contentSecret,
    lease,
    sopsKeys,
    vault,
    holdNamespace,
    kubeconfig: value('kubeconfig'),
    context,
    logLevel,
    otlp,
    healthPort: healthPort === undefined ? undefined : Number(healthPort),
  }
}

function isAddress(text: string): boolean {
  const match = /^(?:\[[0-9a-f:]+\]|[^:\s/]+):(\d{1,5})$/i.exec(text)
  return match !== null && isPort(match[1]!)
}

/** Null when it is neither. */
function readSecretName(text: string): SecretChoice | null {
  if (text === 'off') return 'off'
  const match =
    /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/([a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)$/.exec(text)
  return match ? { namespace: match[1]!, name: match[2]! } : null
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
}

function isLogLevel(text: string | undefined): text is AgentConfig['logLevel'] {
  return text === 'debug' || text === 'info' || text === 'warn' || text === 'error'
}

function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100)
}
