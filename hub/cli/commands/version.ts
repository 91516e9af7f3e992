import type { Command } from 'commander'
import hub from '../../package.json' with { type: 'json' }
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine } from '../output.ts'

export function addVersion(program: Command, { terminal, connect }: CommandContext): void {
  withConnection(program.command('version'))
    .description('of swell, and of the hub it can reach')
    .action(async (flags: ConnectionFlags) => {
      terminal.out(`swell ${hub.version}\n`)
      try {
        const client = await connect(flags)
        const { version } = await client.call('getVersion', { signal: terminal.signal })
        terminal.out(`hub ${escapeLine(version)}\n`)
      } catch (cause) {
        if (!(cause instanceof CliFailure)) throw cause
        terminal.say(`hub unknown: ${escapeLine(cause.message)}\n`)
      }
    })
}
