import type { Command } from 'commander'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { type DataFormat, isData, printData, outputOption } from '../data-output.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, formatAge, formatTable } from '../output.ts'

interface OutputFlags extends ConnectionFlags {
  readonly output: 'table' | 'text' | DataFormat
}

export interface TokenFlags extends ConnectionFlags {
  readonly ttl: string
  readonly preApproved?: true
  readonly replace?: true
  readonly clusterUid?: string
  readonly label?: readonly string[]
  readonly project?: string
}

export function addCluster(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const { signal } = terminal
  const cluster = program.command('cluster').description('enrol, approve and revoke clusters')

  withTokenFlags(withConnection(cluster.command('token')))
    .description('make a join token for a cluster that Git declares')
    .argument('<name>')
    .addOption(outputOption('text'))
    .action(async (name: string, flags: TokenFlags & OutputFlags) => {
      const made = await makeToken(await connect(flags), name, flags, signal)
      if (isData(flags.output)) return printData(terminal, flags.output, made)
      const [token, address] = [escapeLine(made.token), escapeLine(made.address)]
      // Only the token is data: `TOKEN=$(swell cluster token edge-1)`.
      terminal.out(`${token}\n`)
      const approval = made.preApproved
        ? ''
        : `; then compare fingerprints: swell cluster approve ${escapeLine(name)}`
      terminal.say(
        `good for one agent until ${escapeLine(made.expiresAt)}${approval}; shown only now. Install the agent in that cluster with\n\n  swell agent manifest ${escapeLine(name)} --image IMAGE --hub ${address} --token ${token} | kubectl apply --server-side -f -\n`,
      )
    })

  withConnection(cluster.command('list'))
    .description('clusters by how their agents stand with the hub')
    .addOption(outputOption('table'))
    .action(async (flags: OutputFlags) => {
      const client = await connect(flags)
      const found = await client.list('listClusters', { signal })
      if (isData(flags.output)) return printData(terminal, flags.output, { items: found })
      const items = await client.list('listPendingClusters', { signal })
      const waits = new Map(
        items.map(({ cluster, replaces }) => [
          cluster,
          replaces ? 'another agent waits for approval to replace it' : 'waits for approval',
        ]),
      )
      const rows = found.map((one) => [
        one.name,
        one.lifecycle,
        one.connection.state,
        formatAge(one.lastSeen, terminal.now()),
        [one.lifecycleReason, waits.get(one.name)].filter(Boolean).join('; '),
      ])
      terminal.out(formatTable([['NAME', 'STATE', 'CONNECTION', 'SEEN', 'REASON'], ...rows]))
    })

  withConnection(cluster.command('pending'))
    .description('agents that joined and wait for approval')
    .addOption(outputOption('table'))
    .action(async (flags: OutputFlags) => {
      const items = await (await connect(flags)).list('listPendingClusters', { signal })
      if (isData(flags.output)) return printData(terminal, flags.output, { items })
      if (items.length === 0) return terminal.say('nobody waits\n')
      const rows = items.map((one) => [
        one.cluster,
        one.fingerprint,
        formatAge(one.since, terminal.now()),
        one.replaces ? 'yes' : 'no',
      ])
      terminal.out(formatTable([['NAME', 'FINGERPRINT', 'AGE', 'REPLACES'], ...rows]))
      terminal.say(
        "compare with the agent's own log, then: swell cluster approve NAME --fingerprint FINGERPRINT\n",
      )
    })

  withConnection(cluster.command('authorities'))
    .description("the hub's certificate authorities: which one issues, and which agents trust")
    .addOption(outputOption('table'))
    .action(async (flags: OutputFlags) => {
      const { items } = await (await connect(flags)).call('listAuthorities', { signal })
      if (isData(flags.output)) return printData(terminal, flags.output, { items })
      const rows = items.map((one) => [
        one.state,
        one.from.slice(0, 10),
        one.to.slice(0, 10),
        `${one.daysLeft}d`,
        one.pin,
      ])
      terminal.out(formatTable([['STATE', 'FROM', 'UNTIL', 'LEFT', 'PIN'], ...rows]))
    })

  withConnection(cluster.command('approve'))
    .description("trust the agent that waits, after comparing its fingerprint with its log's")
    .argument('<name>')
    .option('--fingerprint <text>', "as the agent's log has it; asked for when left out")
    .action(async (name: string, flags: ConnectionFlags & { fingerprint?: string }) => {
      const client = await connect(flags)
      const fingerprint = flags.fingerprint ?? (await askForIt(client, name, context))
      const asked = { path: { name }, body: { fingerprint }, signal }
      const approved = await client.call('approveCluster', asked)
      terminal.out(`cluster/${escapeLine(approved.name)} ${approved.lifecycle}\n`)
    })

  const actions = [
    ['revoke', "end a cluster's identity; what runs on it is left alone"],
    ['unlock', 'let a locked cluster take a new certificate by its bound key'],
    ['recover', 'let a cluster whose certificate expired take one more by its bound key'],
  ] as const
  for (const [action, description] of actions) {
    withConnection(cluster.command(action))
      .description(description)
      .argument('<name>')
      .option('--reason <text>', 'kept in the ledger')
      .action(async (name: string, flags: ConnectionFlags & { reason?: string }) => {
        const client = await connect(flags)
        const body = { reason: flags.reason ?? '' }
        const changed = await client.call(`${action}Cluster`, { path: { name }, body, signal })
        terminal.out(`cluster/${escapeLine(changed.name)} ${changed.lifecycle}\n`)
      })
  }
}

