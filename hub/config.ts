import { formatDuration, parseDuration } from '@groundswell/proto/duration.ts'
import {
  type Setting,
  type Settings,
  type SettingsInput,
  readSettings,
} from '@groundswell/proto/settings.ts'
import { HubError } from './errors.ts'
import { type Role, listForeignSettings, roles } from './role.ts'
import { isHostPattern } from './source/host-rules.ts'
import { shortestAuthorityLife } from './sync/ca/plan.ts'
import { type KeyExchange, keyExchanges } from './sync/tls/key-exchange.ts'

export const environmentPrefix = 'GROUNDSWELL_HUB_'

export const settingsTable: readonly Setting[] = [
  { key: 'config', flag: 'config', help: 'YAML file with any of these settings' },
  {
    key: 'role',
    flag: 'role',
    help: 'all, or one of api, renderer and signer, each a process of its own',
    fallback: 'all',
  },
  {
    key: 'sockets',
    flag: 'sockets',
    help: 'directory of the sockets that roles reach each other by',
  },
  { key: 'fleet', flag: 'fleet', help: 'URL of the fleet repository (https, http or ssh)' },
  { key: 'branch', flag: 'branch', help: 'branch of it to follow', fallback: 'main' },
  {
    key: 'path',
    flag: 'path',
    help: 'directory in it that holds the configuration',
    fallback: '.',
  },
  { key: 'interval', flag: 'interval', help: 'how often to look for commits', fallback: '30s' },
  { key: 'name', flag: 'name', help: 'name of this fleet, in identities', fallback: 'groundswell' },
  { key: 'data', flag: 'data', help: 'directory for keys, ledger, mirrors and a local Redis' },
  {
    key: 'redis',
    flag: 'redis',
    help: 'URL of a Redis, or REDIS_URL; a local one is started when left out',
  },
  {
    key: 'replica',
    flag: 'replica',
    help: 'name of this hub among several that share a Redis, of which one leads',
  },
  {
    key: 'lease',
    flag: 'lease',
    help: 'how long a replica leads without being heard of',
    fallback: '5s',
  },
  {
    key: 'shared',
    flag: 'shared',
    help: 'directory of CA, keys and admin token, the same for all replicas; --data when left out',
  },
  {
    key: 'peerHost',
    flag: 'peer-host',
    help: 'host that other replicas reach this one by; the listen address when left out',
  },
  {
    key: 'peerPort',
    flag: 'peer-port',
    help: 'port where a replica that leads takes in what came to others',
    fallback: '8445',
  },
  { key: 'host', flag: 'host', help: 'address to listen on', fallback: '127.0.0.1' },
  { key: 'apiPort', flag: 'api-port', help: 'port of the REST API; 0 picks one', fallback: '8080' },
  { key: 'enrolPort', flag: 'enrol-port', help: 'port where agents join', fallback: '8443' },
  { key: 'dataPort', flag: 'data-port', help: 'port of the agents’ streams', fallback: '8444' },
  {
    key: 'certificateLife',
    flag: 'certificate-life',
    help: "how long an agent's certificate holds; it renews at half of that",
    fallback: '24h',
  },
  {
    key: 'authorityLife',
    flag: 'ca-life',
    help: 'how long a certificate authority of the hub holds; the next one is made at 70 % of that',
    fallback: '87600h',
  },
  {
    key: 'enrolRate',
    flag: 'enrol-rate',
    help: 'calls a second that the enrol listener answers; half of it for one address',
    fallback: '20',
  },
  {
    key: 'connectionAge',
    flag: 'connection-age',
    help: 'how long a stream lasts before its agent is sent to any hub; 0s is for ever',
    fallback: '1h',
  },
  {
    key: 'handshakes',
    flag: 'handshakes',
    help: 'TLS handshakes at a time on each listener, twice as many a second; half for one address',
    fallback: '1000',
  },
  {
    key: 'keyExchange',
    flag: 'key-exchange',
    help: "of agents' streams: classic, or hybrid, which holds against quantum computers; 1 KB more",
    fallback: 'classic',
  },
  {
    key: 'advertise',
    flag: 'advertise',
    help: 'host agents reach the hub by, or several with commas between; the listen address when left out',
  },
  { key: 'credentials', flag: 'credentials', help: 'YAML file: credential name → files' },
  {
    key: 'kubeconfig',
    flag: 'kubeconfig',
    help: 'of the cluster whose Secrets hold credentials; the service account when left out',
  },
  {
    key: 'signers',
    flag: 'signers',
    help: 'YAML file: name of signers → files with public keys of those whose signatures count',
  },
  {
    key: 'fleetSigners',
    flag: 'fleet-signers',
    help: 'name of the signers without whom no commit of the fleet repository is taken',
  },
  {
    key: 'tokens',
    flag: 'tokens',
    help: 'YAML file: name of a caller → {role: viewer|operator|admin, token}',
  },
  {
    key: 'webhookSecretFile',
    flag: 'webhook-secret-file',
    help: 'file with the secret of POST /api/v1/webhooks/NAME, or an old and a new one, a line each',
  },
  {
    key: 'webhookSecrets',
    flag: 'webhook-secrets',
    help: 'directory of such files, by name of the Repository; they go before the one file',
  },
  {
    key: 'sourceHosts',
    flag: 'source-hosts',
    help: 'hosts Repositories may have, with commas: git.corp,*.example.com; any public one when left out',
  },
  {
    key: 'signerPolicy',
    flag: 'signer-policy',
    help: 'YAML file: repositories, kinds, groups, clusters, history and removals the signer allows',
  },
  { key: 'ledgerRemote', flag: 'ledger-remote', help: 'Git URL the ledger is pushed to' },
  {
    key: 'forges',
    flag: 'forges',
    help: 'YAML file: repository → Git host that shows what became of each commit',
  },
  { key: 'engine', flag: 'engine', help: 'render engine binary' },
  { key: 'workers', flag: 'workers', help: 'render workers', fallback: '2' },
  {
    key: 'offlineGrace',
    flag: 'offline-grace',
    help: 'how long a cluster may be away before it is unreachable',
    fallback: '30s',
  },
  { key: 'logLevel', flag: 'log-level', help: 'debug, info, warn or error', fallback: 'info' },
  {
    key: 'allowFile',
    flag: 'allow-file-urls',
    help: 'allow file:// repositories; for trying things out',
    boolean: true,
  },
  { key: 'help', flag: 'help', help: 'print this', boolean: true },
]

