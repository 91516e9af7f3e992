import { join } from 'node:path'
import { HubError } from '../errors.ts'
import type { Seal } from '../replica/seal.ts'
import {
  type Repository,
  type RepositoryOptions,
  createRepository,
  ledgerFile,
} from './branch/git.ts'
import type { RemoteAccess } from './branch/remote/git.ts'
import type { ReplicatedLedger } from './entry.ts'
import { type Admit, type Journal, openJournal } from './fs.ts'
import { type LedgerRemote, createLedgerRemote } from './remote.ts'

export interface LedgerOptions extends RepositoryOptions {
  readonly clock: () => number
  /** Where the branch is pushed; one that is away never holds up an append. */
  readonly remote?: RemoteOptions
  readonly admit?: Admit
  readonly log?: (level: 'info' | 'warn', message: string, cause?: unknown) => void
  /** Told each time that the file is written or not, and that the remote takes it or not. */
  readonly onFault?: (fault: LedgerFault, isFaulty: boolean) => void
  /** Milliseconds between commits at the least; 2 s by default. */
  readonly commitInterval?: number
}

/** What decisions wait for; or a remote that lacks the newest of them. */
export type LedgerFault = 'ledger_unwritable' | 'ledger_unpushed'

export interface RemoteOptions extends RemoteAccess {
  /** Of this fleet: what it did not close is nobody's word. */
  readonly seal: Seal
  /** Of one hub among several; they all push to the one branch, each while it leads. */
  readonly replica?: {
    readonly name: string
    readonly leads: () => boolean
    /** Newest term of the ledger. */
    readonly term: () => number
  }
}

/** A ledger in Git, and what a remote has of it. */
export interface GitLedger extends ReplicatedLedger {
  readonly remote: LedgerRemote | undefined
}

/** A start waits no longer for a remote. */
const lookMs = 5_000
/** Where there is nothing here, it is waited for as long as it takes to fetch all. */
const fetchMs = 120_000
/** Taken in from our own branch in one write. */
const linesAtOnce = 1_000
/** A commit stores the file anew, so it may take at most this share of the time: one in twenty. */
const restFactor = 20
const maxPushDelay = 300_000

/**
 * Opens the ledger in a directory of its own: `ledger.jsonl`, durable by itself, and a Git
 * repository around it that gets a commit of it every now and then. A missing file is restored
 * from the branch, here or at the remote, and what either has beyond its end is taken in.
 *
 * @throws HubError `ledger_corrupt`, `ledger_unwritable`.
 */
