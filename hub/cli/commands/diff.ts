import { type Command, Option } from 'commander'
import type { DiffRange } from '../../check/checkout.ts'
import { type CheckoutFlags, withCheckout } from '../checkout.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { diffCommits } from './diff-commits.ts'
import { diffLive } from './diff-live.ts'

interface Flags extends CheckoutFlags, ConnectionFlags {
  readonly all?: true
  readonly output: 'text' | 'markdown' | 'json' | 'sarif'
}

const formats = ['text', 'markdown', 'json', 'sarif']

export function addDiff(program: Command, context: CommandContext): void {
  withCheckout(withConnection(program.command('diff')))
    .description(
      'what a change does to every cluster (BASE..HEAD, offline), or how an application differs from what runs (its name, asks the hub); exits with 0 without differences, 1 with, 2 on errors',
    )
    .argument(
      '<what>',
      'BASE..HEAD; BASE...HEAD since they parted; BASE.. to the files as they lie there; or the name of an application',
    )
    .option('--all', 'every form of a change, and every cluster by its name')
    .addOption(new Option('-o, --output <format>').choices(formats).default('text'))
    .action(async (what: string, flags: Flags) => {
      const range = parseRange(what)
      context.exitCode = range
        ? await diffCommits(context, range, flags)
        : await diffLive(context, what, toLiveFlags(flags))
    })
}

/** Undefined for a name: none can hold two dots. */
function parseRange(text: string): DiffRange | undefined {
  const [, base, dots, head] = /^(.*?)(\.{2,3})(?!\.)(.*)$/s.exec(text) ?? []
  if (base === undefined) return undefined
  return {
    base: base || 'HEAD',
    sinceParting: dots === '...',
    ...(head && { head }),
  }
}

function toLiveFlags({ cluster, output, server, tokenFile, context }: Flags) {
  if (output !== 'text' && output !== 'json') {
    throw new CliFailure(2, `-o ${output} is for BASE..HEAD; of what runs there are text and json`)
  }
  const [only, ...more] = cluster
  if (more.length > 0) throw new CliFailure(2, 'of what runs, give --cluster once')
  return {
    output,
    ...(only !== undefined && { cluster: only }),
    ...(server !== undefined && { server }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(context !== undefined && { context }),
  }
}
