import type { Command } from 'commander'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { isData, printData, outputOption } from '../data-output.ts'
import { formatFields } from '../output.ts'

export function addWhoami(program: Command, { terminal, connect }: CommandContext): void {
  withConnection(program.command('whoami'))
    .description('who you are to the hub, and what you may do')
    .addOption(outputOption('text'))
    .action(async (flags: ConnectionFlags & { output: string }) => {
      const client = await connect(flags)
      const who = await client.call('getCaller', { signal: terminal.signal })
      if (isData(flags.output)) return printData(terminal, flags.output, who)
      terminal.out(
        formatFields([
          ['Hub', client.server],
          ['Name', who.actor],
          ['Role', who.role ?? 'none over the whole fleet'],
          ['Groups', who.groups.join(', ')],
          ['May', who.actions.join(', ')],
          ['Until', who.expiresAt ?? 'revoked'],
        ]),
      )
    })
}
