import { summarizeCheck } from '../check/check-markdown.ts'
import type { CheckReport } from '../check/check.ts'
import { formatComment } from '../check/comment.ts'
import type { FleetDiff } from '../check/fleet-diff.ts'
import { HubError } from '../errors.ts'
import { type CiChange, readCiChange } from '../forge/ci.ts'
import { CliFailure, type ExitCode } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** Where an answer is posted, and what opens it. */
export interface Place {
  readonly change: CiChange
  readonly token: string
  /** Told apart from the checks of other directories of the same repository. */
  readonly name: string
}

/** Longest for all requests together, in milliseconds. */
const deadline = 120_000

/**
 * Finds the change that the pipeline runs for, before anything is checked.
 *
 * @throws CliFailure when this is no pipeline, or there is no token
 */
export async function findPlace(
  terminal: Terminal,
  { forgeTokenFile, path }: { readonly forgeTokenFile?: string; readonly path: string },
): Promise<Place> {
  const { env } = terminal
  const eventFile = env['GITHUB_EVENT_PATH']
  const event = eventFile ? await terminal.readFile(eventFile) : undefined
  const change = readCiChange(env, event)
  if (!change) {
    throw new CliFailure(2, '--post: this is no pipeline of GitHub, GitLab or Gitea', {
      hint: 'leave --post out, and take -o markdown',
    })
  }
  const token =
    forgeTokenFile === undefined
      ? env['SWELL_FORGE_TOKEN']
      : await terminal.readFile(forgeTokenFile)
  if (!token?.trim()) {
    throw new CliFailure(2, '--post: there is no token', {
      hint: 'set SWELL_FORGE_TOKEN or --forge-token-file',
    })
  }
  const name = path === '.' ? 'groundswell/check' : `groundswell/check (${path})`
  return { change, token: token.trim(), name }
}

/**
 * Posts one status on the commit and, where it is of a change, one comment.
 *
 * @throws CliFailure 2: an answer that nobody sees is none
 */
export async function postCheck(
  terminal: Terminal,
  { change, token, name }: Place,
  given: {
    readonly report: CheckReport
    readonly diff: FleetDiff | undefined
    readonly exitCode: ExitCode
  },
): Promise<void> {
  const { report, diff, exitCode } = given
  const { commit, change: number, url } = change
  const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(deadline)])
  const forge = await terminal.openForge(change, token)
  const states = ['success', 'failure', 'error'] as const
  try {
    await forge.setStatus(
      commit,
      {
        ...{ context: name, state: states[exitCode], description: summarizeCheck(report) },
        ...(url !== undefined && { url }),
      },
      signal,
    )
    if (number === undefined) return
    const marker = `<!-- ${name.replaceAll('--', '- -').replaceAll('>', '')} -->`
    await forge.putComment(number, marker, formatComment(report, diff), signal)
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause
    throw new CliFailure(2, `the answer cannot be posted: ${cause.message}`, { cause })
  } finally {
    await forge.close()
  }
}
