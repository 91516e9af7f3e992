import { formatObjectId, type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Manifest, ManifestObject } from '@groundswell/proto/manifest.ts'
import type { Resource } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import type { Inventory } from '../inventory/inventory.ts'
import { compareOrder } from './order.ts'

/** One object of a manifest, where it will live on this cluster. */
export interface Wanted {
  readonly id: string
  readonly parsed: ObjectId
  readonly resource: Resource
  readonly source: ManifestObject
}

/** What the watches know of an object; `rotated`: it is to have other values than it was given. */
export type Known = 'unknown' | 'same' | 'drifted' | 'missing' | 'rotated'

export interface ApplyStep {
  readonly wanted: Wanted
  /** `content`: the manifest changed it, or Vault did. `repair`: the cluster did. */
  readonly cause: 'content' | 'repair'
}

/**
 * The writes that are needed, in order; nothing for what is in sync, not even a read. An object
 * that somebody changed is written again only when `repairs` says so.
 */
export function planApplies(
  wanted: readonly Wanted[],
  inventory: Inventory,
  known: (wanted: Wanted) => Known,
  repairs: (id: string) => boolean,
): ApplyStep[] {
  const steps: ApplyStep[] = []
  for (const one of wanted) {
    const entry = inventory.get(one.id)
    if (entry?.digest !== one.source.digest || entry.apiVersion !== one.source.apiVersion) {
      steps.push({ wanted: one, cause: 'content' })
      continue
    }
    const state = known(one)
    if (state === 'rotated') steps.push({ wanted: one, cause: 'content' })
    else if ((state === 'drifted' || state === 'missing') && repairs(one.id)) {
      steps.push({ wanted: one, cause: 'repair' })
    }
  }
  return steps.sort((a, b) => compareOrder(a.wanted.id, b.wanted.id))
}

/**
 * Where a manifest's object lives: its own namespace, else the application's.
 *
 * @throws AgentError `object_malformed` when it needs a namespace and has none.
 */
export function locate(source: ManifestObject, manifest: Manifest, resource: Resource): Wanted {
  const named = parseObjectId(source.id)
  const namespace = resource.namespaced ? named.namespace || manifest.targetNamespace : ''
  if (resource.namespaced && !namespace) {
    throw new AgentError('object_malformed', 'has no namespace, and its application sets none')
  }
  const parsed = { ...named, namespace }
  return { id: formatObjectId(parsed), parsed, resource, source }
}

/** Why nothing may be pruned now; undefined when pruning is fine. */
export function findPruneBar(manifest: Manifest, failures: number): string | undefined {
  if (!manifest.prune.enabled) return 'pruning is off'
  if (failures > 0) return 'an object could not be applied'
  if (manifest.objects.length === 0 && !manifest.prune.allowEmpty) {
    return 'the manifest is empty and allowEmpty is false'
  }
  return undefined
}
