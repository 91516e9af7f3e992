import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HubError } from '../errors.ts'
import type { ReplicatedLedger } from './entry.ts'
import { type Admit, openJournal } from './fs.ts'

/** Branch the ledger is committed to, here and at the remote. */
export const ledgerBranch = 'groundswell-ledger'

export interface LedgerOptions {
  readonly clock: () => number
  /** Who the commits are by. */
  readonly author: { readonly name: string; readonly email: string }
  /** Repository the branch is pushed to; an unreachable one never holds up an append. */
  readonly remote?: string
  /** An SSH private key that its commits are signed by; none are when left out. */
  readonly signingKey?: string
  readonly admit?: Admit
  readonly log?: (level: 'info' | 'warn', message: string, cause?: unknown) => void
  /** Milliseconds between commits at the least; 2 s by default. */
  readonly commitInterval?: number
}

const fileName = 'ledger.jsonl'
/** The remote's branch as it was seen last. */
const remoteRef = 'refs/seen/ledger'
const gitTimeout = 30_000
/** A commit stores the file anew, so it may take at most this share of the time: one in twenty. */
const restFactor = 20
const maxPushDelay = 300_000
const exec = promisify(execFile)

/**
 * Opens the ledger in a directory of its own: `ledger.jsonl`, durable by itself, and a Git
 * repository around it that gets a commit of it every now and then. A missing file is restored
 * from the branch, here or at the remote.
 *
 * @throws HubError `ledger_corrupt`, `ledger_unwritable`.
 */
export async function openLedger(
  directory: string,
  options: LedgerOptions,
): Promise<ReplicatedLedger> {
  const { clock, remote, log = () => undefined } = options
  const repository = createRepository(directory, options)
  const path = join(directory, fileName)
  const journal = await openJournal(path, clock, options.admit)
  if (journal.torn > 0) {
    log('warn', `the ledger's last line was unfinished; ${journal.torn} bytes were cut off`)
  }
  await repository.init()
  if (journal.head === 0 && (await repository.restore(remote, log))) {
    await journal.close()
    return openLedger(directory, options)
  }

  const minInterval = options.commitInterval ?? 2_000
  let committed = -1
  let pushed = true
  let pushDelay = minInterval
  let nextPush = 0
  let rest = minInterval
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()
  let closing = false

  async function record(final: boolean): Promise<void> {
    const started = performance.now()
    if (journal.head !== committed && journal.head > 0) {
      const head = journal.head
      try {
        if (await repository.commit(`Ledger up to entry ${head}`)) pushed = false
        committed = head
      } catch (error) {
        log('warn', 'the ledger could not be committed; it is safe in its file', error)
      }
    }
    rest = Math.max(minInterval, (performance.now() - started) * restFactor)
    if (remote === undefined || pushed || (!final && performance.now() < nextPush)) return
    try {
      await repository.push(remote).catch(async (error: unknown) => {
        if (!(await repository.rebase(remote))) throw error
        log('info', 'the ledger goes on from what the remote has of it')
        await repository.push(remote)
      })
      pushed = true
      pushDelay = minInterval
    } catch (error) {
      pushDelay = Math.min(pushDelay * 2, maxPushDelay)
      nextPush = performance.now() + pushDelay
      log('warn', 'the ledger could not be pushed and will be tried again', error)
    }
  }

  async function recordAgain(): Promise<void> {
    await record(false)
    timer = undefined
    if (journal.head !== committed || (remote !== undefined && !pushed)) schedule()
  }

  function schedule(): void {
    if (timer !== undefined || closing) return
    const delay = pushed ? rest : Math.max(rest, nextPush - performance.now())
    timer = setTimeout(() => {
      working = recordAgain()
    }, delay)
    timer.unref()
  }

  if (journal.head > 0) schedule()
  return {
    get head() {
      return journal.head
    },
    get end() {
      return journal.end
    },
    async append(actor, decisions) {
      const entries = await journal.append(actor, decisions)
      schedule()
      return entries
    },
    async adopt(lines) {
      const entries = await journal.adopt(lines)
      schedule()
      return entries
    },
    read: (after) => journal.read(after),
    async close() {
      if (closing) return
      closing = true
      clearTimeout(timer)
      await working
      await journal.close()
      await record(true)
    },
  }
}

