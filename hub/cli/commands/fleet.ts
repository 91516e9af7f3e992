import { shortRevision } from '@groundswell/proto/revision.ts'
import { type Command, Option } from 'commander'
import { formatFault } from '../../errors.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { asListing } from '../listing.ts'
import { escapeLine, formatAge, formatFields, formatJson, formatTable } from '../output.ts'

export function addFleet(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const fleet = withConnection(program.command('fleet'))
  fleet
    .description('what the hub last read from Git, and what is wrong with it')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .action(async (flags: ConnectionFlags & { output: string }) => {
      const client = await connect(flags)
      const fleet = await client.call('getFleet', { signal: terminal.signal })
      if (flags.output === 'json') return terminal.out(formatJson(fleet))
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
  asListing(fleet.command('policies'), context, 'listPolicies', {
    NAME: ({ name }) => name,
    ACTION: ({ action }) => action,
    JUDGES: ({ judges }) => judges.join(', '),
    'APPLIES TO': ({ applies }) => applies.join(', ') || 'everything',
    EXCEPTIONS: ({ exceptions }) => exceptions.length,
  }).description('what the newest commit is judged by')
}
