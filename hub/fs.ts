import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type DirectoryLock, lockDirectory as claimDirectory } from '@groundswell/proto/fs.ts'
import { type Settings, findConfigFile, readSettings } from '@groundswell/proto/settings.ts'
import { parse } from 'yaml'
import { type HubConfig, parseConfig } from './config.ts'
import { environmentPrefix, settingsTable } from './settings-table.ts'
import { type IssuerSetting, parseIssuer } from './access/issuer-setting.ts'
import { roles } from './access/principal.ts'
import type { TokenGrant } from './api/token.ts'
import { type AlertCredentials, parseAlertCredentials } from './alert/credential.ts'
import { HubError } from './errors.ts'
import type { FleetFacts } from './fleet/resolve/cluster-facts.ts'
import { parseFacts } from './fleet/resolve/facts-wire.ts'
import { type AllSigners, parseSigners } from './source/signature/signers.ts'
import { type GateCredentials, parseGateCredentials } from './rollout/measure/credential.ts'
import { type ForgeSetting, parseForges } from './forge/configuration.ts'
import { parseLedgerRemote } from './ledger/address.ts'
import { parseLedgerCredential } from './ledger/credential.ts'
import { type Credential, type Credentials, parseCredentials } from './source/credential.ts'

const mostSecrets = 4
/** Bytes free below which people should look: some hours of a busy ledger and a large fetch. */
const lowDisk = 64 * 1024 * 1024

/**
 * Reads the configuration file that flags or environment name, if any, and puts all together.
 * Undefined when help was asked for.
 *
 * @throws SettingsError, HubError `config_invalid`
 */
export function readConfig(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  home: string,
): { readonly config: HubConfig; readonly settings: Settings } | undefined {
  const path = findConfigFile({ argv, env, prefix: environmentPrefix })
  const input = { argv, env, prefix: environmentPrefix, file: path ? readYaml(path) : {} }
  const settings = readSettings(settingsTable, input)
  if (settings.get('help')) return undefined
  return { config: parseConfig(input, env['XDG_STATE_HOME'] ?? `${home}/.local/state`), settings }
}

/**
 * @param fleetHost of the fleet repository's URL
 * @throws HubError `config_invalid` with every fault
 */
export function readCredentials(path: string | undefined, fleetHost: string): Credentials {
  return path ? parseCredentials(readYaml(path), path, fleetHost) : {}
}

/**
 * @param remote URL that the ledger is pushed to
 * @throws HubError `config_invalid` with every fault
 */
export function readLedgerCredential(
  path: string | undefined,
  remote: string,
): Credential | undefined {
  return path ? parseLedgerCredential(readYaml(path), path, parseLedgerRemote(remote)) : undefined
}

/** @throws HubError `config_invalid` with every fault */
export function readSigners(path: string | undefined): AllSigners {
  return path ? parseSigners(readYaml(path), path) : {}
}

/**
 * The secrets a webhook of this repository may be signed with: of its own file in `directory`, else
 * of `file`. A line each, so that an old and a new one are good while one takes over.
 */
export function readWebhookSecrets(
  name: string,
  {
    file,
    directory,
  }: { readonly file: string | undefined; readonly directory: string | undefined },
): string[] {
  const own = directory && join(directory, name)
  const path = own && existsSync(own) ? own : file
  if (!path) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, mostSecrets)
}

/** Whether little is left where the directory is; false where nobody can tell. */
export async function isDiskLow(directory: string): Promise<boolean> {
  const found = await statfs(directory).catch(() => undefined)
  return found !== undefined && found.blocks > 0 && found.bavail * found.bsize < lowDisk
}

/** @throws HubError `config_invalid` with every fault */
export function readGateCredentials(path: string | undefined): GateCredentials {
  return path ? parseGateCredentials(readYaml(path), path) : new Map()
}

/**
 * What `swell get facts` told.
 *
 * @throws HubError `config_invalid` saying what is wrong with it
 */
export function readFacts(path: string | undefined): FleetFacts {
  if (path === undefined) return new Map()
  try {
    return parseFacts(readYaml(path))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const message = `${path}: ${cause.message}; \`swell get facts\` makes such a file`
    throw new HubError('config_invalid', message, { cause })
  }
}

