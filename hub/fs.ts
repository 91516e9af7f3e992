import { readFileSync, statSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Settings, readSettings } from '@groundswell/proto/settings.ts'
import { parse } from 'yaml'
import { type HubConfig, environmentPrefix, parseConfig, settingsTable } from './config.ts'
import { roles } from './api/hub.ts'
import type { TokenGrant } from './api/token.ts'
import { HubError } from './errors.ts'
import type { Credentials } from './source/credential.ts'

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
  const at = argv.indexOf('--config')
  const path = at >= 0 ? argv[at + 1] : env[`${environmentPrefix}CONFIG`]
  const input = { argv, env, prefix: environmentPrefix, file: path ? readYaml(path) : {} }
  const settings = readSettings(settingsTable, input)
  if (settings.get('help')) return undefined
  return { config: parseConfig(input, env['XDG_STATE_HOME'] ?? `${home}/.local/state`), settings }
}

/** @throws HubError `config_invalid` */
export function readCredentials(path: string | undefined): Credentials {
  return path ? (readYaml(path) as Credentials) : {}
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
 * Claims a data directory for this process, so that two hubs never share keys, ledger and Redis.
 * The claim of a process that is gone, however it went, is taken over. Returns what gives it up.
 *
 * @throws HubError `config_invalid` naming the process that has it
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'lock')
  const mine = `${process.pid} ${await readStart(process.pid)}\n`
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (await claim(path, mine)) return () => rm(path, { force: true })
    const owner = await readFile(path, 'utf8').catch(() => '')
    const [pid = '', start = ''] = owner.trim().split(' ')
    if (pid && (await readStart(Number(pid))) === start && start !== '') {
      throw new HubError(
        'config_invalid',
        `another hub (process ${pid}) uses ${directory}; give this one its own --data`,
      )
    }
    // Moved away before it is removed: of two that see it stale, one takes it over.
    await rename(path, `${path}.${process.pid}`).catch(() => {})
    await rm(`${path}.${process.pid}`, { force: true })
  }
  throw new HubError('config_invalid', `${path} cannot be claimed; is another hub starting there?`)
}

async function claim(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(text)
    await file.close()
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw new HubError('config_invalid', `${path} cannot be written`, { cause })
  }
}

/** When a process started: tells it from a later one with the same number. Empty: it is gone. */
async function readStart(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  try {
    // Without /proc, being alive is all that can be known.
    process.kill(pid, 0)
    return 'alive'
  } catch {
    return ''
  }
}
