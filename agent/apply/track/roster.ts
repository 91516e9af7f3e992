import type {
  VerifiedApplication,
  VerifiedPresent,
  VerifiedSnapshot,
} from '../../trust/verified.ts'
import { hasDeletionHooks } from '../hook/deletion-hooks.ts'
import type { Coalescer } from '../../observe/coalesce.ts'
import { findRunning, isUpdate } from './hold-back.ts'
import type { InventoryStore } from '../inventory/inventory-store.ts'
import { asksAnew, createTracked, type Tracked } from './tracked.ts'

export interface RosterDeps {
  readonly inventories: InventoryStore
  readonly log: (message: string, fields: Record<string, unknown>) => void
  /** Where is said that what is known of an application is to be told. */
  readonly news: Pick<Coalescer, 'changed' | 'begun'>
  /** Whether somebody at the cluster has the application's updates wait. */
  readonly isHeld?: ((application: string) => boolean) | undefined
}

/** The applications that are kept running here, each taken up from the newest snapshot. */
export function createRoster({ inventories, log, news, isHeld }: RosterDeps) {
  const { changed } = news
  const tracked = new Map<string, Tracked>()
  /** On hold, with nothing at hand that could be healed. */
  const untouched = new Map<string, VerifiedApplication>()

  function adopt(wanted: VerifiedApplication, earlier: readonly VerifiedSnapshot[]): Tracked {
    const known = tracked.get(wanted.name)
    const departing = findDeparting(wanted, known, earlier)
    if (!known) {
      const one = createTracked(wanted)
      one.departing = departing
      tracked.set(wanted.name, one)
      return one
    }
    const anew = asksAnew(known, wanted)
    if (anew) {
      known.phase = 'Pending'
      known.settled = false
      known.failures = 0
      known.awaySince = undefined
      known.errors = []
      known.waiting = []
      known.waits.clear()
    }
    known.wanted = wanted
    known.departing = departing
    if (anew) news.begun(wanted.name)
    else changed(wanted.name)
    return known
  }

  function unread(application: string, error: unknown): void {
    log('inventory not read', { application, error })
  }

  async function findKept(
    wanted: VerifiedApplication,
    earlier: readonly VerifiedSnapshot[],
    signal: AbortSignal,
  ): Promise<VerifiedApplication | undefined> {
    try {
      return findRunning(wanted, earlier, await inventories.load(wanted.name, signal))
    } catch (error) {
      if (!signal.aborted) unread(wanted.name, error)
      return undefined
    }
  }

  /** Takes an application up, unless a hold keeps it as it is. Undefined: it is left untouched. */
  async function admit(
    wanted: VerifiedApplication,
    earlier: readonly VerifiedSnapshot[],
    signal: AbortSignal,
  ): Promise<Tracked | undefined> {
    const { name } = wanted
    const known = tracked.get(name)
    untouched.delete(name)
    if (known) known.held = undefined
    if (isHeld?.(name) !== true) return adopt(wanted, earlier)
    const runs = known?.wanted ?? (await findKept(wanted, earlier, signal))
    if (!runs) {
      untouched.set(name, wanted)
      changed(name)
      return undefined
    }
    if (!isUpdate(runs, wanted)) return adopt(wanted, earlier)
    const one = known ?? adopt(runs, earlier)
    one.held = wanted
    changed(name)
    return one
  }

  return {
    get: (name: string): Tracked | undefined => tracked.get(name),
    all: (): Iterable<Tracked> => tracked.values(),
    /** On hold, and left as it is. */
    untouched: (name: string): VerifiedApplication | undefined => untouched.get(name),
    allUntouched: (): Iterable<VerifiedApplication> => untouched.values(),

    /** Takes up what a snapshot lists; what a hold leaves untouched is not among it. */
    async take(
      { applications }: Pick<VerifiedSnapshot, 'applications'>,
      earlier: readonly VerifiedSnapshot[],
      signal: AbortSignal,
    ): Promise<readonly Tracked[]> {
      untouched.clear()
      const ones: Tracked[] = []
      for (const wanted of applications) {
        const one = await admit(wanted, earlier, signal)
        if (one) ones.push(one)
      }
      return ones
    },

    /** A removal that was carried out and is no longer asked for is history. Returns their names. */
    forgetRemoved(listed: ReadonlySet<Tracked>): readonly string[] {
      const names = [...tracked.values()]
        .filter((one) => !listed.has(one) && one.phase === 'Removed')
        .map(({ name }) => name)
      for (const name of names) tracked.delete(name)
      return names
    },

    /** Without its inventory an application is run as if nothing were known. */
    unread,
  }
}

/** The last content of an application that is to go, where something of it is to run for that. */
function findDeparting(
  wanted: VerifiedApplication,
  known: Tracked | undefined,
  earlier: readonly VerifiedSnapshot[],
): VerifiedPresent | undefined {
  if (wanted.state === 'present') return undefined
  const before = known?.wanted.state === 'present' ? known.wanted : known?.departing
  const last =
    before ??
    earlier
      .flatMap(({ applications }) => applications)
      .find((one) => one.name === wanted.name && one.state === 'present')
  return last?.state === 'present' && hasDeletionHooks(last) ? last : undefined
}

export type Roster = ReturnType<typeof createRoster>
