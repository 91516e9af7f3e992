import type { ConfigFile } from './config-file.ts'
import { CliFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'

export interface ConnectionFlags {
  readonly server?: string
  readonly tokenFile?: string
  readonly context?: string
}

/** Where the hub is and who we are. */
export interface Connection {
  readonly server: string
  readonly token: string | undefined
}

/**
 * Flags win over the environment, which wins over the configuration file.
 * @throws CliFailure when no server is named or a named file cannot be read.
 */
export async function resolveConnection(
  flags: ConnectionFlags,
  terminal: Pick<Terminal, 'env' | 'readFile' | 'replaceFile' | 'openProvider' | 'now'>,
): Promise<Connection> {
  const { env } = terminal
  const path = configPath(env)
  const config = await readConfig(path, terminal)
  const name = flags.context ?? config?.currentContext
  const context = name === undefined ? undefined : config?.contexts[name]
  if (flags.context !== undefined && !context) {
    throw new CliFailure(2, `no context ${flags.context} in ${path}`, {
      hint: `it has: ${Object.keys(config?.contexts ?? {}).join(', ') || 'none'}`,
    })
  }
  // A named context is meant as a whole: the environment must not mix another hub's token in.
  const ambient = flags.context === undefined ? env : {}
  // An empty variable is one that is not set.
  const server = flags.server ?? (ambient['SWELL_SERVER'] || context?.server)
  if (!server) {
    throw new CliFailure(2, 'no hub to talk to', {
      hint: `pass --server URL, set SWELL_SERVER, or add a context to ${path}`,
    })
  }
  const url = parseServer(server)
  // A context's token is for its own server.
  const own = context !== undefined && url === parseServer(context.server) ? context : undefined
  const token =
    flags.tokenFile !== undefined
      ? await readToken(flags.tokenFile, terminal)
      : ambient['SWELL_TOKEN'] || (await contextToken(own, name ?? '', terminal))
  return { server: url, token }
}

export function configPath(env: Terminal['env']): string {
  return `${directory(env)}/config.yaml`
}

/** Where a context's login is kept. */
export function loginPath(env: Terminal['env'], name: string): string {
  return `${directory(env)}/login/${encodeURIComponent(name)}.json`
}

/** Where a token that `swell login --token` was given is kept. */
export function tokenPath(env: Terminal['env'], name: string): string {
  return `${directory(env)}/token/${encodeURIComponent(name)}`
}

function directory(env: Terminal['env']): string {
  return `${env['XDG_CONFIG_HOME'] || `${env['HOME'] ?? ''}/.config`}/swell`
}

export async function readConfig(
  path: string,
  terminal: Pick<Terminal, 'readFile'>,
): Promise<ConfigFile | undefined> {
  const text = await terminal.readFile(path)
  if (text === undefined) return undefined
  const { parseConfigFile } = await import('./config-file.ts')
  return parseConfigFile(text, path)
}

async function contextToken(
  context: ConfigFile['contexts'][string] | undefined,
  name: string,
  terminal: Pick<Terminal, 'env' | 'readFile' | 'replaceFile' | 'openProvider' | 'now'>,
): Promise<string | undefined> {
  if (context?.login !== undefined) {
    const { useLogin } = await import('./login.ts')
    return useLogin(loginPath(terminal.env, name), parseServer(context.server), terminal)
  }
  if (context?.tokenFile !== undefined) return readToken(context.tokenFile, terminal)
  return context?.token
}

async function readToken(path: string, terminal: Pick<Terminal, 'readFile'>): Promise<string> {
  const text = (await terminal.readFile(path))?.trim()
  if (text) return text
  throw new CliFailure(2, `${path}: no token in this file`, {
    hint: 'name a file that holds only the token',
  })
}

export function parseServer(text: string): string {
  const url = URL.parse(text)
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username) {
    return url.href.replace(/\/+$/, '')
  }
  throw new CliFailure(2, `not the URL of a hub: ${text}`, {
    hint: 'write it as https://hub.example: where its REST API is, not the port that agents dial',
  })
}
