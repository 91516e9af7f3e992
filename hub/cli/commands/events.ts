import { type Command, InvalidArgumentError, Option } from 'commander'
import type { EventView } from '../../client/gen/api.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLines, formatTable } from '../output.ts'

interface Flags extends ConnectionFlags {
  readonly follow?: true
  readonly limit: number
  readonly output: 'table' | 'json'
}

/** Milliseconds before the stream is opened again, doubled up to the longest. */
const retryDelay = { first: 500, longest: 15_000 }

export function addEvents(program: Command, context: CommandContext): void {
  const { terminal } = context
  const { signal } = terminal
  withConnection(program.command('events'))
    .description('what happened, oldest first')
    .option('-f, --follow', 'go on with what happens')
    .option('--limit <count>', 'how many of the newest, 1 to 500', parseLimit, 50)
    .addOption(
      new Option('-o, --output <format>', 'json prints a line an event')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(async (flags: Flags) => {
      const client = await context.connect(flags)
      const widths: number[] = []
      const print = (events: readonly EventView[]) => {
        if (flags.output === 'table') return terminal.out(formatTable(events.map(toRow), widths))
        for (const event of events) terminal.out(`${escapeLines(JSON.stringify(event))}\n`)
      }
      const query = { limit: flags.limit }
      const { items } = await client.call('listEvents', { query, signal })
      print(items)
      if (!flags.follow) return

      // Before the first event there is no id to resume from; 0 is before all of them.
      let last = items.at(-1)?.id ?? '0'
      let delay = retryDelay.first
      while (!signal.aborted) {
        try {
          for await (const event of client.follow(last, signal)) {
            delay = retryDelay.first
            if (!('id' in event)) {
              terminal.say(`${event.message}\n`)
              continue
            }
            print([event])
            last = event.id
          }
        } catch (cause) {
          if (signal.aborted) return
          if (cause instanceof CliFailure && cause.exitCode === 1) throw cause
          terminal.say('the stream broke off; trying again\n')
        }
        await terminal.wait(delay, signal)
        delay = Math.min(delay * 2, retryDelay.longest)
      }
    })
}

function toRow(event: EventView): string[] {
  return [event.at, event.type, event.actor, event.subject, event.message]
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 500) return limit
  throw new InvalidArgumentError('a whole number from 1 to 500')
}
