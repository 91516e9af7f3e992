import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import { type Command, Option } from 'commander'
import type { Static } from 'typebox'
import { type ClusterDiffView, DiffView } from '../../api/views.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, formatJson } from '../output.ts'
import { createPaint } from '../paint.ts'

interface Flags extends ConnectionFlags {
  readonly cluster?: string
  readonly output: 'text' | 'json'
}

export function addDiff(program: Command, context: CommandContext): void {
  const { terminal } = context
  withConnection(program.command('diff'))
    .description(
      'desired against live state; exits with 0 without differences, 1 with, 2 on errors',
    )
    .argument('<application>')
    .option('--cluster <name>', 'only there')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .action(async (application: string, flags: Flags) => {
      const client = await context.connect(flags)
      const path = `applications/${encodeURIComponent(application)}/diff`
      const query = { cluster: flags.cluster }
      const diff = await ask()
      if (diff.clusters.some(differs)) context.exitCode = 1
      if (flags.output === 'json') return terminal.out(formatJson(diff))
      for (const cluster of diff.clusters) {
        if (differs(cluster)) terminal.out(formatDiff(cluster, createPaint(terminal.color)))
      }
      if (context.exitCode === 0)
        terminal.say(`no differences (clusters: ${diff.clusters.length})\n`)

      async function ask(): Promise<Static<typeof DiffView>> {
        try {
          return await client.ask(path, DiffView, { query, signal: terminal.signal })
        } catch (cause) {
          if (!(cause instanceof CliFailure)) throw cause
          // 1 would be read as "there are differences".
          const { message, hint, lines } = cause
          throw new CliFailure(2, message, { hint, lines, cause })
        }
      }
    })
}

function differs(cluster: ClusterDiffView): boolean {
  return !cluster.upToDate || cluster.driftedObjects > 0
}

function formatDiff(cluster: ClusterDiffView, paint: ReturnType<typeof createPaint>): string {
  const lines = [paint('strong', `cluster ${escapeLine(cluster.cluster)}`)]
  if (cluster.connection.state !== 'Connected') {
    lines.push(`  ${cluster.connection.state}: this is what it last reported`)
  }
  if (!cluster.upToDate) {
    lines.push(paint('removed', `- desired  ${cluster.desiredDigest ?? 'nothing'}`))
    lines.push(paint('added', `+ reported ${cluster.reportedDigest ?? 'nothing'}`))
  }
  for (const drift of cluster.drift) {
    const name = escapeLine(nameObject(drift.object))
    lines.push(drift.missing ? `${name}: missing since ${drift.firstSeen}` : name)
    for (const field of drift.fields) {
      const path = escapeLine(field.path)
      lines.push(paint('removed', `- ${path}: ${escapeLine(field.desired) || '(absent)'}`))
      const by = field.manager && `   # by ${escapeLine(field.manager)}`
      lines.push(paint('added', `+ ${path}: ${escapeLine(field.live) || '(absent)'}${by}`))
    }
  }
  const untold = cluster.driftedObjects - cluster.drift.length
  if (untold > 0) lines.push(`  and ${untold} more drifted objects`)
  return `${lines.join('\n')}\n`
}

function nameObject(id: string): string {
  try {
    return describeObject(parseObjectId(id))
  } catch {
    return id
  }
}