export function withTokenFlags(command: Command): Command {
  return command
    .option('--ttl <duration>', 'how long the token can be used: 30m, 1h, 24h', '1h')
    .option('--pre-approved', 'trust whoever joins with it; no fingerprint is compared')
    .option('--replace', 'may take the place of an agent that is enrolled')
    .option('--cluster-uid <uid>', 'only for the cluster with this kube-system namespace UID')
    .option('--label <key=value...>', 'refuse unless the cluster has this label in Git')
    .option('--project <text>', 'kept in the ledger')
}

/** @throws CliFailure */
export async function makeToken(
  client: Client,
  name: string,
  flags: TokenFlags,
  signal: AbortSignal,
) {
  const { ttl, preApproved, replace, clusterUid, project } = flags
  const labels = flags.label?.map((text) => {
    const [key, ...value] = text.split('=')
    if (!key || value.length === 0) throw new CliFailure(2, `--label: not key=value: ${text}`)
    return [key, value.join('=')] as const
  })
  const body = {
    ttl,
    ...(preApproved && { preApproved }),
    ...(replace && { replace }),
    ...(clusterUid !== undefined && { clusterUid }),
    ...(labels && { labels: Object.fromEntries(labels) }),
    ...(project !== undefined && { project }),
  }
  return client.call('createToken', { path: { name }, body, signal })
}

/** Shows what waits and asks: approving without having seen it would be no comparison. */
async function askForIt(
  client: Client,
  name: string,
  { terminal }: CommandContext,
): Promise<string> {
  const { signal } = terminal
  const items = await client.list('listPendingClusters', { signal })
  const waiting = items.find(({ cluster }) => cluster === name)
  if (!waiting) throw new CliFailure(1, `no agent of cluster ${name} waits for approval`)
  if (!terminal.ask) {
    throw new CliFailure(2, 'give --fingerprint, as it stands in the log of the agent', {
      hint: 'this is no terminal to ask on',
    })
  }
  terminal.say(`the agent that waits as ${escapeLine(name)} says\n\n  ${waiting.fingerprint}\n\n`)
  const answer = await terminal.ask("Does the agent's own log say the same? [yes/no] ")
  if (answer?.trim() !== 'yes') throw new CliFailure(1, 'not approved')
  return waiting.fingerprint
}
