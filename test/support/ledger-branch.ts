import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ledgerBranch } from '../../hub/ledger/branch/git.ts'
import { emptyChain, followChain } from '../../hub/ledger/chain.ts'

const exec = promisify(execFile)

/** Git in a repository, without the line feed at the end. */
export async function gitIn(directory: string, ...args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024 }
  return (await exec('git', ['-C', directory, ...args], options)).stdout.trimEnd()
}

/** Lines of the ledger at a remote; none where there is no branch. */
export async function readRemoteLedger(repository: string): Promise<string[]> {
  const found = await gitIn(repository, 'for-each-ref', `refs/heads/${ledgerBranch}`)
  return found === '' ? [] : linesOf(repository, ledgerBranch)
}

async function linesOf(repository: string, commit: string): Promise<string[]> {
  const text = await gitIn(repository, 'show', `${commit}:ledger.jsonl`)
  return text === '' ? [] : text.split('\n')
}

/**
 * Judges all that was ever pushed: each commit goes on from the one before, and its ledger from that one's, so that no
 * number ever had two entries. Returns the number of commits.
 */
export async function assertNothingRewritten(repository: string): Promise<number> {
  const commits = (await gitIn(repository, 'rev-list', '--reverse', ledgerBranch)).split('\n')
  assert.equal(
    await gitIn(repository, 'rev-list', '--merges', ledgerBranch),
    '',
    'one commit goes on from one',
  )
  let before: string[] = []
  for (const commit of commits) {
    const lines = await linesOf(repository, commit)
    assert.deepEqual(lines.slice(0, before.length), before, `${commit} took something back`)
    before = lines
  }
  let head = emptyChain
  for (const line of before) head = followChain(head, line).head
  return commits.length
}
