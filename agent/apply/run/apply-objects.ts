import type { ManifestObject } from '@groundswell/proto/manifest.ts'
import { describeObject } from '@groundswell/proto/object-id.ts'
import type { Expectation } from '../../observe/object-record.ts'
import type { VerifiedPresent } from '../../trust/verified.ts'
import { forEachBounded } from './bounded.ts'
import { expectationOf } from '../write/expectation.ts'
import { type ApplyDeps, writeSignal, writeWidth } from '../deps.ts'
import {
  doubt,
  inNameOf,
  type Inventory,
  type InventoryEntry,
  writeAhead,
} from '../inventory/inventory.ts'
import { toObjectError } from './object-error.ts'
import { isNamespace, stageOf, stages } from './order.ts'
import { type ApplyStep, type Known, planApplies, type Wanted } from './plan.ts'
import { resolveObjects } from './resolve.ts'
import { type RunState, waitFor } from './run-state.ts'
import { writeObject } from '../write/write.ts'

const watchDeadlineMs = 10_000

/** Finds where objects live and which of them have to be written, with the watches' help. */
export async function planObjects(
  run: RunState,
  objects: readonly ManifestObject[],
  patient: boolean,
): Promise<{ readonly wanted: readonly Wanted[]; readonly steps: readonly ApplyStep[] }> {
  const { app, deps, signal } = run
  const resolved = await resolveObjects(objects, app.manifest, deps, patient, signal)
  run.errors.push(...resolved.errors)
  run.resources.push(...resolved.resources)
  run.located.push(...resolved.wanted)
  // The watches tell whose an object is and whether it drifted, so that no object is read.
  deps.observer.expect(app.name, expectations(app, run.located, run.inventory, run.applied, deps))
  deps.observer.need(app.name, run.resources)
  await deps.observer.synced(resolved.resources, watchDeadlineMs, signal)
  const known = (wanted: Wanted) => look(wanted, run)
  const steps = planApplies(resolved.wanted, run.inventory, known, deps.mayRepair)
  return { wanted: resolved.wanted, steps }
}

/** Writes objects a stage at a time. Goes on past one's failure. */
export async function writeSteps(run: RunState, steps: readonly ApplyStep[]): Promise<void> {
  const { app, deps, signal } = run
  const ahead = writeAhead(run.inventory, steps.map(toEntry))
  if (ahead) {
    run.inventory = inNameOf(ahead, app.manifest.serviceAccount)
    await deps.inventories.save(app.name, run.inventory, writeSignal())
  }
  const write = async ({ wanted, cause }: ApplyStep) => {
    try {
      run.applied.push(await writeObject(wanted, app, deps))
      ;(cause === 'repair' ? run.repaired : run.changed).push(wanted.id)
    } catch (error) {
      run.inventory = doubt(run.inventory, wanted.id)
      run.errors.push(toObjectError(wanted.id, wanted.source.file, error))
    }
  }
  for (const stage of stages) {
    const batch = steps.filter(({ wanted }) => stageOf(wanted.id) === stage)
    await forEachBounded(batch, writeWidth, signal, write)
  }
}

/** Whether what a step's object depends on is there and healthy; waits for it otherwise. */
export function mayGo(run: RunState, { wanted }: ApplyStep): boolean {
  for (const first of wanted.source.rules?.after ?? []) {
    const found = run.located.find(({ source }) => source.id === first)
    // What it depends on cannot be found, which is said of that.
    if (!found) return false
    const why = whyNotReady(run, found)
    if (why === undefined) continue
    const name = describeObject(wanted.parsed)
    waitFor(run, wanted.id, wanted.source.file, `${name} waits for ${why}`)
    return false
  }
  return true
}

/** Waits until objects are applied and healthy. True when they are. */
export function areReady(run: RunState, objects: readonly Wanted[], before: string): boolean {
  for (const wanted of objects) {
    const why = whyNotReady(run, wanted)
    if (why === undefined) continue
    waitFor(run, wanted.id, wanted.source.file, `${before} waits for ${why}`)
    return false
  }
  return true
}

function whyNotReady(run: RunState, { id, parsed, source }: Wanted): string | undefined {
  const name = describeObject(parsed)
  const entry = run.applied.find((entry) => entry.id === id) ?? run.inventory.get(id)
  if (entry?.digest !== source.digest) return `${name} to be applied`
  // Made once and not ours since: nobody knows how it fares.
  if (source.rules?.apply === 'once' && entry.fieldsHash === '') return undefined
  const record = run.deps.observer.live(id)
  // As a gate has it: a Job that runs is not ready for what comes after it.
  const fares = record?.gate ?? record ?? { health: run.deps.observer.end(id), message: '' }
  if (fares?.health === 'Current') return undefined
  const words = fares?.message ? `: ${fares.message}` : ''
  return `${name}, which is ${fares?.health ?? 'not there'}${words}`
}

function look(wanted: Wanted, { app, inventory, deps }: RunState): Known {
  const { observer, isRotated, claims } = deps
  const entry = inventory.get(wanted.id)
  const once = wanted.source.rules?.apply === 'once'
  if (once && entry?.fieldsHash === '') return 'same'
  if (entry && isRotated?.(entry)) return 'rotated'
  const record = observer.live(wanted.id)
  // Another's, as long as that asks for it too and it is there.
  if (entry && isNamespace(wanted.id) && (record?.application ?? '') !== app.name) {
    if (record && claims.agree(wanted.id, record.application, app.name)) return 'same'
    // One that was labelled by hand is drift like any other.
    if (entry.fieldsHash === '' || (record && claims.knows(record.application))) return 'rotated'
  }
  // Applied since, and not written down: what the inventory has of it is of before.
  if (record?.content !== undefined && entry && record.content !== entry.digest) return 'rotated'
  if (record) return record.drift.length > 0 ? 'drifted' : 'same'
  if (observer.end(wanted.id)) return 'same'
  return entry && observer.isRead(entry.apiVersion, wanted.parsed.kind) ? 'missing' : 'unknown'
}

function toEntry({ wanted }: ApplyStep) {
  return { id: wanted.id, apiVersion: wanted.source.apiVersion }
}

/**
 * What the observer should hold live objects against; objects not yet located go by their own id.
 * Hooks come and go, and what is left alone is nobody's to judge.
 */
export function expectations(
  app: VerifiedPresent,
  located: readonly Wanted[],
  inventory: Inventory,
  applied: readonly InventoryEntry[],
  { claims, observer }: Pick<ApplyDeps, 'claims' | 'observer'>,
): Map<string, Expectation> {
  const fresh = new Map(applied.map((entry) => [entry.id, entry]))
  const places = new Map(located.map(({ id, source }) => [source.id, id]))
  const expected = new Map<string, Expectation>()
  for (const source of app.manifest.objects) {
    const { hook, apply } = source.rules ?? {}
    if (hook || apply === 'never') continue
    const id = places.get(source.id) ?? source.id
    const fieldsHash = (fresh.get(id) ?? inventory.get(id))?.fieldsHash ?? ''
    if (apply === 'once' && fieldsHash === '' && inventory.get(id)?.digest) continue
    // Another application's, that says how it should be.
    if ((claims.holder(id, observer.live(id)?.application ?? '') ?? app.name) !== app.name) continue
    // What was made once may be changed by anyone.
    const hash = apply === 'once' ? '' : fieldsHash
    const entry = fresh.get(id) ?? inventory.get(id)
    expected.set(id, expectationOf(app, id, source.apiVersion, hash, entry))
  }
  return expected
}
