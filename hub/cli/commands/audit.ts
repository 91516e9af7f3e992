import type { Command } from 'commander'
import { auditLedger } from '../../audit/audit.ts'
import { describeEntry } from '../../status/event.ts'
import type { LedgerEntry } from '../../ledger/entry.ts'
import type { CommandContext } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine } from '../output.ts'

/** The ledger as a file: nobody has to be believed for what these say. */
export function addAudit(program: Command, context: CommandContext): void {
  const { terminal } = context
  const audit = program.command('audit').description('the ledger of decisions, as a file')
  const read = async (path: string): Promise<string> => {
    const text = await terminal.readFile(path)
    if (text === undefined) throw new CliFailure(2, `there is no file ${path}`)
    return text
  }

  audit
    .command('verify')
    .description(
      'checks the chain, and each receipt: its signature, and that its content was decided; exits with 1 when something is wrong',
    )
    .argument('<file>', 'ledger.jsonl of a hub’s data directory, or of the Git branch')
    .option('--head <digest>', 'digest the chain must end with, as an agent was told')
    .action(async (path: string, { head: wanted }: { readonly head?: string }) => {
      const { entries, head, receipts, faults } = auditLedger(await read(path))
      for (const { line, message } of faults) {
        terminal.out(`${escapeLine(`line ${line}: ${message}`)}\n`)
      }
      const moved = wanted !== undefined && wanted !== head.digest
      if (moved) terminal.out(`it ends with ${head.digest}, not with ${escapeLine(wanted)}\n`)
      terminal.say(`${entries} entries, ${receipts} receipts, ends with ${head.digest}\n`)
      if (faults.length > 0 || moved) context.exitCode = 1
    })

  audit
    .command('log')
    .description('what was decided, by whom and when, a line each')
    .argument('<file>', 'ledger.jsonl')
    .action(async (path: string) => {
      for (const line of (await read(path)).split('\n')) {
        if (line === '') continue
        const entry = JSON.parse(line) as LedgerEntry
        const { type, actor, subject, message } = describeEntry(entry)
        const at = new Date(entry.at).toISOString()
        const words = [entry.index, at, type, actor, subject, message].join('  ')
        terminal.out(`${escapeLine(words)}\n`)
      }
    })
}
