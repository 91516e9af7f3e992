import type { Command } from 'commander'
import type { Asked, ItemOf, ListId } from '../client/request.ts'
import type { ConnectionFlags } from './config.ts'
import { type CommandContext, withConnection } from './context.ts'
import { isData, printData, outputOption } from './data-output.ts'
import { formatTable } from './output.ts'

type Cell<T> = (item: T) => string | number

/** Makes a command print all pages of a list: a table with a cell for each heading, or JSON. */
export function asListing<L extends ListId>(
  command: Command,
  { terminal, connect }: CommandContext,
  list: L,
  columns: Readonly<Record<string, Cell<ItemOf<L>>>>,
): Command {
  return withConnection(command)
    .addOption(outputOption('table'))
    .action(async (...given: unknown[]) => {
      const { args } = given.at(-1) as Command
      const flags = (given.at(-1) as Command).opts<ConnectionFlags & { readonly output: string }>()
      const client = await connect(flags)
      // The only argument a list has is what it is of.
      const asked = { ...(args[0] !== undefined && { path: { id: args[0] } }) } as Asked<L>
      const items = await client.list(list, { ...asked, signal: terminal.signal })
      if (isData(flags.output)) return printData(terminal, flags.output, { items })
      const rows = items.map((item) => Object.values(columns).map((cell) => String(cell(item))))
      terminal.out(formatTable([Object.keys(columns), ...rows]))
    })
}
