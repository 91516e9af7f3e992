import { join } from 'node:path'
import { HubError } from '../../../errors.ts'
import { RunFailure, type RunProgram } from '../../../fork-server/run.ts'
import type { Credential } from '../../../source/credential.ts'
import { readAccess } from '../../../source/fs.ts'
import { buildGitEnvironment } from '../../../source/git-environment.ts'
import { explainGitFailure } from '../../../source/git-fault.ts'
import { parseLedgerRemote } from '../../address.ts'

/** The Git server that has the ledger, and what it is shown. */
export interface RemoteAccess {
  /** Without a password. */
  readonly url: string
  /** Read for each conversation, so that a rotated one is used at once. */
  readonly credential?: () => Credential | undefined
}

/**
 * Runs one Git command that talks to the remote; resolves with what it printed.
 *
 * @throws HubError that says what is wrong with the remote or the credential, not that it is the ledger's
 */
export type Converse = (args: readonly string[], deadlineMs: number) => Promise<string>

/** What a server says of a branch that it does not take. */
const rejection = /^ ! \[(?:remote )?rejected\] .*\(([^)\p{Cc}]{1,200})\)$/mu
const printedBytes = 1024 * 1024

/**
 * Conversations with the ledger's remote, on the repository around the ledger's file. The credential is in
 * Git's environment alone, and nothing of this account's own configuration has a part in it.
 *
 * @param directory of the ledger's file
 * @param run runs Git
 * @throws HubError `source_refused` for a URL that reaches no Git
 */
export function createConverse(
  directory: string,
  { url, credential = () => undefined }: RemoteAccess,
  run: RunProgram,
): Converse {
  const address = parseLedgerRemote(url)
  const repository = join(directory, '.git')
  const path = process.env['PATH'] ?? '/usr/bin:/bin'
  return async (args, deadlineMs) => {
    const access = await readAccess({
      name: 'ledger',
      address,
      credential: credential(),
      readSecret: refuseSecrets,
      directory: repository,
      signal: AbortSignal.timeout(deadlineMs),
    })
    const env = buildGitEnvironment(repository, path, access, [address.protocol])
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      const options = { cwd: directory, env, signal, maxBytes: printedBytes }
      return (await run('git', args, options)).stdout.trim()
    } catch (cause) {
      throw explain(cause, signal.aborted ? deadlineMs : undefined)
    } finally {
      await access.dispose()
    }
  }
}

function explain(cause: unknown, deadlineMs: number | undefined): HubError {
  if (deadlineMs !== undefined) {
    return new HubError('source_unreachable', `no answer within ${deadlineMs} ms`, { cause })
  }
  const rejected = cause instanceof RunFailure ? rejection.exec(cause.stderr)?.[1] : undefined
  if (rejected !== undefined) {
    const words = `the branch was not taken (${rejected}); see what protects it there, and who else pushes to it`
    return new HubError('source_refused', words, { cause })
  }
  const { code, message } = explainGitFailure(cause)
  return new HubError(code, message, { cause })
}

async function refuseSecrets(): Promise<never> {
  throw new HubError('source_refused', 'a Secret is not read for the ledger')
}
