import type { Digest } from '@groundswell/proto/digest.ts'
import { HubError } from '../errors.ts'
import type { RenderEngine } from './engine.ts'
import { renderInputDigest } from './input.ts'

/** Renders that are stopped for their time, in one look at the fleet, before the others of their owner are left for the next. */
export const mostStopped = 4
/** Milliseconds after which what was stopped is tried again; twice as long each time, at most the second. */
export const [firstWaitMs, longestWaitMs] = [30 * 60_000, 16 * 60 * 60_000] as const
/** Inputs that are remembered; the oldest are forgotten first. */
const remembered = 10_000

/**
 * Does renders of one owner. The work has to end with its signal.
 *
 * @throws HubError `render_timeout` for what was stopped, now or before; `busy` for what is not tried in this look; what the work throws
 */
export type Bear = <T>(
  input: Digest,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>

/** One look at the fleet. */
export interface PatientLook {
  readonly of: (owner: string) => Bear
  /** Whether anything is left for the next look. */
  readonly leavesSome: () => boolean
}

/** Begins a look. */
export type Patience = () => PatientLook

/**
 * A render without end takes a worker for all the time a render may take, and who looks at the fleet waits for all
 * of them: a loop in one team's chart would keep everybody's commits waiting, at each look anew. So what was stopped
 * is not tried again for a while unless its input changes, and an owner has so many stopped in one look at most.
 *
 * @param now milliseconds
 */
export function createPatience(now: () => number): Patience {
  const stopped = new Map<
    Digest,
    { readonly error: HubError; readonly until: number; readonly waitMs: number }
  >()

  function remember(input: Digest, { message, cause }: HubError): HubError {
    const before = stopped.get(input)
    const waitMs = before ? Math.min(2 * before.waitMs, longestWaitMs) : firstWaitMs
    const words = `${message}; it is tried again later, or at once when its files or values change`
    const error = new HubError('render_timeout', words, { cause })
    stopped.delete(input)
    stopped.set(input, { error, until: now() + waitMs, waitMs })
    if (stopped.size > remembered) stopped.delete(stopped.keys().next().value!)
    return error
  }

  return function look(): PatientLook {
    const owners = new Map<string, { count: number; readonly spent: AbortController }>()
    let left = false
    const of = (owner: string): Bear => {
      const mine = owners.get(owner) ?? { count: 0, spent: new AbortController() }
      owners.set(owner, mine)
      return async (input, signal, work) => {
        const known = stopped.get(input)
        if (known && now() < known.until) throw known.error
        try {
          mine.spent.signal.throwIfAborted()
          return await work(AbortSignal.any([signal, mine.spent.signal]))
        } catch (error) {
          left ||= error === mine.spent.signal.reason
          if (!(error instanceof HubError) || error.code !== 'render_timeout') throw error
          mine.count += 1
          if (mine.count >= mostStopped) mine.spent.abort(notTried())
          throw remember(input, error)
        }
      }
    }
    return { of, leavesSome: () => left }
  }
}

/** An engine for one owner, in one look. */
export function renderPatiently(engine: RenderEngine, bear: Bear): RenderEngine {
  return {
    ...engine,
    render: (input, files, signal) =>
      bear(renderInputDigest(input, engine.version), signal, (until) =>
        engine.render(input, files, until),
      ),
  }
}

function notTried(): HubError {
  const words = `${mostStopped} renders beside it took too long and were stopped; it is tried at the next look, without them`
  return new HubError('busy', words)
}
