import { type Command, Option } from 'commander'
import { type Role, roles } from '../../access/principal.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { type DataFormat, isData, printData, outputOption } from '../data-output.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, formatTable } from '../output.ts'

interface CreateFlags extends ConnectionFlags {
  readonly role?: Role
  readonly group?: readonly string[]
  readonly ttl?: string
  readonly output: 'text' | DataFormat
}

/** Bearer tokens for programs. */
export function addToken(program: Command, { terminal, connect }: CommandContext): void {
  const { signal } = terminal
  const token = program.command('token').description('bearer tokens for programs')

  withConnection(token.command('create'))
    .description('make a token; it is shown only now')
    .argument('<name>', 'its holder acts as token:NAME')
    .addOption(new Option('--role <role>', 'over the whole fleet').choices(roles))
    .option('--group <group...>', 'group that roles of Projects name')
    .option('--ttl <duration>', 'how long it holds: 1m to 8784h; 2160h when left out')
    .addOption(outputOption('text'))
    .action(async (name: string, flags: CreateFlags) => {
      const { role, group: groups, ttl } = flags
      if (role === undefined && !groups) {
        throw new CliFailure(2, 'a token without --role and --group could do nothing')
      }
      const body = {
        name,
        ...(role !== undefined && { role }),
        ...(groups && { groups }),
        ...(ttl !== undefined && { ttl }),
      }
      const made = await (await connect(flags)).call('createApiToken', { body, signal })
      if (isData(flags.output)) return printData(terminal, flags.output, made)
      // Only the token is data: `TOKEN=$(swell token create ci --role viewer)`.
      terminal.out(`${escapeLine(made.token)}\n`)
      terminal.say(
        `good until ${escapeLine(made.expiresAt)}; end it with: swell token revoke ${escapeLine(name)}\n`,
      )
    })

  withConnection(token.command('list'))
    .description('tokens that hold now')
    .addOption(outputOption('table'))
    .action(async (flags: ConnectionFlags & { output: string }) => {
      const items = await (await connect(flags)).list('listApiTokens', { signal })
      if (isData(flags.output)) return printData(terminal, flags.output, { items })
      const rows = items.map(({ name, id, role, groups, expiresAt }) => [
        ...[name, role ?? '', groups.join(','), expiresAt, id],
      ])
      terminal.out(formatTable([['NAME', 'ROLE', 'GROUPS', 'UNTIL', 'ID'], ...rows]))
    })

  withConnection(token.command('revoke'))
    .description('end a token, by name or id')
    .argument('<token>')
    .action(async (given: string, flags: ConnectionFlags) => {
      const client = await connect(flags)
      const items = await client.list('listApiTokens', { signal })
      const found = items.find(({ name, id }) => name === given || id === given)
      if (!found)
        throw new CliFailure(1, `there is no token ${given}`, { hint: 'swell token list' })
      await client.call('revokeApiToken', { path: { id: found.id }, signal })
      terminal.say(`${found.name} holds no more\n`)
    })
}
