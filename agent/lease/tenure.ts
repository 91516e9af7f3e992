import { AgentError, toAgentError } from '../errors.ts'
import type { LeaseStore, ReadLease } from './kube.ts'
import { judgeLease, leaseMs, renewMs, takeLease } from './lease.ts'

export interface TenureDeps {
  readonly lease: LeaseStore
  /** This pod; the same when its container starts again. */
  readonly me: string
  readonly version: string
  /** Shows that this one could do the work. @throws AgentError what stands against it */
  readonly prove: (signal: AbortSignal) => Promise<void>
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/** The time for which this agent is the one. */
export interface Tenure {
  /** Fires with AgentError `another_agent` when another one took over. */
  readonly lost: AbortSignal
  /**
   * To be asked before anything is written: an agent that was cut off, or stood still, may have been taken for gone
   * meanwhile. Looks when it has not been heard of for that long.
   *
   * @throws AgentError `another_agent`, or `cluster_unreachable` when nobody can tell
   */
  confirm(): Promise<void>
  /** Lets the next one begin at once. */
  release(): Promise<void>
}

const lookMs = 1_000
/** Between two attempts to prove oneself; longer each time. */
const proveAgain = { firstMs: 2_000, lastMs: 30_000 } as const

/**
 * Waits until it is this agent's turn. One that lives is relieved only by one that has proven that the
 * hub lets it in and that it can verify what runs; so a release that can do neither leaves the old one
 * in place. Null when there is no Lease to go by; undefined when it was asked to stop first.
 */
export async function awaitTenure(
  deps: TenureDeps,
  signal: AbortSignal,
): Promise<Tenure | null | undefined> {
  const { lease, me, version, log } = deps
  let seen = { version: '', at: deps.monotonic() }
  let proveAt = 0
  let waitMs: number = proveAgain.firstMs
  let told = ''

  const tell = (state: string, fields: object): void => {
    if (state !== told) log.info(fields, state)
    told = state
  }

  while (!signal.aborted) {
    const read = await look()
    if (read === null) return null
    if (read) {
      if (read.version !== seen.version) seen = { version: read.version, at: deps.monotonic() }
      const turn = judgeLease(read.record, me, deps.monotonic() - seen.at)
      const { holder } = read.record
      if (turn === 'stand-by') tell('stands by: it was relieved by another agent', { holder })
      if (turn === 'prove')
        tell('another agent runs; to be relieved once this one is proven', { holder })
      if (turn === 'take' || (turn === 'prove' && (await isProven()))) {
        const at = deps.monotonic()
        const taken = await take(read)
        if (taken) {
          log.info(
            { relieved: holder === me ? '' : holder, version },
            'runs the agent of this cluster',
          )
          return keepTenure(taken, at, deps)
        }
      }
    }
    await deps.sleep(lookMs, signal)
  }
  return undefined

  async function look(): Promise<ReadLease | null | undefined> {
    try {
      return await lease.read()
    } catch (error) {
      tell('cannot tell whether another agent runs', { err: error })
      // Nobody can renew what cannot be reached: the silence counts from when it can.
      seen = { version: '', at: deps.monotonic() }
      return undefined
    }
  }

  async function take(read: ReadLease): Promise<ReadLease | null> {
    try {
      return await lease.write(takeLease(read.record, me, version), read)
    } catch (error) {
      tell('cannot take over', { err: error })
      return null
    }
  }

  async function isProven(): Promise<boolean> {
    if (deps.monotonic() < proveAt) return false
    try {
      await deps.prove(signal)
      return true
    } catch (error) {
      const { code, message } = toAgentError(error)
      log.warn({ code, err: error }, `not proven, the other agent stays: ${message}`)
      proveAt = deps.monotonic() + waitMs
      waitMs = Math.min(waitMs * 2, proveAgain.lastMs)
      return false
    }
  }
}

/** Renews until released. An API server that is away ends nothing: then nobody else can take it either. */
function keepTenure(taken: ReadLease, at: number, deps: TenureDeps): Tenure {
  const { lease, me, log } = deps
  const [ending, lost] = [new AbortController(), new AbortController()]
  let current = taken
  let failing = false
  /** When that was asked for by which others still take this one for alive. */
  let aliveAt = at
  let renewing: Promise<void> | undefined

  /** One at a time: two would take each other for somebody else. */
  function renew(): Promise<void> {
    renewing ??= renewNow().finally(() => {
      renewing = undefined
    })
    return renewing
  }

  async function renewNow(): Promise<void> {
    const at = deps.monotonic()
    const written = await lease.write(current.record, current)
    // Or somebody wrote it; perhaps only a note of theirs.
    const read = written ?? (await lease.read())
    if (read?.record.holder === me) {
      current = read
      aliveAt = at
      return
    }
    const message = `another agent has taken over: ${read?.record.holder || 'nobody knows which'}`
    lost.abort(new AgentError('another_agent', message))
  }

  async function keep(): Promise<void> {
    for (;;) {
      await deps.sleep(renewMs, ending.signal)
      if (ending.signal.aborted || lost.signal.aborted) return
      try {
        await renew()
        failing = false
      } catch (error) {
        if (!failing) log.warn({ err: error }, 'the lease cannot be renewed; tried again')
        failing = true
      }
    }
  }

  const kept = keep()
  return {
    lost: lost.signal,
    async confirm() {
      lost.signal.throwIfAborted()
      if (deps.monotonic() - aliveAt < leaseMs) return
      await renew().catch((error: unknown) => {
        // Nor may another one of this account.
        if (toAgentError(error).code !== 'apply_forbidden') throw error
      })
      lost.signal.throwIfAborted()
    },
    async release() {
      ending.abort()
      await kept
      await renewing?.catch(() => undefined)
      if (lost.signal.aborted) return
      await lease.write({ ...current.record, holder: '' }, current).catch(() => null)
    },
  }
}
