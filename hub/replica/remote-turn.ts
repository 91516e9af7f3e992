import { HubError } from '../errors.ts'
import type { LedgerRemote } from '../ledger/remote.ts'

/** What a replica asks of the ledger's remote before it leads. */
export interface RemoteTurn {
  /**
   * Takes in what only the remote has, with nobody leading. False where that cannot be known and has to be:
   * an answer tells all that was decided only when it was asked for after nobody led any more.
   *
   * @param since when nobody led any more, where nothing but the remote tells what was decided before; else undefined
   * @throws HubError `ledger_diverged`, `ledger_newer`
   */
  catchUp(since: number | undefined): Promise<boolean>
  /**
   * Marks the remote for our term, with the lease in our hands and nothing decided yet. False for one that
   * must not lead in this term.
   *
   * @throws HubError as `catchUp`
   */
  claim(term: number): Promise<boolean>
  /** Highest term that the remote tells of. */
  readonly term: number
}

export interface RemoteTurnDeps {
  readonly remote: () => LedgerRemote | undefined
  readonly adopt: (lines: readonly string[]) => Promise<unknown>
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
  /** Asked again after so long, whatever came of it. */
  readonly againMs: number
  readonly log: (level: 'info' | 'warn', message: string, cause?: unknown) => void
}

/** Redis knows the newest entry: then a slow Git host holds nobody up for longer. */
const askMs = 5_000
/** Nothing else knows: it may be all there is. */
const neededMs = 60_000

export function createRemoteTurn(deps: RemoteTurnDeps): RemoteTurn {
  const { adopt, monotonic, againMs, log } = deps
  /** When what was answered last was asked for. */
  let answered = -Infinity
  let refused = -Infinity
  let reached = false
  let term = 0

  async function ask(needed: boolean, remote: LedgerRemote): Promise<boolean> {
    const deadlineMs = needed ? neededMs : askMs
    try {
      term = Math.max(term, await remote.catchUp({ adopt, deadlineMs }))
      reached = true
    } catch (error) {
      reached = false
      if (isRefusal(error)) throw error
      log(
        'warn',
        needed
          ? "neither Redis nor the ledger's remote says what was decided last: this replica waits for one of them"
          : "the ledger's remote was not asked before this replica leads",
        error,
      )
      return !needed
    }
    return true
  }

  return {
    get term() {
      return term
    },
    async catchUp(since) {
      const remote = deps.remote()
      if (!remote) return true
      const asked = monotonic()
      const needed = since !== undefined
      if (answered >= (since ?? asked - againMs)) return true
      if (needed && asked - refused < againMs) return false
      const told = await ask(needed, remote)
      if (told) answered = asked
      else refused = monotonic()
      return told
    },
    async claim(next) {
      const remote = deps.remote()
      answered = -Infinity
      if (!remote || !reached) return true
      try {
        await remote.claim(next, { adopt, deadlineMs: askMs })
        return true
      } catch (error) {
        if (isRefusal(error)) throw error
        if (error instanceof HubError && error.code === 'no_leader') return false
        log('warn', "the ledger's remote was not marked for this replica's term", error)
        return true
      }
    },
  }
}

/** Nothing that time mends. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof HubError && (error.code === 'ledger_diverged' || error.code === 'ledger_newer')
  )
}
