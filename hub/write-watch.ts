import type { Log } from './log.ts'

/** Whether Redis takes what is written to it, and still has it; a connection that stands says nothing of that. */
export interface WriteWatch {
  /** Tries once, if it is not trying already. Never throws; says so when the answer is another than before. */
  look(): Promise<void>
  /** As of the last look. */
  takesNothing(): boolean
  /** Whether an error says only what is said here: it is counted then, and is not to be told by itself. */
  hears(error: unknown): boolean
}

export interface WriteWatchDeps {
  /** One that is away is told by its connection, not here. */
  readonly isConnected: () => boolean
  /** Writes a mark, and tells whether the one before was still there; rejects when nothing is taken, within seconds. */
  readonly mark: () => Promise<'kept' | 'lost'>
  /** Redis was emptied: what is rebuilt from memory is to be written again. */
  readonly onLost: () => Promise<void>
  /** Whether an error is Redis' word that it takes nothing, or none at all. */
  readonly isRefusal: (error: unknown) => 'refused' | 'silent' | 'other'
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
}

/** Milliseconds after which it is said again that Redis still takes nothing. */
const againMs = 5 * 60_000
/** A refusal of one connection, while another may write, is told so often (milliseconds). */
const strayMs = 60_000

/** Notices a Redis that is full, may not be written or hangs while its connection stands, or that was emptied. */
export function createWriteWatch(deps: WriteWatchDeps): WriteWatch {
  const { isConnected, mark, onLost, isRefusal, log, monotonic } = deps
  let refused = false
  let looking = false
  let untold = 0
  let saidAt = 0
  let strayAt = -Infinity

  function say(err: unknown): void {
    const now = monotonic()
    if (refused && now - saidAt < againMs) return
    const message = refused
      ? 'Redis still takes nothing'
      : 'Redis takes nothing: rollouts stand still until it does, agents go on; give it memory or disk, or name the one that may be written'
    log.warn({ err, ...(untold > 0 && { untold }) }, message)
    saidAt = now
    untold = 0
  }

  async function tryOnce(): Promise<void> {
    if (!isConnected()) {
      refused = false
      return
    }
    let had: 'kept' | 'lost'
    try {
      had = await mark()
    } catch (err) {
      // A connection that broke meanwhile is not one that stands.
      const isRefused = isConnected()
      if (isRefused) say(err)
      refused = isRefused
      return
    }
    if (refused) log.info(untold > 0 ? { untold } : {}, 'Redis takes what is written again')
    refused = false
    untold = 0
    if (had === 'lost') await onLost()
  }

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      await tryOnce()
    } catch (err) {
      log.warn({ err }, 'Redis was emptied, and not all was written to it again yet; it will be')
    } finally {
      looking = false
    }
  }

  return {
    look,
    takesNothing: () => refused,
    hears(error) {
      const kind = isRefusal(error)
      if (kind === 'other' || (kind === 'silent' && !refused)) return false
      const now = monotonic()
      if (!refused && now - strayAt >= strayMs) {
        strayAt = now
        void look()
        return false
      }
      untold += 1
      return true
    },
  }
}