export interface HubConfig {
  readonly role: Role
  /** Empty when all is one process. */
  readonly sockets: string
  readonly fleetUrl: string
  readonly branch: string
  readonly path: string
  readonly intervalMs: number
  readonly fleetName: string
  readonly data: string
  readonly redisUrl: string | undefined
  /** Of one hub among several; undefined for one that is alone. */
  readonly replica: string | undefined
  readonly leaseMs: number
  readonly peerHost: string
  readonly peerPort: number
  /** Where CA, keys and admin token are. */
  readonly shared: string
  readonly host: string
  readonly apiPort: number
  readonly enrolPort: number
  readonly dataPort: number
  /** One host, or several with commas between. */
  readonly advertise: string
  readonly certificateLifeMs: number
  readonly authorityLifeMs: number
  readonly enrolRate: number
  /** 0 is for ever. */
  readonly connectionAgeMs: number
  readonly handshakes: number
  readonly keyExchange: KeyExchange
  readonly credentialsFile: string | undefined
  readonly kubeconfig: string | undefined
  readonly signersFile: string | undefined
  readonly fleetSigners: string | undefined
  readonly tokensFile: string | undefined
  readonly webhookSecretFile: string | undefined
  readonly webhookSecrets: string | undefined
  readonly forges: string | undefined
  /** Empty for any host that is public. */
  readonly sourceHosts: readonly string[]
  readonly signerPolicyFile: string | undefined
  readonly ledgerRemote: string | undefined
  readonly engine: string | undefined
  readonly workers: number
  readonly offlineGraceMs: number
  readonly logLevel: string
  readonly allowFile: boolean
}

