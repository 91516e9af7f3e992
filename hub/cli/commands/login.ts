import type { Command } from 'commander'
import { createClient } from '../client.ts'
import { configPath, loginPath, parseServer, tokenPath, type ConnectionFlags } from '../config.ts'
import type { CommandContext } from '../context.ts'
import { listContexts, putContext, removeContext, useContext } from '../contexts.ts'
import { CliFailure } from '../failure.ts'
import { keepLogin, readLogin } from '../login.ts'
import { escapeLine, formatTable } from '../output.ts'

interface LoginFlags extends ConnectionFlags {
  readonly token?: true
}

/** Who `swell` is, and to which hub. */
export function addLogin(program: Command, { terminal }: CommandContext): void {
  const { env, signal } = terminal

  program
    .command('login')
    .description('log in to a hub by its identity provider, and keep that as a context')
    .option('--server <url>', 'address of the hub (SWELL_SERVER)')
    .option('--context <name>', 'name to keep it by; the host of the hub when left out')
    .option('--token', 'keep a bearer token instead: asked for, or of --token-file')
    .option('--token-file <file>', 'file with the bearer token')
    .action(async (flags: LoginFlags) => {
      const given = flags.server ?? env['SWELL_SERVER']
      if (!given) throw new CliFailure(2, 'no hub to log in to', { hint: 'pass --server URL' })
      const server = parseServer(given)
      const name = flags.context ?? new URL(server).host
      if (!/^[A-Za-z0-9][-A-Za-z0-9._:]{0,100}$/.test(name)) {
        throw new CliFailure(2, `--context: not a name of letters, digits and -._: ${name}`)
      }
      const byToken = flags.token === true || flags.tokenFile !== undefined
      const token = byToken ? await takeToken(flags) : await logIn(server, name)
      const client = createClient({ server, token }, terminal.fetch)
      const who = await client.call('getCaller', { signal })
      if (byToken) await terminal.replaceFile(tokenPath(env, name), `${token}\n`)
      await putContext(
        terminal,
        name,
        byToken ? { server, tokenFile: tokenPath(env, name) } : { server, login: 'oidc' },
      )
      const role = who.role ?? `groups ${who.groups.join(', ') || 'none'}`
      terminal.say(`you are ${escapeLine(`${who.actor} (${role})`)} in context ${name}\n`)
    })

  program
    .command('logout')
    .description('forget a login; the provider is told')
    .option('--context <name>', 'the current one when left out')
    .action(async (flags: { context?: string }) => {
      const { current } = await listContexts(terminal)
      const name = flags.context ?? current
      if (name === undefined) throw new CliFailure(2, 'no context to log out of')
      const kept = await readLogin(loginPath(env, name), terminal).catch(() => undefined)
      if (kept?.refreshToken !== undefined) {
        const { issuer, clientId, refreshToken } = kept
        await terminal
          .openProvider(issuer, clientId)
          .then((provider) => provider.revoke(refreshToken))
          .catch(() => terminal.say('the provider was not told; the login ends by itself\n'))
      }
      await terminal.removeFile(loginPath(env, name))
      await terminal.removeFile(tokenPath(env, name))
      terminal.say(`logged out of ${escapeLine(name)}\n`)
    })

  const context = program.command('context').description('hubs that swell knows')
  context
    .command('list', { isDefault: true })
    .description('all of them; * is the current one')
    .action(async () => {
      const { current, contexts } = await listContexts(terminal)
      const rows = Object.entries(contexts).map(([name, one]) => [
        ...[name === current ? '*' : ' ', name, one.server],
        one.login ? 'login' : (one.tokenFile ?? (one.token === undefined ? 'none' : 'token')),
      ])
      if (rows.length === 0) return terminal.say(`none in ${configPath(env)}; swell login\n`)
      terminal.out(formatTable([['CURRENT', 'NAME', 'SERVER', 'TOKEN'], ...rows]))
    })
  context
    .command('use')
    .description('make another one the current one')
    .argument('<name>')
    .action(async (name: string) => {
      await useContext(terminal, name)
      terminal.say(`now using ${escapeLine(name)}\n`)
    })
  context
    .command('remove')
    .description('forget one, and its login')
    .argument('<name>')
    .action(async (name: string) => {
      await removeContext(terminal, name)
      await terminal.removeFile(loginPath(env, name))
      await terminal.removeFile(tokenPath(env, name))
      terminal.say(`${escapeLine(name)} is forgotten\n`)
    })

  async function takeToken({ tokenFile }: LoginFlags): Promise<string> {
    const text =
      tokenFile === undefined ? await terminal.ask?.('Token: ') : await terminal.readFile(tokenFile)
    const token = text?.trim()
    if (token) return token
    throw new CliFailure(2, 'no token given', { hint: 'pass --token-file FILE' })
  }

  async function logIn(server: string, name: string): Promise<string> {
    const client = createClient({ server, token: undefined }, terminal.fetch)
    const { issuer, clientId, scopes, accept } = await client.call('getLogin', { signal })
    if (issuer === null || clientId === null) {
      throw new CliFailure(2, `${server} has no identity provider`, {
        hint: 'log in with a token: swell login --token',
      })
    }
    try {
      const provider = await terminal.openProvider(issuer, clientId)
      const started = await provider.start(scopes)
      terminal.say(
        `Open ${escapeLine(started.completeUrl ?? started.url)}\nand compare the code: ${escapeLine(started.code)}\n`,
      )
      const tokens = await started.finish(signal)
      const kept = keepLogin({ server, issuer, clientId, accept }, tokens, terminal.now())
      await terminal.replaceFile(loginPath(env, name), `${JSON.stringify(kept)}\n`)
      return kept.token
    } catch (cause) {
      if (cause instanceof CliFailure) throw cause
      const reason = cause instanceof Error ? cause.message : ''
      throw new CliFailure(2, `${issuer} did not log you in: ${reason}`, { cause })
    }
  }
}
