import type { Command } from 'commander'
import { shortRevision } from '@groundswell/proto/revision.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { type DataFormat, isData, printData, outputOption } from '../data-output.ts'
import { asListing } from '../listing.ts'
import { formatAge, formatTable } from '../output.ts'

interface ListFlags extends ConnectionFlags {
  readonly output: 'table' | DataFormat
}

/** Revisions that are not rolled out again by themselves. */
export function addHold(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const { signal } = terminal
  const hold = program.command('hold').description('revisions that failed and are held back')

  withConnection(hold.command('list'))
    .description('what is held, and why')
    .addOption(outputOption('table'))
    .action(async (flags: ListFlags) => {
      const items = await (await connect(flags)).list('listHolds', { signal })
      if (isData(flags.output)) return printData(terminal, flags.output, { items })
      const rows = items.map(({ application, revision, rollout, at, reason }) => [
        ...[application, shortRevision(revision), rollout, formatAge(at, terminal.now()), reason],
      ])
      terminal.out(formatTable([['APPLICATION', 'REVISION', 'ROLLOUT', 'AGE', 'REASON'], ...rows]))
    })

  asListing(hold.command('windows'), context, 'listWindows', {
    OF: ({ ownerKind, owner }) => `${ownerKind} ${owner}`,
    KIND: ({ kind }) => kind,
    OPEN: ({ open, until }) => {
      if (until === null) return open ? 'always' : 'never'
      return `${open ? 'now' : 'no'}, until ${until}`
    },
    SCHEDULE: ({ schedule, timeZone }) => `${schedule} ${timeZone}`,
    DURATION: ({ duration }) => duration,
    APPLICATIONS: ({ applications }) => applications.join(',') || 'all',
    CLUSTERS: ({ clusters, clusterGroup, clusterSelector }) =>
      [clusterSelector ?? '', clusterGroup ?? '', clusters.join(',')].filter(Boolean).join(' & ') ||
      'all',
    REASON: ({ reason }) => reason,
  }).description('when rollouts may or may not move')

  withConnection(hold.command('release'))
    .description('let the held revision of an application be rolled out again')
    .argument('<application>')
    .option('--reason <text>', 'kept in the ledger')
    .action(async (application: string, flags: ConnectionFlags & { reason?: string }) => {
      const client = await connect(flags)
      const body = { reason: flags.reason ?? '' }
      await client.call('releaseHold', { path: { name: application }, body, signal })
      terminal.say(
        `nothing of ${application} is held any more; \`swell rollout start ${application}\` rolls it out again\n`,
      )
    })
}
