import { type Command, Option } from 'commander'
import { summarizeCheck } from '../../check/check-markdown.ts'
import type { CheckReport } from '../../check/check.ts'
import { formatComment } from '../../check/comment.ts'
import type { Finding } from '../../check/finding.ts'
import type { FleetDiff } from '../../check/fleet-diff.ts'
import { toCheckSarif } from '../../check/sarif.ts'
import { describeClusters } from '../../check/where.ts'
import { HubError } from '../../errors.ts'
import hub from '../../package.json' with { type: 'json' }
import { type CheckoutFlags, toSelection, useCheckout, withCheckout } from '../checkout.ts'
import type { AskLive } from '../../check/live.ts'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import type { ExitCode } from '../failure.ts'
import { escapeLine, formatJson } from '../output.ts'
import { createPaint } from '../paint.ts'
import { findPlace, postCheck } from '../post.ts'

interface Flags extends CheckoutFlags, ConnectionFlags {
  readonly live?: true
  readonly at?: string
  readonly base?: string
  readonly strict?: true
  readonly post?: true
  readonly forgeTokenFile?: string
  readonly output: 'text' | 'markdown' | 'json' | 'sarif'
}

const formats = ['text', 'markdown', 'json', 'sarif']

export function addCheck(program: Command, context: CommandContext): void {
  const { terminal } = context
  withCheckout(withConnection(program.command('check')))
    .description(
      'lint, render and judge a checkout for every cluster, without a hub unless --live asks one; exits with 0 when all is well, 1 when something is wrong, 2 when not all could be checked',
    )
    .option('--at <commit>', 'this commit; the files as they lie there when left out')
    .option('--live', 'ask the clusters themselves, through the hub: a dry run, nothing is written')
    .option('--strict', 'warnings are wrong too')
    .option('--base <commit>', 'tell in a comment what changes since this commit, too')
    .option('--post', 'one status and one comment on the change this pipeline runs for')
    .option('--forge-token-file <file>', 'for --post (or SWELL_FORGE_TOKEN)')
    .addOption(new Option('-o, --output <format>').choices(formats).default('text'))
    .action(async (flags: Flags) => {
      const place = flags.post && (await findPlace(terminal, flags))
      const live = flags.live && askThrough(await context.connect(flags))
      const { report, diff } = await useCheckout(context, flags, async (checkout) => {
        const { at, base } = flags
        const selection = toSelection(flags)
        const signal = terminal.signal
        const report = await checkout.check(
          { ...selection, ...(at !== undefined && { at }), ...(live && { live }) },
          signal,
        )
        // Faults of the fleet's own files are told by the check; there is nothing to compare then.
        if (base === undefined || report.counts.applications === 0)
          return { report, diff: undefined }
        const range = { base, head: at, sinceParting: false }
        const diff = await checkout.diff({ ...selection, ...range }, signal).catch(tellWhy)
        return { report, diff }
      })
      context.exitCode = exitCodeOf(report, flags.strict ?? false)
      terminal.out(format({ report, diff }, flags.output, createPaint(terminal.color)))
      terminal.say(`${escapeLine(summarizeCheck(report))}\n`)
      if (place) await postCheck(terminal, place, { report, diff, exitCode: context.exitCode })
    })

  /** A change that mends a fleet nobody could read has nothing to be compared with. */
  function tellWhy(error: unknown): undefined {
    if (!(error instanceof HubError) || error.code !== 'fleet_invalid') throw error
    terminal.say(`no diff: ${escapeLine(error.message)}\n`)
  }
}

function askThrough(client: Client): AskLive {
  return (cluster, request, signal) =>
    client.call('dryRun', { path: { name: cluster }, body: request, signal })
}

/** What is wrong is wrong, whatever else was not looked at. */
function exitCodeOf({ verdict, counts }: CheckReport, strict: boolean): ExitCode {
  if (verdict === 'failed' || (strict && counts.warnings > 0)) return 1
  return verdict === 'passed' ? 0 : 2
}

function format(
  { report, diff }: { readonly report: CheckReport; readonly diff: FleetDiff | undefined },
  output: Flags['output'],
  paint: ReturnType<typeof createPaint>,
): string {
  switch (output) {
    case 'text':
      return formatText(report, paint)
    case 'markdown':
      return formatComment(report, diff)
    case 'json':
      return formatJson(report)
    case 'sarif':
      return formatJson(toCheckSarif(report, hub.version))
    default:
      return output satisfies never
  }
}

function formatText(report: CheckReport, paint: ReturnType<typeof createPaint>): string {
  const findings = report.findings.map((finding) =>
    formatFinding(finding, report.counts.clusters, paint),
  )
  const unchecked = report.unchecked.map(({ application, reason }) =>
    escapeLine(`not checked: Application ${application}: ${reason}`),
  )
  return [...findings, ...unchecked].map((line) => `${line}\n`).join('')
}

function formatFinding(
  finding: Finding,
  total: number,
  paint: ReturnType<typeof createPaint>,
): string {
  const { severity, rule, message, repository, file, line, column, object, clusters } = finding
  const place = [file, line, column].filter(Boolean).join(':')
  const within = repository === 'fleet' ? place : `${repository}//${place}`
  const on = describeClusters(clusters, total)
  const words = [object, `${message}${on && `; on ${on}`}`].filter(Boolean).join(': ')
  const tone = severity === 'error' ? 'removed' : 'strong'
  return `${escapeLine(within)}: ${paint(tone, severity)}: ${escapeLine(words)} [${escapeLine(rule)}]`
}
