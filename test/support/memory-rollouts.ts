import { HubError } from '../../hub/errors.ts'
import { type ChainHead, emptyChain, extendChain, parseEntry } from '../../hub/ledger/chain.ts'
import type { Ledger } from '../../hub/ledger/entry.ts'
import type { RolloutStore, StoredRollout, WakeUps } from '../../hub/rollout/store/store.ts'
import { applyChange } from '../../hub/rollout/store/change.ts'
import { finalPhases } from '../../hub/rollout/rollout.ts'

/* What rollouts rest on, kept in memory and made to fail at will: for properties and fault drills. */

/** A ledger's lines, which several hubs may have open; only the newest may append. */
export function createMemoryLedger(clock: () => number) {
  const lines: string[] = []
  let head: ChainHead = emptyChain
  let term = 0
  return {
    /** As on the disk. */
    text: () => lines.map((line) => `${line}\n`).join(''),
    /** Opens it for a hub; whoever had it open before is fenced from here on. */
    open(): Ledger & { failNext: 'before' | 'after' | null; dead: boolean; written: number } {
      term += 1
      const mine = term
      return {
        failNext: null,
        /** What it wrote and what it knows may differ: its hub has to be started anew. */
        dead: false,
        /** Lines that came by it, and not by whoever else has it open. */
        written: 0,
        get head() {
          return head.index
        },
        async append(actor, decisions) {
          if (mine !== term) throw new HubError('ledger_diverged', 'another hub leads')
          if (this.dead) throw new HubError('ledger_unwritable', 'the disk is gone')
          const how = this.failNext
          this.failNext = null
          if (how === 'before') throw new HubError('ledger_unwritable', 'no space')
          const added = extendChain(head, clock(), actor, decisions)
          lines.push(...added.lines)
          this.written += added.lines.length
          head = added.head
          if (how === 'after') {
            this.dead = true
            throw new HubError('ledger_unwritable', 'written, and then it died')
          }
          // As read back, so that nothing is shared with whoever wrote it.
          return added.lines.map((line, at) => parseEntry(line, added.entries[at]!.index))
        },
        async *read(after = 0) {
          for (const [at, line] of lines.slice(after).entries()) {
            yield parseEntry(line, after + at + 1)
          }
        },
        async close() {},
      }
    },
  }
}

/** A store that loses everything, or is away, when it is told to. */
export function createMemoryStore(): RolloutStore & {
  flush(): void
  away: boolean
  writes: number
} {
  let held = new Map<string, StoredRollout>()
  let marked = false
  const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
  return {
    away: false,
    writes: 0,
    flush() {
      held = new Map()
      marked = false
    },
    async get(id) {
      reach(this)
      return held.get(id)
    },
    async put(rollout) {
      reach(this)
      this.writes += 1
      const known = held.get(rollout.run.id)
      if (known && known.run.version >= rollout.run.version) return
      held.set(rollout.run.id, copy(rollout))
    },
    async swap(_, run, change) {
      reach(this)
      this.writes += 1
      const known = held.get(run.id)
      if (!known || known.run.version < run.version - 1) return 'behind'
      if (known.run.version >= run.version) return 'lost'
      held.set(run.id, copy({ plan: known.plan, run: applyChange(known.run, change) }))
      return 'done'
    },
    async list({ application, active, limit }) {
      reach(this)
      const rollouts = [...held.values()]
        .toReversed()
        .filter(
          ({ plan, run }) =>
            (application === undefined || plan.application === application) &&
            (active !== true || !finalPhases.has(run.phase)),
        )
      return { rollouts: rollouts.slice(0, limit), next: null }
    },
    async isMarked() {
      reach(this)
      return marked
    },
    async mark() {
      reach(this)
      marked = true
    },
  }

  function reach(store: { readonly away: boolean }): void {
    if (store.away) throw new HubError('redis_unavailable', 'away')
  }
}

/** Alarms that ring when they are told to, as often as they are told to. */
export function createMemoryWakes(): WakeUps & {
  /** Jobs there are: one for each wave in hand at most. */
  readonly jobs: ReadonlyMap<string, number>
  /** Rings what is due, late or twice. */
  ring(now: number): Promise<void>
  /** Jobs of every wave there ever was, the newest first and each twice, at once. */
  ringAll(): Promise<void>
  sweep(): void
} {
  const jobs = new Map<string, number>()
  const ever = new Set<string>()
  let wake: (rollout: string) => Promise<void> = async () => {}
  let sweep = (): void => {}
  return {
    jobs,
    async set(rollout, wave, at) {
      jobs.set(`${rollout}-w${wave}`, at)
      ever.add(`${rollout}-w${wave}`)
    },
    async clear(rollout, wave) {
      jobs.delete(`${rollout}-w${wave}`)
    },
    repeat(_, run) {
      sweep = run
      return () => {
        sweep = () => {}
      }
    },
    listen(given) {
      wake = given
    },
    async ring(now) {
      for (const [id, at] of jobs) if (at <= now) await wake(id.replace(/-w\d+$/, ''))
    },
    async ringAll() {
      const late = [...ever].reverse().flatMap((id) => [id, id])
      const rung = late.map(async (id) => wake(id.replace(/-w\d+$/, '')))
      const failed = (await Promise.allSettled(rung)).find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    },
    sweep: () => sweep(),
    async close() {},
  }
}
