import type { Command } from 'commander'
import { formatFault, HubError } from '../../errors.ts'
import { findFleetFaults, migrations, toFleetFiles } from '../../migrate/migrate.ts'
import type { CommandContext } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, escapeLines } from '../output.ts'

export function addMigrate(program: Command, { terminal }: CommandContext): void {
  const migrate = program
    .command('migrate')
    .description(
      'configuration of another tool → files of a fleet repository, and what has no counterpart',
    )
  for (const [tool, { convert, what }] of Object.entries(migrations)) {
    migrate
      .command(tool)
      .description(what)
      .argument('<directory>', 'a checkout of what that tool reads')
      .option(
        '-o, --out <directory>',
        'write files there; nothing is overwritten. Without it all goes to standard output',
      )
      .action((directory: string, { out }: { out?: string }) =>
        explain(async () => {
          const migration = convert(await terminal.migration.read(directory))
          const files = toFleetFiles(migration)
          if (files.length === 0) {
            const lines = migration.gaps.map(formatFault)
            throw new CliFailure(1, `nothing in ${directory} can be migrated from ${tool}`, {
              lines,
            })
          }
          if (out === undefined) {
            terminal.out(escapeLines(files.map(({ text }) => text).join('---\n')))
          } else await terminal.migration.write(out, files)
          for (const gap of migration.gaps) terminal.say(`${escapeLine(formatFault(gap))}\n`)
          const faults = findFleetFaults(files)
          for (const fault of faults)
            terminal.say(`to be mended: ${escapeLine(formatFault(fault))}\n`)
          const counted = [
            `${migration.documents.length} objects`,
            `${migration.gaps.length} remarks`,
            ...(faults.length > 0 ? [`${faults.length} faults to be mended`] : []),
          ]
          terminal.say(`${counted.join(', ')}\n`)
        }),
      )
  }
}

async function explain(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    throw new CliFailure(2, error.message, { cause: error })
  }
}
