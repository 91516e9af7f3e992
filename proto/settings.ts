import { parseArgs } from 'node:util'

/** One setting of a process: its flag, its variable, its default, what it is for. */
export interface Setting {
  /** Word for people and for the configuration file: `dataDirectory`. */
  readonly key: string
  /** `--data`; the environment variable is derived from it. */
  readonly flag: string
  readonly help: string
  readonly fallback?: string
  /** Never printed, and refused as a flag's neighbour in logs. */
  readonly secret?: boolean
  readonly boolean?: boolean
  /** Of a URL that may have no password, wherever it is set: the flag of the file that names its files. */
  readonly credentialFlag?: string
}

export interface SettingValue {
  readonly value: string
  /** Where it came from, to say what is used: `flag`, `environment`, `file`, `default`. */
  readonly from: 'flag' | 'environment' | 'file' | 'default'
}

export interface SettingsInput {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Prefix of environment variables: `GROUNDSWELL_HUB_`. */
  readonly prefix: string
  /** Members of the configuration file, already parsed; empty when there is none. */
  readonly file: Readonly<Record<string, unknown>>
}

/** All settings that have a value, by key. A flag beats the environment, that the file, that the default. */
export type Settings = ReadonlyMap<string, SettingValue>

/** Every fault of the settings at once. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

/** `GROUNDSWELL_HUB_` + `--data` → `GROUNDSWELL_HUB_DATA`. */
export function variableOf(prefix: string, flag: string): string {
  return prefix + flag.toUpperCase().replaceAll('-', '_')
}

/** The configuration file that `--config FILE`, `--config=FILE` or the environment names, if any. */
export function findConfigFile({
  argv,
  env,
  prefix,
}: Omit<SettingsInput, 'file'>): string | undefined {
  const options = { config: { type: 'string' as const } }
  const { values } = parseArgs({ args: [...argv], options, strict: false })
  return typeof values.config === 'string' ? values.config : env[variableOf(prefix, 'config')]
}

/**
 * @throws SettingsError for unknown flags, variables and file members, for wrong types in the file, and
 *   for a password on the command line, where everyone on the machine can read it
 */
export function readSettings(table: readonly Setting[], input: SettingsInput): Settings {
  const faults: string[] = []
  const flags = readFlags(table, input.argv, faults)
  for (const key of Object.keys(input.file)) {
    if (!table.some((setting) => setting.key === key)) {
      faults.push(`configuration file: unknown setting "${key}"`)
    }
  }
  faults.push(...listUnknownVariables(table, input))
  const settings = new Map<string, SettingValue>()
  for (const setting of table) {
    const found = findValue(setting, flags, input, faults)
    if (found) settings.set(setting.key, found)
    if (found?.from === 'flag' && holdsPassword(found.value)) {
      const better = setting.credentialFlag
        ? `put it in a file, and name that in --${setting.credentialFlag}`
        : `give it as ${variableOf(input.prefix, setting.flag)}, or in the configuration file`
      faults.push(`--${setting.flag}: everyone on the machine can read a password there; ${better}`)
    }
  }
  if (faults.length > 0) throw new SettingsError(faults)
  return settings
}

/** One line a setting, for `--help`. */
export function describeSettings(table: readonly Setting[], prefix: string): string {
  return table
    .map(({ flag, help, fallback, boolean }) => {
      const name = `--${flag}${boolean ? '' : ' VALUE'}`
      const rest = fallback ? ` (default ${fallback})` : ''
      return `  ${name.padEnd(26)} ${help}${rest}\n${' '.repeat(29)}${variableOf(prefix, flag)}`
    })
    .join('\n')
}

/** What is in force and where it came from; secrets are not shown. */
export function explainSettings(
  table: readonly Setting[],
  settings: Settings,
): Record<string, string> {
  return Object.fromEntries(
    table.flatMap(({ key, secret }) => {
      const found = settings.get(key)
      if (!found) return []
      return [[key, `${secret ? '(set)' : hidePassword(found.value)} [${found.from}]`]]
    }),
  )
}

/** A URL may carry a password, rightly (Redis) or wrongly (Git): neither belongs in a log. */
function hidePassword(value: string): string {
  return value.replace(/\/\/[^/\s]*@/, '//(hidden)@')
}

function holdsPassword(value: string): boolean {
  return /\/\/[^/\s@]*:[^/\s@]+@/.test(value)
}

/** What Kubernetes sets for each Service, whatever it is called. */
const serviceLink = /(^|_)(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$/

/** A typing error in a variable would be a setting that is silently not there. */
function listUnknownVariables(table: readonly Setting[], { env, prefix }: SettingsInput): string[] {
  const known = new Set(table.map(({ flag }) => variableOf(prefix, flag)))
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.has(name))
    .filter((name) => !serviceLink.test(name.slice(prefix.length)))
    .sort()
    .map((name) => `unknown variable ${name}`)
}

type Flags = Readonly<Record<string, string | boolean | undefined>>

function readFlags(table: readonly Setting[], argv: readonly string[], faults: string[]): Flags {
  const options = Object.fromEntries(
    table.map(({ flag, boolean }) => [
      flag,
      { type: boolean ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  // Judged here, not by `strict`, which stops at the first fault and repeats what was given.
  const { tokens, values } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  let unknownAt = -2
  for (const token of tokens) {
    if (token.kind === 'option') {
      const fault = judgeFlag(table, token)
      if (fault) faults.push(fault)
      if (!options[token.name]) unknownAt = token.index
    } else if (token.kind === 'positional' && token.index !== unknownAt + 1) {
      faults.push(`argument ${token.index + 1} belongs to no flag`)
    }
  }
  return values
}

function judgeFlag(
  table: readonly Setting[],
  token: { name: string; rawName: string; value?: string | undefined; inlineValue?: unknown },
): string | undefined {
  const { name, rawName, value, inlineValue } = token
  const setting = table.find(({ flag }) => flag === name)
  if (!setting || !rawName.startsWith('--')) return `unknown flag ${rawName}`
  if (setting.boolean) return value === undefined ? undefined : `${rawName} takes no value`
  const swallowed = inlineValue === false && value?.startsWith('-') && value.length > 1
  return value === undefined || swallowed ? `${rawName} needs a value` : undefined
}

function findValue(
  setting: Setting,
  flags: Flags,
  input: SettingsInput,
  faults: string[],
): SettingValue | undefined {
  const flag = flags[setting.flag]
  if (flag !== undefined) return { value: String(flag), from: 'flag' }
  const variable = input.env[variableOf(input.prefix, setting.flag)]
  if (variable) return { value: variable, from: 'environment' }
  const member = input.file[setting.key]
  if (typeof member === 'string' || typeof member === 'number' || typeof member === 'boolean') {
    return { value: String(member), from: 'file' }
  }
  if (member !== undefined)
    faults.push(`configuration file: "${setting.key}" must be a plain value`)
  if (setting.fallback !== undefined) return { value: setting.fallback, from: 'default' }
  return undefined
}
