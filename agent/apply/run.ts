import type { Expectation } from '../observe/object-record.ts'
import type { Resource } from '../cluster/port.ts'
import type { ObjectError } from '../observe/status.ts'
import type { VerifiedPresent } from '../trust/verified.ts'
import { forEachBounded } from './bounded.ts'
import { type ApplyDeps, type ApplyResult, writeSignal, writeWidth } from './deps.ts'
import {
  findLeftovers,
  type Inventory,
  type InventoryEntry,
  mergeInventory,
  sameInventory,
  writeAhead,
} from './inventory.ts'
import { toObjectError } from './object-error.ts'
import { stageOf, stages } from './order.ts'
import { type ApplyStep, findPruneBar, type Known, planApplies, type Wanted } from './plan.ts'
import { holdManyPrunes, holdPreciousPrune } from './prune-hold.ts'
import { type PruneResult, pruneObjects } from './prune.ts'
import { resolveObjects } from './resolve.ts'
import { settle } from './settle.ts'
import { writeObject } from './write.ts'

const watchDeadlineMs = 10_000

/**
 * Brings one application to its manifest: setup objects first and waited for, then the rest by
 * stage, then pruning. Goes on past one object's failure and returns every fault. An aborted
 * signal stops it between writes, never within one.
 *
 * @throws AgentError when the inventory cannot be written: then nothing more is touched.
 */
export async function applyApplication(
  app: VerifiedPresent,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const { manifest } = app
  const saved = deps.inventory
  let inventory = saved
  const errors: ObjectError[] = []
  const changed: string[] = []
  const repaired: string[] = []
  const applied: InventoryEntry[] = []
  const resources: Resource[] = []
  const located: Wanted[] = []

  const write = async ({ wanted, cause }: ApplyStep) => {
    try {
      applied.push(await writeObject(wanted, app, deps))
      ;(cause === 'repair' ? repaired : changed).push(wanted.id)
    } catch (error) {
      errors.push(toObjectError(wanted.id, wanted.source.file, error))
    }
  }

  let definitionsChanged = false
  for (const phase of ['setup', 'rest'] as const) {
    if (signal.aborted) break
    // Kinds of the rest may come from definitions of the setup, so each half is resolved in turn.
    const objects = manifest.objects.filter(
      ({ id }) => (stageOf(id) === 'setup') === (phase === 'setup'),
    )
    const resolved = await resolveObjects(objects, manifest, deps, definitionsChanged, signal)
    errors.push(...resolved.errors)
    resources.push(...resolved.resources)
    located.push(...resolved.wanted)

    // The watches tell whose an object is and whether it drifted, so that no object is read.
    deps.observer.expect(app.name, expectations(app, located, inventory, applied))
    deps.observer.need(app.name, resources)
    await deps.observer.synced(resolved.resources, watchDeadlineMs, signal)
    const known = (wanted: Wanted) => look(wanted, inventory, deps)
    const steps = planApplies(resolved.wanted, inventory, known, deps.mayRepair)

    const ahead = writeAhead(inventory, steps.map(toEntry))
    if (ahead) {
      inventory = ahead
      await deps.inventories.save(app.name, inventory, writeSignal())
    }
    for (const stage of stages) {
      const batch = steps.filter(({ wanted }) => stageOf(wanted.id) === stage)
      await forEachBounded(batch, writeWidth, signal, write)
    }
    if (phase === 'setup' && !signal.aborted) {
      definitionsChanged = steps.some(({ wanted }) => wanted.parsed.kind === definition)
      errors.push(...(await settle(resolved.wanted, deps, signal)))
      if (definitionsChanged) deps.cluster.forgetResources()
    }
  }

  // Pruning comes last, and only when all that should be there is there.
  let gone: readonly string[] = []
  let pruned: readonly string[] = []
  const wantedIds = new Set([
    ...located.map(({ id }) => id),
    ...manifest.objects.map(({ id }) => id),
  ])
  const leftovers = findLeftovers(inventory, wantedIds)
  if (leftovers.length > 0 && !signal.aborted) {
    const bar = findPruneBar(manifest, errors.length)
    if (bar === undefined) {
      const result = await pruneLeftovers(leftovers, inventory.size, app, deps, signal)
      gone = result.gone
      pruned = result.deleted
      errors.push(...result.errors)
    } else if (manifest.objects.length === 0 && manifest.prune.enabled) {
      errors.push({
        object: '',
        file: '',
        code: 'prune_refused',
        message: `nothing pruned: ${bar}`,
      })
    }
  }

  const final = mergeInventory(inventory, applied, gone)
  if (!sameInventory(saved, final)) await deps.inventories.save(app.name, final, writeSignal())
  deps.observer.expect(app.name, expectations(app, located, final, []))
  if (!signal.aborted) deps.observer.needOnly(app.name, resources)
  return { inventory: final, errors, changed, repaired, pruned, finished: !signal.aborted }
}

const definition = 'CustomResourceDefinition'

async function pruneLeftovers(
  leftovers: readonly InventoryEntry[],
  known: number,
  { name, manifest }: VerifiedPresent,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<PruneResult> {
  // What another application has taken over is no loss.
  const lost = leftovers.filter(({ id }) => (deps.claims.holder(id, '') ?? name) === name)
  try {
    holdManyPrunes(lost.map(({ id }) => id).sort(), known, manifest)
  } catch (error) {
    return { gone: [], deleted: [], errors: [toObjectError('', '', error)] }
  }
  const hold = (id: string) => holdPreciousPrune(id, manifest)
  return pruneObjects(leftovers, name, 'Delete', deps, signal, hold)
}

function look(wanted: Wanted, inventory: Inventory, { observer }: ApplyDeps): Known {
  const record = observer.live(wanted.id)
  if (record) return record.drift.length > 0 ? 'drifted' : 'same'
  const entry = inventory.get(wanted.id)
  return entry && observer.isRead(entry.apiVersion, wanted.parsed.kind) ? 'missing' : 'unknown'
}

function toEntry({ wanted }: ApplyStep) {
  return { id: wanted.id, apiVersion: wanted.source.apiVersion }
}

/** What the observer should hold live objects against; objects not yet located go by their own id. */
function expectations(
  app: VerifiedPresent,
  located: readonly Wanted[],
  inventory: Inventory,
  applied: readonly InventoryEntry[],
): Map<string, Expectation> {
  const fresh = new Map(applied.map((entry) => [entry.id, entry]))
  const places = new Map(located.map(({ id, source }) => [source.id, id]))
  return new Map(
    app.manifest.objects.map((source) => {
      const id = places.get(source.id) ?? source.id
      const fieldsHash = (fresh.get(id) ?? inventory.get(id))?.fieldsHash ?? ''
      return [id, { application: app.name, apiVersion: source.apiVersion, fieldsHash }]
    }),
  )
}
