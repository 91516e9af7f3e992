import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import { isPruneGuarded } from '@groundswell/proto/prune-guard.ts'
import type { LiveObject, Resource } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import type { ObjectError } from '../../observe/status.ts'
import { forEachBounded } from '../run/bounded.ts'
import { partOfLabel } from '../inventory/apply-set.ts'
import { type ApplyDeps, writeSignal, writeWidth } from '../deps.ts'
import { createInstanceTest, isControlled, refuseOccupied, whyDefinitionStays } from './guards.ts'
import type { InventoryEntry } from '../inventory/inventory.ts'
import { toObjectError } from '../run/object-error.ts'
import { compareOrder, isDefinition, isNamespace, stageOf, stages } from '../run/order.ts'
import { isAppliedHere, marks, ownerOf } from '../inventory/ownership.ts'

export interface PruneResult {
  /** Ids that leave the inventory: deleted, already gone, handed over or let go. */
  readonly gone: readonly string[]
  readonly deleted: readonly string[]
  /** Objects that wait for finalizers, or for others; they stay in the inventory until they are gone. */
  readonly lingering: readonly { readonly id: string; readonly words: string }[]
  /** Objects that stay in the inventory, and why. */
  readonly errors: readonly ObjectError[]
}

/** What more is to be seen to than whose an object is. */
export interface PruneTerms {
  /** Throws to keep an object that is neither guarded nor let go. */
  readonly hold?: (id: string) => void
  /**
   * UIDs of what the application keeps. An object may have more than one id: a kind that two API groups serve, or
   * that lived in namespaces before.
   */
  readonly kept?: ReadonlySet<string>
  /** It goes back to what was before: a definition that cannot go for the sake of others is let go. */
  readonly undo?: boolean | undefined
}

/**
 * Deletes objects in the reverse of the order they went in. Each is read first, and only one that
 * still bears our mark is deleted: one that moved to another application or to a controller, or that its
 * author guards, is let go instead. Objects of definitions that go as well are gone before the rest. What cannot be
 * deleted stays in the inventory and is tried again.
 */
export async function pruneObjects(
  entries: readonly InventoryEntry[],
  application: string,
  policy: 'Delete' | 'Orphan',
  deps: ApplyDeps,
  signal: AbortSignal,
  terms: PruneTerms = {},
): Promise<PruneResult> {
  const gone: string[] = []
  const deleted: string[] = []
  const lingering: { id: string; words: string }[] = []
  const errors: ObjectError[] = []
  const ordered = [...entries].sort((a, b) => compareOrder(b.id, a.id))
  const prune = async (entry: InventoryEntry) => {
    try {
      const outcome = await pruneObject(entry, application, policy, deps, terms)
      if (outcome !== 'kept' && !isWaiting(outcome)) deleted.push(entry.id)
      if (typeof outcome === 'string') gone.push(entry.id)
      else if (isWaiting(outcome)) lingering.push({ id: entry.id, words: outcome.waitsFor })
      else lingering.push({ id: entry.id, words: describeLingering(entry.id, outcome.finalizers) })
    } catch (error) {
      errors.push(toObjectError(entry.id, '', error))
    }
  }
  const result = { gone, deleted, lingering, errors }
  // Whoever takes their finalizers off may be among the rest.
  const isFirst = createInstanceTest(entries.map(({ id }) => id))
  await forEachBounded(
    ordered.filter(({ id }) => isFirst(id)),
    writeWidth,
    signal,
    prune,
  )
  if (lingering.length > 0 || errors.length > 0) return result
  for (const stage of [...stages].reverse()) {
    const batch = ordered.filter(({ id }) => stageOf(id) === stage && !isFirst(id))
    const inside = batch.filter(({ id }) => !isNamespace(id))
    await forEachBounded(inside, writeWidth, signal, prune)
    // Namespaces after all else of theirs, so that what they still hold is foreign.
    await forEachBounded(
      batch.filter(({ id }) => isNamespace(id)),
      writeWidth,
      signal,
      prune,
    )
  }
  return result
}