/** Git is never asked more often than this. */
const shortestIntervalMs = 100
const yearMs = 8_760 * 3_600_000
/** A timer of Node's takes no more than 2^31 ms; with a tenth to spread. */
const longestTimerMs = 500 * 3_600_000

/**
 * Flags, environment and file → the hub's configuration, every fault at once.
 *
 * @throws SettingsError, HubError `config_invalid`
 */
export function parseConfig(input: SettingsInput, stateHome: string): HubConfig {
  const settings = readSettings(settingsTable, input)
  const faults: string[] = []
  const text = (key: string): string | undefined => settings.get(key)?.value
  const host = text('host')!
  const role = roles.find((name) => name === text('role')) ?? 'all'
  const data = text('data') ?? `${stateHome}/groundswell/${directoryOf(role)}`
  const config: HubConfig = {
    role,
    sockets: text('sockets') ?? '',
    fleetUrl: text('fleet') ?? '',
    branch: text('branch')!,
    path: text('path')!,
    intervalMs: readDuration(settings, 'interval', faults),
    fleetName: text('name')!,
    data,
    replica: role === 'all' ? text('replica') : undefined,
    leaseMs: readDuration(settings, 'lease', faults),
    shared: (role === 'all' ? text('shared') : undefined) ?? data,
    peerHost: text('peerHost') ?? host,
    peerPort: readPort(settings, 'peerPort', faults),
    redisUrl: text('redis') ?? input.env['REDIS_URL'],
    host,
    apiPort: readPort(settings, 'apiPort', faults),
    enrolPort: readPort(settings, 'enrolPort', faults),
    dataPort: readPort(settings, 'dataPort', faults),
    advertise: text('advertise') ?? (host === '0.0.0.0' || host === '::' ? 'localhost' : host),
    certificateLifeMs: readDuration(settings, 'certificateLife', faults),
    authorityLifeMs: readDuration(settings, 'authorityLife', faults),
    enrolRate: Number(text('enrolRate')),
    connectionAgeMs: readDuration(settings, 'connectionAge', faults),
    handshakes: Number(text('handshakes')),
    keyExchange: keyExchanges.find((name) => name === text('keyExchange')) ?? 'classic',
    credentialsFile: text('credentials'),
    kubeconfig: text('kubeconfig'),
    signersFile: text('signers'),
    fleetSigners: text('fleetSigners'),
    tokensFile: text('tokens'),
    webhookSecretFile: text('webhookSecretFile'),
    webhookSecrets: text('webhookSecrets'),
    forges: text('forges'),
    sourceHosts: (text('sourceHosts') ?? '').split(',').flatMap((host) => host.trim() || []),
    signerPolicyFile: text('signerPolicy'),
    ledgerRemote: text('ledgerRemote'),
    engine: text('engine'),
    workers: Number(text('workers')),
    offlineGraceMs: readDuration(settings, 'offlineGrace', faults),
    logLevel: text('logLevel')!,
    allowFile: text('allowFile') === 'true',
  }
  if (
    !faults.some((fault) => fault.startsWith('interval')) &&
    config.intervalMs < shortestIntervalMs
  ) {
    faults.push(`--interval: at least 100ms: ${text('interval')}`)
  }
  const { certificateLifeMs } = config
  if (certificateLifeMs > 0 && !(certificateLifeMs >= 2_000 && certificateLifeMs <= yearMs)) {
    faults.push(`--certificate-life: from 2s to 8760h: ${text('certificateLife')}`)
  }
  const shortest = shortestAuthorityLife(certificateLifeMs)
  if (config.authorityLifeMs > 0 && config.authorityLifeMs < shortest) {
    faults.push(
      `--ca-life: at least 20 lives of an agent's certificate, ${formatDuration(shortest)}: ${text('authorityLife')}`,
    )
  }
  if (!(config.enrolRate >= 1 && config.enrolRate <= 100_000)) {
    faults.push(`--enrol-rate: not a number from 1 to 100000: ${text('enrolRate')}`)
  }
  faults.push(...listForeignSettings(role, settingsTable, settings).faults)
  if (role !== text('role')) faults.push(`--role: one of ${roles.join(', ')}: ${text('role')}`)
  if (role !== 'all' && !config.sockets) faults.push(`--sockets: --role ${role} needs a directory`)
  if (role === 'renderer' && config.redisUrl === undefined) {
    faults.push('--redis: the renderer needs the URL of the Redis that the api has')
  }
  if (config.replica !== undefined) faults.push(...listReplicaFaults(config))
  if (!config.fleetUrl && (role === 'all' || role === 'renderer'))
    faults.push('--fleet: give the URL of the fleet repository')
  if (config.connectionAgeMs > longestTimerMs) {
    faults.push(`--connection-age: at most 500h: ${text('connectionAge')}`)
  }
  if (!(config.handshakes >= 2 && config.handshakes <= 100_000)) {
    faults.push(`--handshakes: not a number from 2 to 100000: ${text('handshakes')}`)
  }
  if (config.keyExchange !== text('keyExchange')) {
    faults.push(`--key-exchange: one of ${keyExchanges.join(', ')}: ${text('keyExchange')}`)
  }
  if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(config.fleetName)) {
    faults.push(`--name: not a DNS name: ${config.fleetName}`)
  }
  if (!Number.isInteger(config.workers) || config.workers < 1 || config.workers > 64) {
    faults.push(`--workers: not a number from 1 to 64: ${text('workers')}`)
  }
  if (config.fleetSigners !== undefined && config.signersFile === undefined) {
    faults.push('--fleet-signers: --signers says who they are')
  }
  for (const host of config.sourceHosts) {
    if (!isHostPattern(host)) faults.push(`--source-hosts: not a host or *.domain: ${host}`)
  }
  if (!['debug', 'info', 'warn', 'error'].includes(config.logLevel)) {
    faults.push(`--log-level: not debug, info, warn or error: ${config.logLevel}`)
  }
  if (faults.length > 0) {
    throw new HubError('config_invalid', faults.join('\n'), {
      faults: faults.map((message) => ({ message })),
    })
  }
  return config
}

