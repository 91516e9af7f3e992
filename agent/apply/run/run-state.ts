import type { HookEvent } from '@groundswell/proto/apply-rules.ts'
import type { ManifestObject } from '@groundswell/proto/manifest.ts'
import { listSpellings } from '@groundswell/proto/spelling.ts'
import type { Resource } from '../../cluster/port.ts'
import type { ObjectError } from '../../observe/status.ts'
import type { VerifiedPresent } from '../../trust/verified.ts'
import type { ApplyDeps } from '../deps.ts'
import { contentOf, stateOfHook } from '../hook/hook-record.ts'
import {
  findEntry,
  findLeftovers,
  inNameOf,
  type Inventory,
  type InventoryEntry,
  mergeInventory,
} from '../inventory/inventory.ts'
import type { Wanted } from './plan.ts'
import { sortSpared } from '../prune/sparing.ts'

/** How long a hook, a wave or a deletion may take where the Application does not say. */
const usualTimeoutMs = 5 * 60_000

const contentEvents: ReadonlySet<HookEvent> = new Set(['pre', 'sync', 'post'])

/** What one run of an application has come to so far. */
export interface RunState {
  readonly app: VerifiedPresent
  readonly deps: ApplyDeps
  readonly signal: AbortSignal
  /** Stands for what its hooks run for. */
  readonly content: string
  inventory: Inventory
  /** Nothing new is applied after what failed: a hook, or an earlier wave. Repairs still are. */
  stopped: boolean
  /** The manifest asks for something that was not yet applied, run or pruned. */
  readonly contentDue: boolean
  readonly errors: ObjectError[]
  /** What must be so before the rest is applied; the run is taken up again a moment later. */
  readonly waiting: string[]
  readonly changed: string[]
  readonly repaired: string[]
  readonly applied: InventoryEntry[]
  readonly resources: Resource[]
  readonly located: Wanted[]
}

export function createRun(app: VerifiedPresent, deps: ApplyDeps, signal: AbortSignal): RunState {
  const content = contentOf(app.manifest)
  const contentDue = isContentDue(app, deps.inventory, content)
  return {
    app,
    deps,
    signal,
    content,
    inventory: forgetLeftAlone(deps.inventory, app),
    stopped: false,
    contentDue,
    errors: [],
    // What is applied stays so, however what it depends on fares later.
    waiting: deps.blocked === undefined || !contentDue ? [] : [deps.blocked],
    changed: [],
    repaired: [],
    applied: [],
    resources: [],
    located: [],
  }
}

/** What is to be left alone from now on is nobody's to delete either, whatever becomes of the application. */
function forgetLeftAlone(inventory: Inventory, { manifest }: VerifiedPresent): Inventory {
  const alone = manifest.objects.filter(({ rules }) => rules?.apply === 'never')
  if (alone.length === 0) return inventory
  return mergeInventory(inventory, [], [...listSpellings({ ...manifest, objects: alone })])
}

function isContentDue(app: VerifiedPresent, inventory: Inventory, content: string): boolean {
  const { manifest, generation } = app
  const isDue = ({ id, digest, rules }: ManifestObject) => {
    if (rules?.apply === 'never') return false
    // Those that run for a failure or a removal are no part of what has to be brought about.
    const events = rules?.hook?.events.filter((event) => contentEvents.has(event))
    if (events?.length === 0) return false
    const entry = findEntry(inventory, id, manifest)
    if (entry?.digest !== digest) return true
    return (
      entry.hook !== undefined &&
      (events ?? []).some(
        (event) => stateOfHook(entry.hook, event, content, generation) !== 'succeeded',
      )
    )
  }
  if (manifest.objects.some(isDue)) return true
  const leftovers = findLeftovers(inventory, listSpellings(manifest))
  // What is only left stays for as long as this content does.
  const { doomed, found } = sortSpared(leftovers, app)
  return doomed.length > 0 || found.length > 0
}

/** Whether anything new may be applied now. */
export function isOpen({ stopped, waiting, signal }: RunState): boolean {
  return !stopped && waiting.length === 0 && !signal.aborted
}

/** Waits for something of an object; false when that takes too long, which is an error then. */
export function waitFor(run: RunState, id: string, file: string, words: string): boolean {
  if (!isLate(run, id)) {
    run.waiting.push(words)
    return true
  }
  const message = `${words}, for ${describeTimeout(run)} by now`
  run.errors.push({ object: id, file, code: 'not_ready', message })
  run.stopped = true
  return false
}

/** Whether an object has been waited for as long as it may; counts from the first time asked. */
export function isLate(run: RunState, id: string): boolean {
  return run.deps.waited(`${id} ${run.content}`) >= timeoutOf(run)
}

export function describeTimeout(run: RunState): string {
  return `${Math.round(timeoutOf(run) / 1_000)} s`
}

function timeoutOf({ app }: RunState): number {
  return app.manifest.timeout ?? usualTimeoutMs
}

export function remember(run: RunState, entry: InventoryEntry): void {
  const next = new Map(run.inventory)
  next.set(entry.id, entry)
  run.inventory = inNameOf(next, run.app.manifest.serviceAccount)
}
