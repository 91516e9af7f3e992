import { type Command, Option } from 'commander'
import { ClusterView, TokenView } from '../../api/views.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { escapeLine, formatJson } from '../output.ts'

export function addCluster(program: Command, { terminal, connect }: CommandContext): void {
  const { signal } = terminal
  const cluster = program.command('cluster').description('enrol and revoke clusters')

  withConnection(cluster.command('token'))
    .description('make a join token for a cluster that Git declares')
    .argument('<name>')
    .option('--ttl <duration>', 'how long it can be used: 30m, 1h, 24h', '1h')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .action(async (name: string, flags: ConnectionFlags & { ttl: string; output: string }) => {
      const client = await connect(flags)
      const path = `clusters/${encodeURIComponent(name)}/tokens`
      const made = await client.ask(path, TokenView, { body: { ttl: flags.ttl }, signal })
      if (flags.output === 'json') return terminal.out(formatJson(made))
      const [token, address] = [escapeLine(made.token), escapeLine(made.address)]
      // Only the token is data: `TOKEN=$(swell cluster token edge-1)`.
      terminal.out(`${token}\n`)
      terminal.say(
        `good for one agent until ${escapeLine(made.expiresAt)}; shown only now. Start the agent with\n\n  npm run agent -- --hub ${address} --token ${token}\n`,
      )
    })

  withConnection(cluster.command('revoke'))
    .description("end a cluster's identity; what runs on it is left alone")
    .argument('<name>')
    .option('--reason <text>', 'kept in the ledger')
    .action(async (name: string, flags: ConnectionFlags & { reason?: string }) => {
      const client = await connect(flags)
      const path = `clusters/${encodeURIComponent(name)}/revoke`
      const body = { reason: flags.reason ?? '' }
      const revoked = await client.ask(path, ClusterView, { body, signal })
      terminal.out(`cluster/${escapeLine(revoked.name)} ${revoked.lifecycle}\n`)
    })
}
