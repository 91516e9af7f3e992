import type { FastifyReply, FastifyRequest } from 'fastify'
import { createRateLimit } from '../sync/rate-limit.ts'
import { RequestError } from './problem.ts'

export interface ThrottleOptions {
  /** Calls a second of one caller; twice as many at once. */
  readonly perCaller: number
  /** Of all callers together. */
  readonly perSecond: number
  /** Calls a second of one address that name nobody we know, and as many of those that cost something. */
  readonly strangers: number
  /** Milliseconds. */
  readonly clock: () => number
}

export interface Throttle {
  /** @throws RequestError `too_many_requests` */
  take(request: FastifyRequest, reply: FastifyReply): void
  /** Counts a call that named nobody. @throws RequestError `too_many_requests` */
  refuse(request: FastifyRequest, reply: FastifyReply): void
  /**
   * Counts a stranger's call that costs something, by itself: after a restart dashboards name nobody,
   * and their people log in anew. @throws RequestError `too_many_requests`
   */
  admit(request: FastifyRequest, reply: FastifyReply): void
}

/** One caller, however busy, leaves room for the others; who guesses tokens gets few guesses. */
export function createThrottle({
  perCaller,
  perSecond,
  strangers,
  clock,
}: ThrottleOptions): Throttle {
  const callers = createRateLimit({ perSecond, perCaller })
  const byAddress = { perSecond: strangers * 10, perCaller: strangers }
  const [refused, admitted] = [createRateLimit(byAddress), createRateLimit(byAddress)]

  function pass(passed: boolean, reply: FastifyReply): void {
    if (passed) return
    void reply.header('retry-after', '1')
    throw new RequestError('too_many_requests', 'Wait a second, and ask less often')
  }

  return {
    take: (request, reply) => pass(callers(request.principal!.actor, clock()), reply),
    refuse: (request, reply) => pass(refused(addressOf(request), clock()), reply),
    admit: (request, reply) => pass(admitted(addressOf(request), clock()), reply),
  }
}

/** The peer's own: what a header says of others anybody can write. */
function addressOf({ socket }: FastifyRequest): string {
  return socket.remoteAddress ?? ''
}
