import type { ObjectId } from '@groundswell/proto/object-id.ts'
import type { LiveObject } from '../../cluster/port.ts'
import { applySetIdOf, partOfLabel } from './apply-set.ts'

/** The one field manager of everything we apply; a second name would orphan what the first owned. */
export const fieldManager = 'groundswell'

export const marks = {
  /** Label: name of the application an object belongs to. */
  application: 'groundswell.dev/application',
  /** Annotation: id of the cluster record whose agent applied it. */
  cluster: 'groundswell.dev/cluster',
} as const

const ourMarks: ReadonlySet<string> = new Set([marks.application, marks.cluster, partOfLabel])

/** Whether a label or annotation is one we put on what we apply. */
export function isOurMark(key: string): boolean {
  return ourMarks.has(key)
}

/** Annotation of a hook's object: which run of it this is. */
export const hookRunMark = 'groundswell.dev/hook-run'

/** Where the agent keeps its inventories. */
export const systemNamespace = 'groundswell-system'

/** The ConfigMap that lists an application's objects, which makes it their ApplySet's parent. */
export function inventoryIdOf(application: string): ObjectId {
  const name = `groundswell-inventory-${application}`
  return { group: '', kind: 'ConfigMap', namespace: systemNamespace, name }
}

/** Labels of all that an application applies. */
export function labelsOf(application: string): Record<string, string> {
  return {
    [marks.application]: application,
    [partOfLabel]: applySetIdOf(inventoryIdOf(application)),
  }
}

export interface Owner {
  readonly application: string
  readonly cluster: string
}

/** Whether an object that says whose it is was applied from this cluster: by this agent, or by one before it. */
export function isAppliedHere(
  { cluster }: Pick<Owner, 'cluster'>,
  { clusterId, formerIds = [] }: AgentIds,
): boolean {
  return cluster === clusterId || formerIds.includes(cluster)
}

/** Who applies here, and did before. */
export interface AgentIds {
  /** Id of this cluster's record at the hub. */
  readonly clusterId: string
  /** Ids that agents of this cluster had before. */
  readonly formerIds?: readonly string[] | undefined
}

/** Who an object says it belongs to; empty members when it says nothing. */
export function ownerOf(object: LiveObject): Owner {
  return {
    application: object.metadata.labels?.[marks.application] ?? '',
    cluster: object.metadata.annotations?.[marks.cluster] ?? '',
  }
}