function listReplicaFaults(config: HubConfig): string[] {
  const { replica, redisUrl, leaseMs, ledgerRemote } = config
  const faults: string[] = []
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(replica ?? '')) {
    faults.push(`--replica: not a DNS label: ${replica}`)
  }
  if (redisUrl === undefined) faults.push('--redis: replicas need the URL of the one they share')
  // Each keeps a Git history of its own, and one branch takes only one of them.
  if (ledgerRemote !== undefined) faults.push('--ledger-remote: not for replicas yet')
  if (['0.0.0.0', '::'].includes(config.peerHost)) {
    faults.push(
      '--peer-host: a replica that listens on every address needs the one others reach it by',
    )
  }
  if (config.peerPort === 0) faults.push('--peer-port: others have to know it; not 0')
  if (leaseMs < 1_000 || leaseMs > 60_000) faults.push(`--lease: from 1s to 60s: ${leaseMs}ms`)
  return faults
}

function directoryOf(role: Role): string {
  return role === 'all' || role === 'api' ? 'hub' : role
}

function readDuration(settings: Settings, key: string, faults: string[]): number {
  try {
    return parseDuration(settings.get(key)!.value)
  } catch (error) {
    faults.push(`${key}: ${(error as Error).message}`)
    return 0
  }
}

function readPort(settings: Settings, key: string, faults: string[]): number {
  const text = settings.get(key)!.value
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  faults.push(`${key}: not a port: ${text}`)
  return 0
}
