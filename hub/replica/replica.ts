import { HubError } from '../errors.ts'
import { type ChainHead, emptyChain, formatLine, headOf } from '../ledger/chain.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { Appending } from '../ledger/fs.ts'
import type { ReplicatedRegister } from '../ledger/register.ts'
import type { LedgerRemote } from '../ledger/remote.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import { createRemoteTurn } from './remote-turn.ts'
import { farTerms, type SharedLedger, type Sight } from './shared-ledger.ts'
import { createVacancy } from './vacancy.ts'

export interface ReplicaDeps {
  readonly name: string
  /** Of this process alone. */
  readonly holder: string
  /** `host:port` where other replicas reach it while it leads; without it, it serves them nothing. */
  readonly address?: string
  readonly register: () => ReplicatedRegister
  readonly shared: SharedLedger
  /** Where the ledger is pushed by whoever leads, if anywhere. */
  readonly remote?: () => LedgerRemote | undefined
  readonly leaseMs: number
  /** An entry that was appended a moment ago: its time is what the clock of whoever leads says now. */
  readonly onFresh?: (entry: LedgerEntry) => void
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly log: (level: 'info' | 'warn', message: string, cause?: unknown) => void
}

export interface Replica {
  /** Before an entry is written here, it is appended for all: who was overtaken cannot. */
  admit(appending: Appending): Promise<void>
  /** Whether this replica leads for certain: its lease cannot have gone to another yet. */
  leads(): boolean
  /** Who leads as far as is known. */
  leader(): string | null
  /** Follows the leader's entries; resolves once this replica leads itself. */
  standBy(signal: AbortSignal): Promise<void>
  /** Renews the lease; resolves once it is lost, and then nothing more may be decided here. */
  hold(signal: AbortSignal): Promise<void>
}

/** Looks and renewals in the time of one lease. */
const looksPerLease = 10
const retryMs = 100
/** Newest lines given to an empty Redis. */
const handedOver = 200

/**
 * One of several hubs of a fleet, of which one leads. The ledger is what fences: an entry counts
 * once a script has appended it for all under the newest term, so a leader that slept and wakes
 * can decide nothing. Its own disk comes after, and only then is the entry acknowledged.
 */
