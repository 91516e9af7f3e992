/* What a channel of grpc-js gives no way to, by its innards; where a release has none of them, it is as
   it would have been. */

interface Subchannel {
  /** A connection will be tried again. */
  continueConnecting?: boolean
  /** The connection, when there is one. */
  readonly transport?: {
    clearKeepaliveTimeout?(): void
    maybeStartKeepalivePingTimer?(): void
  } | null
}

function subchannelsOf(channel: object): Subchannel[] {
  const { internalChannel } = channel as {
    internalChannel?: {
      subchannelPool?: { pool?: Record<string, readonly { subchannel?: Subchannel }[]> }
    }
  }
  const pool = internalChannel?.subchannelPool?.pool ?? {}
  return Object.values(pool).flatMap((held) => held.flatMap(({ subchannel }) => subchannel ?? []))
}

/**
 * A channel that is closed while it waits to try again does try again, and then holds a connection
 * that nobody has: after an outage, one for each dial that failed.
 */
export function holdAttempts(channel: object): () => void {
  const attempts = subchannelsOf(channel)
  const stop = (): void => {
    for (const attempt of attempts) attempt.continueConnecting = false
  }
  return () => {
    stop()
    // What asks for another attempt does so at the end of this turn.
    setImmediate(stop)
  }
}

/**
 * Something was heard: the next PING is as far away as it was after the last, as gRPC's proposal A8
 * has it and its other libraries do. One that waits for its answer has it.
 */
export function putOffPing(channel: object): void {
  for (const { transport } of subchannelsOf(channel)) {
    if (!transport?.clearKeepaliveTimeout || !transport.maybeStartKeepalivePingTimer) continue
    transport.clearKeepaliveTimeout()
    transport.maybeStartKeepalivePingTimer()
  }
}
