import { HubError } from '../errors.ts'
import { hintDelay, nextPollDelay } from './poll.ts'
import type { Mirror } from './source.ts'

/** How a followed repository is; the last good revision stays whatever happens after. */
export interface SourceState {
  readonly revision: string | null
  /** When a fetch last succeeded, milliseconds by the given clock. */
  readonly lastFetchedAt: number | null
  /** When the next fetch begins, unless somebody hints; null while one runs, or when none will. */
  readonly nextFetchAt: number | null
  readonly failure: {
    readonly error: HubError
    readonly since: number
    readonly count: number
  } | null
}

/** Of a source that nobody has looked at. */
export const untouched: SourceState = {
  revision: null,
  lastFetchedAt: null,
  nextFetchAt: null,
  failure: null,
}

export interface FollowOptions {
  /** Milliseconds between fetches when nobody hints; asked before each wait. */
  readonly interval: () => number
  /** As it was when it was followed before. */
  readonly initial?: SourceState
  readonly now: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Settles after so many milliseconds, rejects when the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<unknown>
  /** Called one at a time, and only when the revision is another. A throw is a failed fetch. */
  readonly onRevision: (revision: string) => void | Promise<void>
  readonly onFailure: (error: HubError, state: SourceState) => void
  readonly signal: AbortSignal
}

export interface FollowedSource {
  /** Look soon: a webhook came, or a person asked. */
  hint(): void
  readonly state: SourceState
  /** Settles when the signal has aborted and no fetch runs. */
  readonly ended: Promise<void>
}

/** Keeps one repository up to date: polls, takes hints, backs off, one fetch at a time. */
export function followSource(mirror: Mirror, options: FollowOptions): FollowedSource {
  const { interval, now, random, sleep, onRevision, onFailure, signal } = options
  let state = options.initial ?? untouched
  let hinted = false
  let wake = new AbortController()
  let lastStarted: number | null = null

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      // 1. A burst of hints becomes one fetch now and one after the spacing.
      if (hinted) await pause(hintDelay(now(), lastStarted), signal)
      if (signal.aborted) return
      hinted = false
      lastStarted = now()
      state = { ...state, nextFetchAt: null }

      // 2. Fetch, and tell of a revision that is new.
      await fetchOnce()

      // 3. Wait for the next poll or a hint, whichever is first.
      if (hinted || signal.aborted) continue
      wake = new AbortController()
      const failures = state.failure?.count ?? 0
      const delay = nextPollDelay({ interval: interval(), failures, jitter: random() })
      state = { ...state, nextFetchAt: now() + delay }
      await pause(delay, AbortSignal.any([signal, wake.signal]))
    }
  }

  async function fetchOnce(): Promise<void> {
    try {
      const revision = await mirror.fetch(signal)
      if (signal.aborted) return
      if (revision !== state.revision) await onRevision(revision)
      state = { ...state, revision, lastFetchedAt: now(), failure: null }
    } catch (cause) {
      if (signal.aborted) return
      const error =
        cause instanceof HubError
          ? cause
          : new HubError('internal', `following failed: ${String(cause)}`, { cause })
      const { failure } = state
      state = {
        ...state,
        failure: { error, since: failure?.since ?? now(), count: (failure?.count ?? 0) + 1 },
      }
      onFailure(error, state)
    }
  }

  async function pause(milliseconds: number, until: AbortSignal): Promise<void> {
    if (milliseconds <= 0 || until.aborted) return
    await sleep(milliseconds, until).catch((error: unknown) => {
      if (!until.aborted) throw error
    })
  }

  return {
    hint() {
      hinted = true
      wake.abort()
    },
    get state() {
      return state
    },
    ended: follow(),
  }
}