/** @throws HubError `config_invalid` with every fault */
export function readAlertCredentials(path: string | undefined): AlertCredentials {
  return path ? parseAlertCredentials(readYaml(path), path) : new Map()
}

/** @throws HubError `config_invalid` with every fault */
export function readForges(path: string | undefined): ReadonlyMap<string, ForgeSetting> {
  return path ? parseForges(readYaml(path), path) : new Map()
}

/**
 * Callers of the API beside the administrator of this machine.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function readTokens(path: string | undefined): TokenGrant[] {
  if (!path) return []
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new HubError('config_invalid', `${path}: readable by others; chmod 600 it`)
  }
  const faults: string[] = []
  const grants = Object.entries(readYaml(path)).flatMap(([actor, value]) => {
    const { role, token } = (value ?? {}) as { role?: unknown; token?: unknown }
    const known = roles.find((name) => name === role)
    if (!known) faults.push(`${path}: ${actor}: role is one of ${roles.join(', ')}`)
    if (typeof token !== 'string' || !/^[A-Za-z0-9._~+/=-]{16,512}$/.test(token)) {
      faults.push(`${path}: ${actor}: token has 16 to 512 letters, digits or ._~+/=-`)
      return []
    }
    return known ? [{ actor, role: known, token }] : []
  })
  if (faults.length > 0) throw new HubError('config_invalid', faults.join('\n'))
  return grants
}

/** @throws HubError `config_invalid` with every fault */
export function readIssuer(
  path: string | undefined,
): { setting: IssuerSetting; clientSecret?: string; ca?: string } | undefined {
  if (!path) return undefined
  const setting = parseIssuer(readYaml(path), path)
  const read = (file: string | undefined): string | undefined => {
    try {
      return file === undefined ? undefined : readFileSync(file, 'utf8').trim()
    } catch (cause) {
      throw new HubError('config_invalid', `${path}: ${(cause as Error).message}`, { cause })
    }
  }
  const [clientSecret, ca] = [read(setting.clientSecretFile), read(setting.caFile)]
  return {
    setting,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(ca !== undefined && { ca }),
  }
}

function readYaml(path: string): Record<string, unknown> {
  try {
    const value: unknown = parse(readFileSync(path, 'utf8')) ?? {}
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch (cause) {
    throw new HubError('config_invalid', `${path}: ${(cause as Error).message}`, { cause })
  }
  throw new HubError('config_invalid', `${path}: not a map of settings`)
}

/**
 * A role beside the signer has no business with signing keys: where they are, it must not run.
 *
 * @throws HubError `config_invalid` naming the directory
 */
export function refuseSigningKeys(data: string): void {
  const keys = join(data, 'keys')
  let names: string[] = []
  try {
    names = readdirSync(keys)
  } catch (error) {
    // One that cannot be read is as good as none.
    if (!['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code!)) throw error
  }
  if (!names.some((name) => name.endsWith('.jwk'))) return
  throw new HubError(
    'config_invalid',
    `${keys} holds signing keys; move it, and signer/ beside it, to the data directory of --role signer`,
  )
}

/**
 * A hub that stood alone and becomes one of several must bring what agents believe: in an empty
 * directory it would begin with an authority and keys that none of them knows.
 *
 * @throws HubError `config_invalid` naming both directories
 */
export function refuseNewAuthority(data: string, shared: string): void {
  if (data === shared || existsSync(join(shared, 'ca')) || !existsSync(join(data, 'ca'))) return
  throw new HubError(
    'config_invalid',
    `${shared} has no certificate authority and ${data} has: move ca, keys and admin-token from there to it, or no agent will believe this hub`,
  )
}

/**
 * Claims a data directory for this process, so that two hubs never share keys, ledger and Redis.
 * The claim of a process that is gone, however it went, is taken over. Returns what gives it up.
 *
 * @throws HubError `config_invalid` naming the process that has it
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  let lock: DirectoryLock
  try {
    lock = await claimDirectory(directory)
  } catch (cause) {
    const why = (cause as Error).message
    throw new HubError('config_invalid', `${directory} cannot be written: ${why}`, { cause })
  }
  if (lock.held) return lock.release
  throw new HubError(
    'config_invalid',
    `another hub (process ${lock.owner}) uses ${directory}; give this one its own --data`,
  )
}
