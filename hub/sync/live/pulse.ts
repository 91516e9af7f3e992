/* Who lives at the other end of a stream, by what was heard of it: what to do when, as a decision. */

/** One stream's, in milliseconds of a clock that nobody sets. */
export interface Pulse {
  /** When something was last heard of the agent itself. */
  heardAt: number
  /** When its connection last gave a sign: something was heard, or a PING was answered. */
  aliveAt: number
  /** When it was last told that the hub is there. */
  toldAt: number
  /** When the PING was sent that is not answered yet. */
  askedAt: number | undefined
}

export interface PulseBounds {
  /** From one look at all streams to the next. */
  readonly lookMs: number
  /** From one heartbeat of the hub to the next. */
  readonly beatMs: number
  /** An agent that was not heard for so long counts as gone, though its connection lives. */
  readonly silentMs: number
  /** A connection without a sign for so long is asked for one by a PING. */
  readonly askMs: number
  /** What the answer may take. */
  readonly answerMs: number
}

/** Heartbeats an agent may miss before its stream counts as dead. */
const silentBeats = 3
/** Looks are so far apart at most. */
const lookAtMostMs = 1_000
/** Of the time between heartbeats as announced: one comes before anybody misses it. */
const early = 0.85

/**
 * A heartbeat is answered by one, so that a stream on which all is well needs no PING: there is a
 * sign of it in each `everyMs`, where that is as long as a heartbeat. Both bounds of a PING hold
 * however the looks fall.
 */
export function boundPulse(
  heartbeatSeconds: number,
  { everyMs, answerMs }: { readonly everyMs: number; readonly answerMs: number },
): PulseBounds {
  const beat = heartbeatSeconds * 1000
  const lookMs = Math.min(lookAtMostMs, beat / 10, everyMs / 10, answerMs / 10)
  return {
    lookMs,
    beatMs: beat * early,
    silentMs: beat * silentBeats,
    askMs: everyMs - lookMs,
    answerMs: answerMs - lookMs,
  }
}

export function startPulse(now: number): Pulse {
  return { heardAt: now, aliveAt: now, toldAt: now, askedAt: undefined }
}

/** The agent spoke: no answer to a PING is waited for. */
export function noteHeard(pulse: Pulse, now: number): void {
  pulse.heardAt = now
  noteAnswered(pulse, now)
}

export function noteAnswered(pulse: Pulse, now: number): void {
  pulse.aliveAt = now
  pulse.askedAt = undefined
}

export function isBeatDue({ toldAt }: Pulse, now: number, { beatMs }: PulseBounds): boolean {
  return now - toldAt >= beatMs
}

/**
 * `ask`: by a PING. `lost`: the connection is dead. `silent`: the agent is, unless it is this side
 * that does not listen.
 */
export type Silence = 'none' | 'ask' | 'lost' | 'silent'

export function judgeSilence(
  { heardAt, aliveAt, askedAt }: Pulse,
  now: number,
  isListening: boolean,
  { silentMs, askMs, answerMs }: PulseBounds,
): Silence {
  if (isListening && now - heardAt > silentMs) return 'silent'
  if (askedAt !== undefined) return now - askedAt >= answerMs ? 'lost' : 'none'
  return now - aliveAt >= askMs ? 'ask' : 'none'
}
