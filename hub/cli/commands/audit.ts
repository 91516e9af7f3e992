import { type Command, InvalidArgumentError, Option } from 'commander'
import { auditLedger } from '../../audit/audit.ts'
import {
  exportLedger,
  formatCsv,
  formatExport,
  readRange,
  verifyExport,
} from '../../audit/export.ts'
import { HubError } from '../../errors.ts'
import { describeEntry } from '../../status/event.ts'
import type { LedgerEntry } from '../../ledger/entry.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { isData, printData, outputOption } from '../data-output.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, formatJson } from '../output.ts'
import { readReceipt } from '../read-receipt.ts'

interface ExportFlags {
  readonly from?: number
  readonly to?: number
  readonly since?: number
  readonly until?: number
  readonly output: 'jsonl' | 'csv'
}

/** Of 500 lines; whoever wants more of the ledger wants the file. */
const mostPages = 20

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
      const text = await read(path)
      const range = failing(() => readRange(text.slice(0, text.indexOf('\n'))))
      if (range) {
        if (wanted !== undefined && wanted !== range.head.digest) {
          throw new CliFailure(1, `the ledger it is of ended with ${range.head.digest}`)
        }
        const { index, digest } = failing(() => verifyExport(text, range))
        terminal.say(`entries ${range.from} to ${index} follow each other, to ${digest}\n`)
        return
      }
      const { entries, head, receipts, faults } = auditLedger(text)
      for (const { line, message } of faults) {
        terminal.out(`${escapeLine(`line ${line}: ${message}`)}\n`)
      }
      const moved = wanted !== undefined && wanted !== head.digest
      if (moved) terminal.out(`it ends with ${head.digest}, not with ${escapeLine(wanted)}\n`)
      terminal.say(`${entries} entries, ${receipts} receipts, ends with ${head.digest}\n`)
      if (faults.length > 0 || moved) context.exitCode = 1
    })

  withConnection(audit.command('list'))
    .description('the lines of the hub’s ledger, in words')
    .option('--after <index>', 'only what came after this one', toIndex)
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .action(async (flags: ConnectionFlags & { after?: number; output: 'text' | 'json' }) => {
      const client = await context.connect(flags)
      let after = flags.after
      for (let page = 0; page < mostPages; page++) {
        const query = { limit: 500, after }
        const { items, next } = await client.call('listAudit', { query, signal: terminal.signal })
        for (const entry of items) {
          const { index, at, actor, subject, message } = entry
          if (flags.output === 'json') terminal.out(formatJson(entry))
          else terminal.out(`${escapeLine(`${index} ${at} ${actor} ${subject}: ${message}`)}\n`)
        }
        if (next === null || terminal.signal.aborted) return
        after = next
      }
      terminal.say(`there is more: go on with --after ${after}\n`)
    })

  withConnection(audit.command('receipt'))
    .description('what an agent signed of one run, and what came of each object')
    .argument('<cluster>')
    .argument('<id>', 'as `swell get receipts` shows it')
    .addOption(outputOption('text'))
    .action(async (name: string, id: string, flags: ConnectionFlags & { output: string }) => {
      const client = await context.connect(flags)
      const { signal } = terminal
      const receipt = await readReceipt(client, { name, id }, signal)
      if (isData(flags.output)) return printData(terminal, flags.output, receipt)
      const { application, outcome, objects, generation, at, resultsKept } = receipt
      const words = `${application} on ${name}: ${outcome}, ${objects} objects, generation ${generation}, signed at ${at}`
      terminal.out(`${escapeLine(words)}\n`)
      for (const { object, result, resourceVersion, code } of receipt.items) {
        terminal.out(`${escapeLine([object, result, resourceVersion, code].join('  ').trim())}\n`)
      }
      if (!resultsKept) terminal.say('what came of each object is no longer kept\n')
    })

  audit
    .command('export')
    .description(
      'the lines of a range, as JSON lines that `verify` takes or as a table; exits with 1 when the ledger does not hold',
    )
    .argument('<file>', 'ledger.jsonl')
    .option('--from <index>', 'first entry', toIndex)
    .option('--to <index>', 'last entry', toIndex)
    .option('--since <time>', 'from this time on, RFC 3339', toTime)
    .option('--until <time>', 'before this time, RFC 3339', toTime)
    .addOption(new Option('-o, --output <format>').choices(['jsonl', 'csv']).default('jsonl'))
    .action(async (path: string, { output, ...wanted }: ExportFlags) => {
      const text = await read(path)
      const made = failing(() => exportLedger(text, wanted))
      terminal.out(output === 'csv' ? formatCsv(made) : formatExport(made))
      const { from, to, head } = made.range
      terminal.say(`entries ${from} to ${to} of a ledger that ends with ${head.digest}\n`)
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

/** With what came of each object, all pages of it. */

function toIndex(text: string): number {
  const index = Number(text)
  if (!Number.isSafeInteger(index) || index < 1) throw new InvalidArgumentError('not an index')
  return index
}

function toTime(text: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new InvalidArgumentError('not a time like 2026-05-01T06:00:00Z')
  return at
}

/** What does not hold is an answer, not a fault of swell. */
function failing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof HubError) throw new CliFailure(1, error.message, { cause: error })
    throw error
  }
}