function createRepository(
  directory: string,
  { author, signingKey }: Pick<LedgerOptions, 'author' | 'signingKey'>,
) {
  const environment = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    SSH_AUTH_SOCK: process.env['SSH_AUTH_SOCK'],
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:file',
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  }
  const signing =
    signingKey === undefined ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${signingKey}`]
  const signs = signingKey === undefined ? '--no-gpg-sign' : '--gpg-sign'
  async function git(...args: readonly string[]): Promise<string> {
    const hardened = ['-c', 'core.hooksPath=/dev/null', '-c', 'gc.autoDetach=false', ...signing]
    const { stdout } = await exec('git', [...hardened, '-C', directory, ...args], {
      env: environment,
      timeout: gitTimeout,
      maxBuffer: 1024 * 1024,
    })
    return stdout
  }
  const ref = `refs/heads/${ledgerBranch}`
  const succeeds = (...args: readonly string[]) =>
    git(...args).then(
      () => true,
      () => false,
    )

  return {
    async init(): Promise<void> {
      try {
        // A repository further up must never be taken for ours.
        if (await exists(join(directory, '.git'))) {
          // Left by a hub that was killed; nobody else uses this repository.
          await rm(join(directory, '.git', 'index.lock'), { force: true })
          return
        }
        await git('init', '--quiet', `--initial-branch=${ledgerBranch}`)
      } catch (cause) {
        throw new HubError('ledger_unwritable', `no Git repository can be made in ${directory}`, {
          cause,
        })
      }
    },
    /** Brings a lost file back from the newest commit there is; false when there is none. */
    async restore(remote: string | undefined, log: NonNullable<LedgerOptions['log']>) {
      try {
        if (!(await succeeds('rev-parse', '--quiet', '--verify', ref))) {
          if (remote === undefined) return false
          if ((await git('ls-remote', '--', remote, ref)).trim() === '') return false
          await git('fetch', '--quiet', '--update-head-ok', '--', remote, `${ref}:${ref}`)
        }
        await git('checkout', '--quiet', '--force', ledgerBranch, '--', fileName)
      } catch (cause) {
        // Starting an empty chain beside a full one would fork history.
        throw new HubError('ledger_unwritable', 'whether there is a ledger in Git is not known', {
          cause,
        })
      }
      log('info', 'the ledger was restored from its Git branch')
      return true
    },
    /** False when the branch already has it. */
    async commit(message: string): Promise<boolean> {
      const commit = ['commit', '--quiet', signs, '--message', message, '--', fileName]
      // One process as a rule: starting one holds the hub up. Otherwise it is new, or unchanged.
      if (await succeeds(...commit)) return true
      await git('add', '--', fileName)
      if (await succeeds('diff', '--cached', '--quiet')) return false
      await git(...commit)
      return true
    },
    /**
     * Has our branch go on from the remote's, where what that has is the beginning of our file, as after a
     * loss of the history around it. False where it has other entries: those are never written over.
     */
    async rebase(remote: string): Promise<boolean> {
      try {
        await git('fetch', '--quiet', '--no-tags', '--', remote, `+${ref}:${remoteRef}`)
        const [blob, size] = [
          (await git('rev-parse', `${remoteRef}:${fileName}`)).trim(),
          Number(await git('cat-file', '-s', `${remoteRef}:${fileName}`)),
        ]
        if (blob !== (await blobOfBeginning(join(directory, fileName), size))) return false
        const message = 'Ledger, after what the remote has'
        const commit = ['commit-tree', ...(signingKey === undefined ? [] : ['-S'])]
        const made = await git(...commit, '-p', remoteRef, '-m', message, `${ref}^{tree}`)
        await git('update-ref', ref, made.trim())
        return true
      } catch {
        return false
      }
    },
    async push(remote: string): Promise<void> {
      await git('push', '--quiet', '--', remote, `${ref}:${ref}`)
    },
  }
}

/** Git's name of the first so many bytes of a file, as if they were all of it. */
async function blobOfBeginning(path: string, size: number): Promise<string | undefined> {
  const file = await open(path)
  try {
    if ((await file.stat()).size < size) return undefined
    const hash = createHash('sha1').update(`blob ${size}\0`)
    if (size > 0)
      for await (const part of file.createReadStream({ end: size - 1 })) hash.update(part as Buffer)
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
