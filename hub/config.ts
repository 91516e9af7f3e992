import { formatDuration, parseDuration } from '@groundswell/proto/duration.ts'
import { type Settings, type SettingsInput, readSettings } from '@groundswell/proto/settings.ts'
import { HubError } from './errors.ts'
import { readRedisUrl } from './redis-url.ts'
import { type Role, listForeignSettings, roles } from './role.ts'
import { listLedgerRemoteFaults } from './ledger/address.ts'
import { isHostPattern } from './source/host-rules.ts'
import { shortestAuthorityLife } from './sync/ca/plan.ts'
import { settingsTable } from './settings-table.ts'
import { type KeyExchange, keyExchanges } from './sync/tls/key-exchange.ts'

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
  /** Collector of traces. */
  readonly otlp: string | undefined
  /** Of probes and metrics of a role that has no REST API. */
  readonly metricsPort: number | undefined
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
  readonly oidcFile: string | undefined
  readonly webhookSecretFile: string | undefined
  readonly webhookSecrets: string | undefined
  readonly forges: string | undefined
  /** Empty for any host that is public. */
  readonly sourceHosts: readonly string[]
  readonly gateCredentialsFile: string | undefined
  /** What notification providers show to whom they tell. */
  readonly alertCredentialsFile: string | undefined
  /** Hosts they may have; empty for any public one. */
  readonly alertHosts: readonly string[]
  /** Empty for every host whose addresses are public. */
  readonly gateHosts: readonly string[]
  readonly signerPolicyFile: string | undefined
  readonly ledgerRemote: string | undefined
  /** What is shown to it, in a YAML file. */
  readonly ledgerCredentialFile: string | undefined
  /** File of an SSH private key that signs the ledger's commits. */
  readonly ledgerSigningKey: string | undefined
  readonly engine: string | undefined
  readonly workers: number
  readonly offlineGraceMs: number
  readonly removalGraceMs: number
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
    replica: isServing(role) ? text('replica') : undefined,
    leaseMs: readDuration(settings, 'lease', faults),
    shared: (isServing(role) ? text('shared') : undefined) ?? data,
    peerHost: text('peerHost') ?? host,
    peerPort: readPort(settings, 'peerPort', faults),
    redisUrl: readRedisUrl(
      text('redis') ?? input.env['REDIS_URL'],
      input.env['REDIS_PASSWORD'],
      faults,
    ),
    host,
    apiPort: readPort(settings, 'apiPort', faults),
    otlp: text('otlp'),
    metricsPort: text('metricsPort') ? readPort(settings, 'metricsPort', faults) : undefined,
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
    oidcFile: text('oidc'),
    webhookSecretFile: text('webhookSecretFile'),
    webhookSecrets: text('webhookSecrets'),
    forges: text('forges'),
    sourceHosts: splitList(text('sourceHosts')),
    gateCredentialsFile: text('gateCredentials'),
    gateHosts: splitList(text('gateHosts')),
    alertCredentialsFile: text('alertCredentials'),
    alertHosts: splitList(text('alertHosts')),
    signerPolicyFile: text('signerPolicy'),
    ledgerRemote: text('ledgerRemote'),
    ledgerCredentialFile: text('ledgerCredential'),
    ledgerSigningKey: text('ledgerSigningKey'),
    engine: text('engine'),
    workers: Number(text('workers')),
    offlineGraceMs: readDuration(settings, 'offlineGrace', faults),
    removalGraceMs: readDuration(settings, 'removalGrace', faults),
    logLevel: text('logLevel')!,
    allowFile: text('allowFile') === 'true',
  }
  if (
    !faults.some((fault) => fault.startsWith('interval')) &&
    config.intervalMs < shortestIntervalMs
  ) {
    faults.push(`--interval: at least 100ms: ${text('interval')}`)
  }
  if (config.otlp !== undefined && !/^https?:$/.test(URL.parse(config.otlp)?.protocol ?? '')) {
    faults.push(`--otlp: not a URL of http or https: ${config.otlp}`)
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
  faults.push(...listLedgerRemoteFaults(config))
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
  for (const host of config.gateHosts) {
    if (!isHostPattern(host)) faults.push(`--gate-hosts: not a host or *.domain: ${host}`)
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
  const { replica, redisUrl, leaseMs } = config
  const faults: string[] = []
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(replica ?? '')) {
    faults.push(`--replica: not a DNS label: ${replica}`)
  }
  if (redisUrl === undefined) faults.push('--redis: replicas need the URL of the one they share')
  if (['0.0.0.0', '::'].includes(config.peerHost)) {
    faults.push(
      '--peer-host: a replica that listens on every address needs the one others reach it by',
    )
  }
  if (config.peerPort === 0) faults.push('--peer-port: others have to know it; not 0')
  if (leaseMs < 1_000 || leaseMs > 60_000) faults.push(`--lease: from 1s to 60s: ${leaseMs}ms`)
  return faults
}

function splitList(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((part) => part.trim() || [])
}

/** Whether it is a whole hub, or the front end of one: what agents and people reach. */
function isServing(role: Role): boolean {
  return role === 'all' || role === 'api'
}

function directoryOf(role: Role): string {
  return isServing(role) ? 'hub' : role
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
