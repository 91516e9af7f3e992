/**
 * HTTP/2 PINGs by which either side finds that the other is gone though nothing was closed: a cable,
 * a NAT that forgot. Half a minute at most, whatever the heartbeats of the stream above are; while
 * those are heard, none is sent.
 */
export interface Keepalive {
  /** From the last that was heard to a PING. */
  readonly everyMs: number
  /** What an answer may take before the connection is given up. */
  readonly answerMs: number
}

export const keepalive: Keepalive = { everyMs: 20_000, answerMs: 10_000 }

/** As grpc-js takes it, for a channel as for a server: its servers send none unless they are told. */
export function toKeepaliveOptions({ everyMs, answerMs }: Keepalive) {
  return {
    'grpc.keepalive_time_ms': everyMs,
    'grpc.keepalive_timeout_ms': answerMs,
    'grpc.keepalive_permit_without_calls': 1,
  } as const
}
