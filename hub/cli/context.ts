import type { Command } from 'commander'
import { type Client, createClient } from './client.ts'
import { type ConnectionFlags, resolveConnection } from './config.ts'
import type { ExitCode } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** What a command works with. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly connect: (flags: ConnectionFlags) => Promise<Client>
  /** The exit code when a command ends without a failure; 0 unless set. */
  exitCode: ExitCode
}

export function createContext(terminal: Terminal): CommandContext {
  return {
    terminal,
    exitCode: 0,
    connect: async (flags) => {
      const connection = await resolveConnection(flags, terminal)
      if (connection.token !== undefined && isExposed(connection.server)) {
        terminal.say('warning: the token travels unencrypted; use an https:// address\n')
      }
      return createClient(connection, terminal.fetch)
    },
  }
}

/** Flags of every command that talks to the hub. */
export function withConnection(command: Command): Command {
  return command
    .option('--server <url>', 'address of the hub (SWELL_SERVER)')
    .option('--token-file <file>', 'file with the bearer token (or SWELL_TOKEN)')
    .option('--context <name>', 'context of the configuration file')
}

/** Plain HTTP to anywhere but this machine. */
function isExposed(server: string): boolean {
  const { protocol, hostname } = new URL(server)
  return protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}
