import { shortRevision } from '@groundswell/proto/revision.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { formatFault } from '../../errors.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { isData, printData, outputOption } from '../data-output.ts'
import { CliFailure } from '../failure.ts'
import { asListing } from '../listing.ts'
import { createPaint } from '../paint.ts'
import { escapeLine, formatAge, formatFields, formatTable } from '../output.ts'

interface PlanFlags extends ConnectionFlags {
  readonly branch?: string
  readonly commit?: string
  readonly pullRequest?: number
  readonly all?: true
  readonly output: string
}

function parseNumber(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('the number of a pull request, such as 12')
  }
  return number
}

export function addFleet(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const fleet = withConnection(program.command('fleet'))
  fleet
    .description('what the hub last read from Git, and what is wrong with it')
    .addOption(outputOption('text'))
    .action(async (flags: ConnectionFlags & { output: string }) => {
      const client = await connect(flags)
      const fleet = await client.call('getFleet', { signal: terminal.signal })
      if (isData(flags.output)) return printData(terminal, flags.output, fleet)
      const now = terminal.now()
      const { counts } = fleet
      terminal.out(
        formatFields([
          ['Revision', fleet.revision ?? 'none yet'],
          ['Refused', fleet.refused ?? 'none'],
          ['Last fetch', fleet.lastFetch ? `${formatAge(fleet.lastFetch, now)} ago` : 'never'],
          ['Clusters', String(counts.clusters)],
          ['Groups', String(counts.groups)],
          ['Applications', String(counts.applications)],
        ]),
      )
      const rows = fleet.sources.map((source) => [
        source.name,
        shortRevision(source.revision ?? ''),
        formatAge(source.lastFetch, now),
        source.url,
        source.failure?.message ?? '',
      ])
      terminal.out(`\n${formatTable([['SOURCE', 'REVISION', 'FETCHED', 'URL', 'ERROR'], ...rows])}`)
      if (fleet.faults.length > 0) terminal.out(`\n${fleet.faults.length} faults:\n`)
      for (const fault of fleet.faults) terminal.out(`${escapeLine(formatFault(fault))}\n`)
      if (fleet.warnings.length > 0) terminal.out(`\n${fleet.warnings.length} warnings:\n`)
      for (const fault of fleet.warnings) terminal.out(`${escapeLine(formatFault(fault))}\n`)
    })
  withConnection(fleet.command('plan'))
    .description(
      'what a branch, a commit or a pull request of the fleet repository would change, and in which waves; nothing moves. Exits with 1 when something is wrong with it',
    )
    .addOption(new Option('--branch <name>').conflicts(['commit', 'pullRequest']))
    .addOption(new Option('--commit <id>', 'all 40 digits').conflicts('pullRequest'))
    .addOption(new Option('--pull-request <number>', 'on the Git host').argParser(parseNumber))
    .option('--all', 'every form of a change, and clusters by name')
    .addOption(outputOption('text'))
    .action(async (flags: PlanFlags) => {
      const { branch, commit, pullRequest } = flags
      if (branch === undefined && commit === undefined && pullRequest === undefined) {
        throw new CliFailure(2, 'say what to look at: --branch, --commit or --pull-request')
      }
      const client = await connect(flags)
      const body = {
        ...(branch !== undefined && { branch }),
        ...(commit !== undefined && { commit }),
        ...(pullRequest !== undefined && { pullRequest }),
      }
      const proposal = await client.call('planFleet', { body, signal: terminal.signal })
      if (proposal.verdict === 'failed') context.exitCode = 1
      if (isData(flags.output)) return printData(terminal, flags.output, proposal)
      const { formatProposal } = await import('../proposal-text.ts')
      const paint = createPaint(terminal.color)
      terminal.out(formatProposal(proposal, { all: flags.all === true, paint }))
    })
  withConnection(fleet.command('pull-requests'))
    .description('what is proposed to the fleet repository, as its Git host tells it')
    .addOption(outputOption('table'))
    .action(async (flags: ConnectionFlags & { output: string }) => {
      const client = await connect(flags)
      const found = await client.call('listPullRequests', { signal: terminal.signal })
      if (isData(flags.output)) return printData(terminal, flags.output, found)
      if (found.host === null) {
        throw new CliFailure(1, 'the hub does not know its Git host: name it with --forges')
      }
      const now = terminal.now()
      const rows = found.items.map(({ number, title, draft, author, branch, updatedAt, url }) => [
        ...[String(number), draft ? `${title} (draft)` : title, author, branch],
        ...[formatAge(updatedAt, now), url],
      ])
      terminal.out(
        formatTable([['NUMBER', 'TITLE', 'AUTHOR', 'BRANCH', 'UPDATED', 'URL'], ...rows]),
      )
      if (found.elsewhere > 0)
        terminal.say(`more that go into other branches: ${found.elsewhere}\n`)
      if (found.more) terminal.say('there are more than the hub reads\n')
    })
  asListing(fleet.command('policies'), context, 'listPolicies', {
    NAME: ({ name }) => name,
    ACTION: ({ action }) => action,
    JUDGES: ({ judges }) => judges.join(', '),
    'APPLIES TO': ({ applies }) => applies.join(', ') || 'everything',
    EXCEPTIONS: ({ exceptions }) => exceptions.length,
  }).description('what the newest commit is judged by')
}
