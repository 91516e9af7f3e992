import { HubError } from '../errors.ts'
import type { CommitRollouts, CommitStanding } from '../status/commit-standing.ts'
import type { Forge } from './forge.ts'

export interface CommitStatusesDeps {
  /** Of a repository; undefined where none is kept. */
  readonly forge: (repository: string) => Pick<Forge, 'setStatus'> | undefined
  /** Commits that are on their way, or were of late. */
  readonly list: () => readonly CommitRollouts[]
  readonly judge: (commit: CommitRollouts) => CommitStanding
  /** Tells this hub's statuses from those of another on the same commit. */
  readonly context: string
  /** Milliseconds of a clock nobody sets. */
  readonly clock: () => number
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
}

/** What is shown beside a commit, and when to try again what was not taken. */
interface Shown {
  readonly version: string
  /** Of the last that was taken. */
  readonly text: string
  readonly failures: number
  readonly notBefore: number
}

/** Commits remembered, more than are ever listed; the oldest are forgotten first. */
const remembered = 1_000
/** Statuses written in one round. */
const mostAtOnce = 50
const firstPause = 10_000
const longestPause = 10 * 60_000

/**
 * Keeps one status beside each commit that is rolled out. It looks at where things are, never at
 * what happened: whatever moved between two rounds is one status, and one that did not change is
 * not written. A Git host that is away costs nothing else.
 */
export function createCommitStatuses(deps: CommitStatusesDeps) {
  const shown = new Map<string, Shown>()
  let running: Promise<void> | undefined

  async function show(
    commit: CommitRollouts,
    forge: Pick<Forge, 'setStatus'>,
    signal: AbortSignal,
  ): Promise<void> {
    const key = `${commit.repository} ${commit.commit}`
    const before = shown.get(key)
    const { state, description } = deps.judge(commit)
    const text = `${state} ${description}`
    const keep = (entry: Omit<Shown, 'version'>, taken: boolean) => {
      shown.delete(key)
      // Looked at again, whatever its version, as long as it was not taken.
      shown.set(key, { ...entry, version: taken ? commit.version : '' })
      for (const oldest of shown.keys()) {
        if (shown.size <= remembered) break
        shown.delete(oldest)
      }
    }
    if (text === before?.text) return keep({ text, failures: 0, notBefore: 0 }, true)
    try {
      await forge.setStatus(commit.commit, { context: deps.context, state, description }, signal)
      keep({ text, failures: 0, notBefore: 0 }, true)
    } catch (error) {
      if (signal.aborted) return
      const failures = (before?.failures ?? 0) + 1
      const pause = Math.min(longestPause, firstPause * 2 ** (failures - 1))
      keep({ text: before?.text ?? '', failures, notBefore: deps.clock() + pause }, false)
      const code = error instanceof HubError ? error.code : 'internal'
      const message = `no status beside ${commit.commit} of ${commit.repository}`
      deps.log('warn', message, { code, reason: (error as Error).message })
    }
  }

  async function round(signal: AbortSignal): Promise<void> {
    const now = deps.clock()
    let left = mostAtOnce
    for (const commit of deps.list()) {
      const forge = deps.forge(commit.repository)
      const known = shown.get(`${commit.repository} ${commit.commit}`)
      if (!forge || known?.version === commit.version || (known?.notBefore ?? 0) > now) continue
      if ((left -= 1) < 0 || signal.aborted) return
      await show(commit, forge, signal)
    }
  }

  return {
    /** Brings all statuses up to date; a call while one is at it waits for that one. */
    update(signal: AbortSignal): Promise<void> {
      return (running ??= round(signal).finally(() => (running = undefined)))
    },
  }
}