export function createReplica(deps: ReplicaDeps): Replica {
  const { name, holder, shared, leaseMs, monotonic, sleep, log } = deps
  let term = 0
  let until = -Infinity
  let leading: string | null = null
  const vacancy = createVacancy(monotonic, leaseMs / 2)
  /** When it was seen last that nothing was lacking here. */
  let currentAt = -Infinity
  /** Where the common ledger went by our own last append. */
  let appended: ChainHead | undefined
  /** What looks at the lease does not see a half of what puts it right. */
  const turns = createSerial()
  const remote = createRemoteTurn({
    remote: () => deps.remote?.(),
    adopt: (lines) => deps.register().adopt(lines),
    monotonic,
    againMs: leaseMs,
    log,
  })

  const self = () => ({ holder, end: deps.register().end })
  const leads = (): boolean => monotonic() < until

  async function look(): Promise<Sight> {
    const sight = await shared.look(self())
    vacancy.note(sight)
    return sight
  }

  async function readLines(after: number, most: number): Promise<string[]> {
    const lines: string[] = []
    if (after >= deps.register().head) return lines
    for await (const entry of deps.register().read(after)) {
      lines.push(formatLine(entry))
      if (lines.length >= most) break
    }
    return lines
  }

  /** Whether our ledger holds an entry that others have. */
  async function holds(head: ChainHead): Promise<boolean> {
    if (head.index === 0) return head.digest === emptyChain.digest
    const end = deps.register().end
    if (head.index > end.index) return false
    if (head.index === end.index) return head.digest === end.digest
    const [found] = await readEntries(head.index - 1)
    return found !== undefined && headOf(found).digest === head.digest
  }

  async function readEntries(after: number): Promise<LedgerEntry[]> {
    for await (const entry of deps.register().read(after)) return [entry]
    return []
  }

  /** @throws HubError `ledger_diverged` */
  async function catchUp(sight: Sight): Promise<void> {
    if (sight.lines.length > 0) {
      const isFresh = monotonic() - currentAt <= leaseMs / 2
      const adopted = await deps
        .register()
        .adopt(sight.lines)
        .catch((cause: unknown) => {
          if (cause instanceof HubError && cause.code === 'ledger_corrupt') throw diverged(cause)
          throw cause
        })
      const newest = adopted.at(-1)
      if (isFresh && newest) deps.onFresh?.(newest)
    }
    const { head } = sight
    if (!head || head.index <= deps.register().head) currentAt = monotonic()
    if (head && head.index <= deps.register().head && !(await holds(head))) throw diverged()
  }

  function diverged(cause?: unknown): HubError {
    const at = deps.register().head
    return new HubError(
      'ledger_diverged',
      `the ledger of replica ${name} (up to entry ${at}) is not the one that the others share; nothing of it was changed. To join them again, keep a copy and move its ledger directory away`,
      { cause },
    )
  }

  async function takeAs(next: number, seen: ChainHead | null): Promise<boolean> {
    const start = monotonic()
    // The lines are those up to the end that is told with them, however far the ledger is by then: one that
    // lacks the last of them would be given another in its place.
    const me = self()
    const from = Math.max(0, me.end.index - handedOver)
    const lines = await readLines(from, me.end.index - from)
    const taken = await shared.take({ ...me, term: next, seen, lines })
    if (taken !== 'taken') return false
    if (term !== next) appended = undefined
    term = next
    until = start + leaseMs
    return true
  }

  /** An expired lease is free at once; where there is none, a live leader has its time to say so. */
  function isFree({ lease }: Sight): boolean {
    if (lease) return lease.left === 0
    const since = vacancy.since()
    return since !== undefined && monotonic() - since >= leaseMs
  }

  /** Does something ten times in a lease, until the work is done. */
  async function meanwhile(
    work: Promise<boolean>,
    again: () => Promise<unknown>,
  ): Promise<boolean> {
    const done = new AbortController()
    const repeating = (async () => {
      await sleep(leaseMs / looksPerLease, done.signal)
      while (!done.signal.aborted) {
        await again()
        await sleep(leaseMs / looksPerLease, done.signal)
      }
    })()
    const agreed = await work.finally(() => done.abort())
    await repeating
    return agreed
  }

  /** Looks on while something is asked that may take its time: what was seen before has to hold after it. */
  function watchDuring(work: Promise<boolean>): Promise<boolean> {
    // A look that fails leaves a gap.
    return meanwhile(work, () => look().catch(() => undefined))
  }

  /** The lease goes on while something is done in it; false when it did not, or that says no. */
  async function renewDuring(work: Promise<boolean>): Promise<boolean> {
    let held = true
    const agreed = await meanwhile(work, async () => {
      if (held) held = await turns.run('lease', renew).catch(leads)
    })
    if (agreed && held && leads()) return true
    until = -Infinity
    return false
  }

  async function tryToLead(): Promise<boolean> {
    let sight = await look()
    await catchUp(sight)
    while (sight.lines.length > 0) {
      sight = await look()
      await catchUp(sight)
    }
    leading = sight.lease && sight.lease.left > 0 ? nameOf(sight.lease.holder) : null
    const { head } = sight
    if (head && head.index > deps.register().head) return false
    if (!isFree(sight)) return false
    const vacant = vacancy.since()
    // An emptied Redis cannot tell whether there was more than we have.
    const needed = head === null ? (vacant ?? monotonic()) : undefined
    if (!(await watchDuring(remote.catchUp(needed)))) return false
    if (sight.lease === null && vacancy.since() !== vacant) return false
    const known = Math.max(deps.register().state.term, remote.term)
    const told = sight.lease?.term ?? 0
    const next = Math.max(told - known > farTerms ? 0 : told, known) + 1
    if (!(await takeAs(next, head))) return false
    if (!(await renewDuring(remote.claim(next)))) return false
    const address = deps.address === undefined ? {} : { address: deps.address }
    await deps
      .register()
      .append(`replica/${name}`, [{ type: 'lease.taken', replica: name, term: next, ...address }])
    leading = name
    return true
  }

  /** Redis was emptied, or went back: a leader that cannot have been overtaken puts it right. */
  async function restore(): Promise<boolean> {
    if (!leads()) return false
    const { lease, head } = await shared.look(self())
    if (lease && lease.holder !== holder) return false
    // Put right already, and gone on from there: what was appended is on its way to our disk.
    if (lease?.term === term && head && head.digest === appended?.digest) return true
    if (head && !(await holds(head))) return false
    return takeAs(term, head)
  }

  /** False when it was refused for good. */
  async function append(appending: Appending): Promise<boolean> {
    const attempt = { holder, term, ...appending }
    if ((await shared.append(attempt)) !== 'done') {
      if (!(await restore()) || (await shared.append(attempt)) !== 'done') return false
    }
    appended = appending.to
    return true
  }

  async function renew(): Promise<boolean> {
    const start = monotonic()
    if ((await shared.renew(self(), term)) !== 'held') return restore()
    until = start + leaseMs
    return true
  }

  return {
    leads,
    leader: () => leading,
    async admit(appending) {
      let cause: unknown
      const deadline = monotonic() + leaseMs
      while (leads() && monotonic() < deadline) {
        try {
          if (await turns.run('lease', () => append(appending))) return
          break
        } catch (error) {
          // It may have been appended: the same again is answered the same.
          cause = error
          await sleep(retryMs)
        }
      }
      until = -Infinity
      throw new HubError('no_leader', `replica ${name} leads no more; nothing was decided`, {
        cause,
      })
    },
    async standBy(signal) {
      for (;;) {
        signal.throwIfAborted()
        try {
          if (await tryToLead()) return
        } catch (error) {
          if (!(error instanceof HubError) || error.code === 'ledger_diverged') throw error
          log('warn', 'this replica cannot see the others now', error)
        }
        await sleep(leaseMs / looksPerLease, signal)
      }
    },
    async hold(signal) {
      let before: number | null = null
      while (leads() && !signal.aborted) {
        try {
          if (!(await turns.run('lease', renew))) break
          const behind = await shared.furthestBehind(self())
          const lacks = behind === null ? 0 : deps.register().head - behind
          // One that comes no further finds no lines to go on with, or none that it can read.
          if (behind !== null && lacks > 0 && (lacks > handedOver || behind === before)) {
            await shared.layOut(behind, await readLines(behind, handedOver))
          }
          before = behind
        } catch (error) {
          log('warn', 'the lease could not be renewed', error)
        }
        await sleep(leaseMs / looksPerLease, signal)
      }
      until = -Infinity
    },
  }
}

/** `NAME#…` */
function nameOf(holder: string): string {
  return holder.split('#')[0]!
}
