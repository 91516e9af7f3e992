import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { ClusterDiffView } from '../../client/gen/api.ts'
import type { ConnectionFlags } from '../config.ts'
import type { CommandContext } from '../context.ts'
import { CliFailure, type ExitCode } from '../failure.ts'
import { escapeLine, formatJson } from '../output.ts'
import { createPaint } from '../paint.ts'

/** Desired against live state of an application, as its agents reported it. */
export async function diffLive(
  { terminal, connect }: CommandContext,
  application: string,
  flags: ConnectionFlags & { readonly cluster?: string; readonly output: 'text' | 'json' },
): Promise<ExitCode> {
  const client = await connect(flags)
  const diff = await ask()
  const exitCode = diff.clusters.some(differs) ? 1 : 0
  if (flags.output === 'json') {
    terminal.out(formatJson(diff))
    return exitCode
  }
  for (const cluster of diff.clusters) {
    if (differs(cluster)) terminal.out(formatDiff(cluster, createPaint(terminal.color)))
  }
  if (exitCode === 0) terminal.say(`no differences (clusters: ${diff.clusters.length})\n`)
  return exitCode

  async function ask() {
    const clusters: ClusterDiffView[] = []
    const { signal } = terminal
    try {
      let cursor: string | undefined
      do {
        const query = { cluster: flags.cluster, limit: 500, continue: cursor }
        const asked = { path: { name: application }, query, signal }
        const page = await client.call('diffApplication', asked)
        clusters.push(...page.clusters)
        cursor = page.continue ?? undefined
      } while (cursor !== undefined)
      return { application, clusters }
    } catch (cause) {
      if (!(cause instanceof CliFailure)) throw cause
      // 1 would be read as "there are differences".
      const { message, hint, lines } = cause
      throw new CliFailure(2, message, { hint, lines, cause })
    }
  }
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
    const held = drift.contestedBy
      ? `   # ${escapeLine(drift.contestedBy)} undoes repairs: one a minute`
      : ''
    lines.push(`${drift.missing ? `${name}: missing since ${drift.firstSeen}` : name}${held}`)
    for (const field of drift.fields) {
      const path = escapeLine(field.path)
      lines.push(paint('removed', `- ${path}: ${escapeLine(field.desired) || '(absent)'}`))
      const when = field.changedAt ? ` at ${field.changedAt}` : ''
      const by = field.manager && `   # by ${escapeLine(field.manager)}${when}`
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