function describeLingering(id: string, finalizers: readonly string[]): string {
  const name = describeObject(parseObjectId(id))
  return `the deletion of ${name} waits for finalizers ${finalizers.join(', ')}`
}

/** `kept`: it was let go, or is not there. `waitsFor`: it is not deleted yet, for the sake of others. */
type PruneOutcome =
  'deleted' | 'kept' | { readonly finalizers: readonly string[] } | { readonly waitsFor: string }

function isWaiting(outcome: PruneOutcome): outcome is { readonly waitsFor: string } {
  return typeof outcome === 'object' && 'waitsFor' in outcome
}

const pruneAttempts = 5

/** What has changed since it was looked at is looked at again: somebody may have guarded it, or taken it over. */
async function pruneObject(...given: Parameters<typeof pruneSeen>): Promise<PruneOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pruneSeen(...given)
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'apply_conflict') throw error
      if (attempt < pruneAttempts) continue
      throw new AgentError('prune_failed', error.message, { cause: error })
    }
  }
}

async function pruneSeen(
  entry: InventoryEntry,
  application: string,
  policy: 'Delete' | 'Orphan',
  deps: ApplyDeps,
  { hold, kept, undo }: PruneTerms,
): Promise<PruneOutcome> {
  const { cluster, claims } = deps
  const id = parseObjectId(entry.id)
  const signal = writeSignal()
  const holder = claims.holder(entry.id, '')
  if (holder !== undefined && holder !== application) return 'kept'
  const found = await findLive(entry, cluster, signal)
  if (!found?.live.metadata.uid) return 'kept'
  const { resource, live } = found
  const { uid } = found.live.metadata
  if (kept?.has(uid)) return 'kept'
  const owner = ownerOf(live)
  if (owner.application !== application) return 'kept'
  // Another agent's, that runs an application of the same name: it was refused, and never applied from here.
  if (owner.cluster && !isAppliedHere(owner, deps) && entry.uid !== uid) return 'kept'
  const letGo = async () => {
    const keys = { labels: [marks.application, partOfLabel], annotations: [marks.cluster] }
    await cluster.disown(resource, id, uid, keys, signal)
    return 'kept' as const
  }
  if (policy === 'Orphan' || isPruneGuarded(live.metadata.annotations) || isControlled(live)) {
    return letGo()
  }
  if (live.metadata.deletionTimestamp) return leftOf(live)
  hold?.(entry.id)
  if (isNamespace(entry.id)) await refuseOccupied(live, cluster, signal)
  if (isDefinition(entry.id)) {
    const waitsFor = await whyDefinitionStays(
      live,
      entry.id,
      application,
      { cluster, claims },
      signal,
    )
    if (waitsFor !== undefined) return undo ? letGo() : { waitsFor }
  }
  const left = await cluster.delete(resource, id, uid, signal, live.metadata.resourceVersion)
  return left ? leftOf(left) : 'deleted'
}

/** What is being deleted is as good as gone, unless a finalizer keeps it for as long as it likes. */
function leftOf({ metadata }: LiveObject): PruneOutcome {
  const finalizers = metadata.finalizers ?? []
  return finalizers.length > 0 ? { finalizers } : 'deleted'
}

interface Found {
  readonly resource: Resource
  readonly live: LiveObject
}

/**
 * Asks by another version when that of the inventory is served no more: the object is the same. Undefined
 * when it is not there, or its group has the kind in no version: then its objects went with it.
 */
export async function findLive(
  entry: InventoryEntry,
  cluster: ApplyDeps['cluster'],
  signal: AbortSignal,
): Promise<Found | undefined> {
  const id = parseObjectId(entry.id)
  const read = async (resource: Resource): Promise<Found | undefined> => {
    const live = await cluster.get(resource, id, signal)
    return live && { resource, live }
  }
  try {
    return await read(await cluster.resource(entry.apiVersion, id.kind, signal))
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'kind_unknown') throw error
    const resource = await cluster.servedAs(id.group, id.kind, signal)
    return resource && read(resource)
  }
}
