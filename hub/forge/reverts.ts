import { HubError } from '../errors.ts'
import type { Culprit } from './culprit.ts'
import type { RevertingForge } from './revert.ts'

export interface RevertsDeps {
  /** Of a repository; undefined where nothing may be written. */
  readonly forge: (repository: string) => RevertingForge | undefined
  /** What is to be proposed now. */
  readonly list: () => readonly Culprit[]
  /** Keeps that it was proposed; it is listed no more then. */
  readonly record: (culprit: Culprit, url: string) => Promise<unknown>
  /** Milliseconds of a clock nobody sets. */
  readonly clock: () => number
  /** Tells that a host refuses it. */
  readonly tell: (culprit: Culprit, reason: string) => void
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
}

const firstPause = 10_000
const longestPause = 60 * 60_000
/** Culprits whose failures are remembered. */
const remembered = 500

/**
 * Proposes reverts, each once: by what is held now, never by what happened, so that neither a
 * restart nor a host that is away loses one. What a host refuses is tried again, less and less often.
 */
export function createReverts({ forge, list, record, clock, tell, log }: RevertsDeps) {
  const failed = new Map<string, { failures: number; notBefore: number; reason: string }>()
  let running: Promise<void> | undefined

  async function propose(culprit: Culprit, host: RevertingForge, signal: AbortSignal) {
    const { repository, request } = culprit
    const key = `${repository} ${request.commit}`
    const before = failed.get(key)
    if (before && before.notBefore > clock()) return
    try {
      const url = await host.proposeRevert(request, signal)
      await record(culprit, url)
      failed.delete(key)
      log('info', `the revert of ${request.commit} is proposed`, { url })
    } catch (error) {
      if (signal.aborted) return
      const failures = (before?.failures ?? 0) + 1
      const pause = Math.min(longestPause, firstPause * 2 ** (failures - 1))
      const reason = (error as Error).message
      failed.delete(key)
      failed.set(key, { failures, notBefore: clock() + pause, reason })
      for (const oldest of failed.keys()) {
        if (failed.size <= remembered) break
        failed.delete(oldest)
      }
      const code = error instanceof HubError ? error.code : 'internal'
      log('warn', `no revert of ${request.commit} is proposed`, { code, reason })
      if (before?.reason !== reason) tell(culprit, reason)
    }
  }

  async function round(signal: AbortSignal): Promise<void> {
    const seen = new Set<string>()
    for (const culprit of list()) {
      // Of two applications that one commit broke, one proposes.
      const key = `${culprit.repository} ${culprit.request.commit}`
      const host = forge(culprit.repository)
      if (!host || seen.has(key) || signal.aborted) continue
      seen.add(key)
      await propose(culprit, host, signal)
    }
  }

  return {
    /** Proposes what is due; a call while one is at it waits for that one. */
    update(signal: AbortSignal): Promise<void> {
      return (running ??= round(signal).finally(() => (running = undefined)))
    },
  }
}