export async function openLedger(directory: string, options: LedgerOptions): Promise<GitLedger> {
  const { clock, log = () => undefined, onFault = () => undefined, remote: to } = options
  const repository = createRepository(directory, options, to)
  const path = join(directory, ledgerFile)
  const journal = await openJournal(path, clock, options.admit).catch((error: unknown) => {
    throw adviseOn(error, directory)
  })

  /** False where the repository was there, and could be read. */
  async function begin(): Promise<boolean> {
    const aside = await repository.init(journal.head > 0)
    if (aside === undefined) return false
    const words = `the Git repository around the ledger could not be read: it was moved to ${aside}, and a new one begins with all that is in the ledger's file`
    log('warn', words)
    return true
  }

  if (journal.torn > 0) {
    log('warn', `the ledger's last line was unfinished; ${journal.torn} bytes were cut off`)
  }
  const isAnew = await begin().catch(async (error: unknown) => {
    await journal.close()
    throw error
  })
  if (journal.head === 0 && (await repository.restore())) {
    log('info', 'the ledger was restored from its Git branch')
    await journal.close()
    return openLedger(directory, options)
  }
  await takeFromBranch(journal, repository, log).catch(async (error: unknown) => {
    await journal.close()
    throw error
  })
  const remote =
    to &&
    createLedgerRemote({
      branch: repository,
      url: to.url,
      own: journal,
      seal: to.seal,
      by: to.replica?.name ?? 'the hub',
      alone: to.replica === undefined,
      log,
    })
  try {
    // A backup is of the file alone.
    const isRestored = journal.head > 0 && !isAnew && !(await repository.hasCommit())
    const replicated = to?.replica !== undefined
    if (remote) await takeFromRemote(journal, remote, { replicated, isRestored, log })
  } catch (error) {
    await journal.close()
    throw error
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

  /** Of replicas one history counts, that of the remote: who follows adds nothing to it. */
  const isMine = (): boolean => to?.replica?.leads() ?? true
  const term = (): number => to?.replica?.term() ?? 0

  async function commit(): Promise<boolean> {
    if (remote) return remote.record(term())
    return repository.commit(`Ledger up to entry ${journal.head}`)
  }

  async function mend(): Promise<void> {
    try {
      if (await begin()) remote?.forget()
    } catch (error) {
      log('warn', 'the Git repository around the ledger cannot be made anew yet', error)
    }
  }

  async function record(final: boolean): Promise<void> {
    if (!isMine()) return
    const started = performance.now()
    if (journal.head !== committed && journal.head > 0) {
      const head = journal.head
      try {
        if (await commit()) pushed = false
        committed = head
      } catch (error) {
        log('warn', 'the ledger could not be committed; it is safe in its file', error)
        if (remote) onFault('ledger_unpushed', true)
        await mend()
      }
    }
    rest = Math.max(minInterval, (performance.now() - started) * restFactor)
    if (remote === undefined || pushed || (!final && performance.now() < nextPush)) return
    try {
      await remote.push(term())
      pushed = true
      pushDelay = minInterval
      onFault('ledger_unpushed', false)
    } catch (error) {
      pushDelay = Math.min(pushDelay * 2, maxPushDelay)
      nextPush = performance.now() + pushDelay
      log('warn', 'the ledger could not be pushed and will be tried again', error)
      onFault('ledger_unpushed', true)
    }
  }

  async function recordAgain(): Promise<void> {
    await record(false)
    timer = undefined
    const more = journal.head !== committed || (remote !== undefined && !pushed)
    if (more && isMine()) schedule()
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
    remote,
    get head() {
      return journal.head
    },
    get end() {
      return journal.end
    },
    async append(actor, decisions) {
      try {
        const entries = await journal.append(actor, decisions)
        onFault('ledger_unwritable', false)
        schedule()
        return entries
      } catch (error) {
        const isUnwritable = error instanceof HubError && error.code === 'ledger_unwritable'
        if (isUnwritable && !closing) onFault('ledger_unwritable', true)
        throw error
      }
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

/**
 * What was committed was acknowledged: a file that was cut, or laid there from a backup, takes it in again.
 *
 * @throws HubError `ledger_newer`, `ledger_unwritable`
 */
async function takeFromBranch(
  journal: Journal,
  repository: Repository,
  log: NonNullable<LedgerOptions['log']>,
): Promise<void> {
  const before = journal.head
  let page: string[] = []
  try {
    for await (const line of repository.readBeyond(journal.size)) {
      page.push(line)
      if (page.length < linesAtOnce) continue
      await journal.adopt(page)
      page = []
    }
    if (page.length > 0) await journal.adopt(page)
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'ledger_corrupt') throw error
    const words = `the Git repository around the ledger has a longer one, of which its file is not the beginning; the file counts, and the other stays in the history of the branch`
    return log('warn', words, error)
  }
  if (journal.head === before) return
  const words = `the ledger's file lacked entries ${before + 1} to ${journal.head}: they were taken from the Git repository around it`
  log('warn', words)
}

/** What to do about a file with a damaged line: the branch has all but what came in its last seconds. */
function adviseOn(error: unknown, directory: string): unknown {
  if (!(error instanceof HubError) || error.code !== 'ledger_corrupt') return error
  const message = `${error.message}. Nothing was changed. Move ${join(directory, ledgerFile)} away, and start again: it is restored from the Git repository beside it, and from --ledger-remote where there is one; else restore it from a backup`
  return new HubError(error.code, message, { cause: error })
}

interface Taking {
  readonly replicated: boolean
  readonly isRestored: boolean
  readonly log: NonNullable<LedgerOptions['log']>
}

/** What a start takes from the remote. A replica asks again before it leads; one that is alone asks only now. */
async function takeFromRemote(
  journal: Journal,
  remote: LedgerRemote,
  { replicated, isRestored, log }: Taking,
): Promise<void> {
  const empty = journal.head === 0
  if (replicated && !empty) return
  const adopt = (lines: readonly string[]) => journal.adopt(lines)
  const deadlineMs = empty || isRestored ? fetchMs : lookMs
  try {
    await remote.catchUp({ adopt, deadlineMs, unsealed: !replicated })
  } catch (cause) {
    // Whatever is decided beside a ledger that has more forks history.
    if (empty && !replicated) {
      const message = 'whether there is a ledger in Git is not known'
      throw new HubError('ledger_unwritable', message, { cause })
    }
    if (isRestored && cause instanceof HubError && cause.code === 'source_unreachable') {
      const message = `this ledger is from a backup, and its remote, which may have more, cannot be asked: ${cause.message}. Start again once it can be; or without --ledger-remote, to do without what only it has`
      throw new HubError('ledger_unwritable', message, { cause })
    }
    log('warn', 'nothing was taken from the remote of the ledger', cause)
  }
}
