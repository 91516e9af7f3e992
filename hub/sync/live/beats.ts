import {
  type Pulse,
  type PulseBounds,
  isBeatDue,
  judgeSilence,
  noteAnswered,
  noteHeard,
  startPulse,
} from './pulse.ts'

/** What can be done with a stream. */
export interface BeatsDeps<Call> {
  readonly bounds: PulseBounds
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  /** Calls back each `ms` until the returned function is called; given in, so that tests own time. */
  readonly every: (ms: number, run: () => void) => () => void
  /** Whether what comes is taken: it is not the agent that is silent while nobody listens. */
  readonly isListening: (call: Call) => boolean
  /** Whether all that it was told has left. */
  readonly isDrained: (call: Call) => boolean
  /** Has the hub's heartbeat sent to all of them. */
  readonly tell: (calls: readonly Call[]) => void
  /** Sends a PING; false when there is no connection of its own that could answer. */
  readonly ask: (call: Call, onAnswer: () => void) => boolean
  /** Ends the connection. */
  readonly lose: (call: Call) => void
  /** Ends the stream with a word. */
  readonly giveUp: (call: Call) => void
}

/** The heartbeats of all streams. */
export interface Beats<Call> {
  /** What it returns is called whenever something came of the stream. */
  watch(call: Call): () => void
  forget(call: Call): void
}

/** A look that comes so many times later than it should was held up with all else. */
const lateLooks = 5

/**
 * All streams are looked at together, and those that are due are told together that the hub is
 * there: a thousand timers would each wake a hub that has nothing to do, and so would the answers.
 */
export function createBeats<Call>(deps: BeatsDeps<Call>): Beats<Call> {
  const { bounds, monotonic } = deps
  const pulses = new Map<Call, Pulse>()
  let stop: (() => void) | undefined
  let lookedAt = 0

  function look(): void {
    const now = monotonic()
    const isLate = now - lookedAt > bounds.lookMs * lateLooks
    lookedAt = now
    // Who was stopped has not listened either: what came meanwhile is taken in before anybody is judged.
    if (isLate) return
    const due: Call[] = []
    for (const [call, pulse] of pulses) {
      switch (judgeSilence(pulse, now, deps.isListening(call), bounds)) {
        case 'lost':
          forget(call)
          deps.lose(call)
          continue
        case 'silent':
          forget(call)
          deps.giveUp(call)
          continue
        case 'ask':
          ask(call, pulse, now)
          break
        case 'none':
          break
      }
      // A peer that takes nothing is told nothing more: what waits for it is alive as it is.
      if (!isBeatDue(pulse, now, bounds) || !deps.isDrained(call)) continue
      pulse.toldAt = now
      due.push(call)
    }
    if (due.length > 0) deps.tell(due)
  }

  function ask(call: Call, pulse: Pulse, now: number): void {
    pulse.askedAt = now
    const onAnswer = (): void => noteAnswered(pulse, monotonic())
    if (!deps.ask(call, onAnswer)) onAnswer()
  }

  function forget(call: Call): void {
    pulses.delete(call)
    if (pulses.size > 0) return
    stop?.()
    stop = undefined
  }

  return {
    watch(call) {
      const pulse = startPulse(monotonic())
      pulses.set(call, pulse)
      if (!stop) {
        lookedAt = monotonic()
        stop = deps.every(bounds.lookMs, look)
      }
      return () => noteHeard(pulse, monotonic())
    },
    forget,
  }
}
