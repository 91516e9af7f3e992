import type { Digest } from '@groundswell/proto/digest.ts'
import { aggregate } from '../../observe/aggregate.ts'
import type { Observer } from '../../observe/observer.ts'
import type {
  ApplicationState,
  ObjectDrift,
  ObjectError,
  ObjectHealth,
  Phase,
} from '../../observe/status.ts'
import { isWorse } from '../../observe/worst.ts'
import type { VerifiedApplication, VerifiedPresent } from '../../trust/verified.ts'
import { toHeld } from './hold-back.ts'
import { markContested } from './contested.ts'
import { isSparedAlike } from '../prune/sparing.ts'
import type { Inventory } from '../inventory/inventory.ts'
import type { SourceFault } from './rotation.ts'
import { none, type Strays, toDrift } from '../prune/strays.ts'

/** What is held of one application between snapshots. */
export interface Tracked {
  readonly name: string
  wanted: VerifiedApplication
  /** The content before a removal, as long as something of it is to run for that. */
  departing: VerifiedPresent | undefined
  /** What a hold keeps from taking the place of `wanted`. */
  held: VerifiedApplication | undefined
  phase: Phase
  errors: readonly ObjectError[]
  healed: number
  /** Undefined until loaded, and again after a run that broke off. */
  inventory: Inventory | undefined
  /** True once the wanted state was reached without a fault. */
  settled: boolean
  /** Runs that failed since the wanted state changed. */
  failures: number
  /** Since when runs came to nothing but that nobody answers. */
  awaySince: number | undefined
  /** What the last run left to be waited for, in words. */
  waiting: readonly string[]
  /** Runs in a row that left something to be waited for. */
  waitRounds: number
  /** Since when each thing has been waited for. */
  readonly waits: Map<string, number>
  /** What was last said of objects that are wanted no more and not deleted. */
  spared: string
  /** What no inventory remembers any more, as of the last run that ended well. */
  strays: Strays
  /** Drift that was put right before anybody could see it. */
  readonly unreported: Map<string, ObjectDrift>
  /** Ends when the run before has ended: one run at a time. */
  turn: Promise<void>
  /** A retry or repair is on its way. */
  wakeAt: number | undefined
}

export function createTracked(wanted: VerifiedApplication): Tracked {
  return {
    name: wanted.name,
    wanted,
    departing: undefined,
    held: undefined,
    phase: 'Pending',
    errors: [],
    healed: 0,
    inventory: undefined,
    settled: false,
    failures: 0,
    awaySince: undefined,
    waiting: [],
    waitRounds: 0,
    waits: new Map(),
    spared: '',
    strays: none,
    unreported: new Map(),
    turn: Promise.resolve(),
    wakeAt: undefined,
  }
}

/** True when a snapshot asks for something else than before. */
export function asksAnew(
  { wanted: before, phase }: Pick<Tracked, 'wanted' | 'phase'>,
  after: VerifiedApplication,
): boolean {
  const decidedAnew = before.generation !== after.generation
  if (before.state === after.state && !isSparedAlike(before, after)) return true
  if (before.state === 'present' && after.state === 'present') {
    // A retry of what failed must be tried, not answered with the failure before.
    const retried = decidedAnew && phase === 'Failed'
    return retried || before.manifestDigest !== after.manifestDigest
  }
  return before.state !== after.state || decidedAnew
}

export function stateOf(
  tracked: Tracked,
  observer: Observer,
  isContested: (drift: ObjectDrift) => boolean = () => false,
  faults: ReadonlyMap<string, SourceFault> = new Map(),
): ApplicationState {
  const { wanted } = tracked
  const present = wanted.state === 'present'
  const watching = present && wanted.manifest.drift !== 'ignore'
  const drift = watching ? observer.drift(tracked.name) : []
  const shown = new Set(drift.map(({ object }) => object))
  const repaired = [...tracked.unreported.values()].filter(({ object }) => !shown.has(object))
  const state = aggregate({
    application: tracked.name,
    manifestDigest: present ? wanted.manifestDigest : null,
    generation: wanted.generation,
    phase: tracked.phase,
    objects: markFaults(observer.health(tracked.name), faults),
    gated: observer.gated(tracked.name),
    errors: tracked.errors,
    drift: [
      ...markContested(drift, wanted, isContested),
      ...repaired,
      ...(watching ? toDrift(tracked, observer) : []),
    ],
    healed: tracked.healed,
    ...(tracked.waiting.length > 0 && { waiting: describeWaits(tracked.waiting) }),
  })
  return tracked.held ? { ...state, held: toHeld(tracked.held) } : state
}

/** An object that may be old fares no better than what is known of it. */
function markFaults(
  objects: readonly ObjectHealth[],
  faults: ReadonlyMap<string, SourceFault>,
): readonly ObjectHealth[] {
  if (faults.size === 0) return objects
  return objects.map((one) => {
    const fault = faults.get(one.object)
    return fault && isWorse(fault.health, one.health) ? { ...one, ...fault } : one
  })
}

const shownWaits = 3

function describeWaits(waiting: readonly string[]): string {
  const more = waiting.length - shownWaits
  return waiting.slice(0, shownWaits).join('; ') + (more > 0 ? ` and ${more} more` : '')
}

/** Manifests that are healed though others are asked for, or that have something to run for a removal. */
export function keptBy(all: Iterable<Tracked>): Set<Digest> {
  const kept = new Set<Digest>()
  for (const { held, wanted, departing, phase } of all) {
    if (departing && phase !== 'Removed') kept.add(departing.manifestDigest)
    if (held && wanted.state === 'present') kept.add(wanted.manifestDigest)
  }
  return kept
}
