import type { HealthCheck } from '@groundswell/proto/health-check.ts'
import type { Ignored } from '@groundswell/proto/ignore-rule.ts'
import { formatObjectId, groupOf } from '@groundswell/proto/object-id.ts'
import type { LiveObject } from '../cluster/port.ts'
import { type End, endOf } from './ends.ts'
import { findDrift, isScaledByOther, lastChange } from './drift.ts'
import { isOurs, matchesHash, projectOwned, type Projection, saltOf } from './fields.ts'
import type { HealthVerdict } from './health-facts.ts'
import type { JudgeHealth } from './health-judge.ts'
import type { FieldDrift, Health } from './status.ts'

/** What an application expects of one object. */
export interface Expectation {
  readonly application: string
  readonly apiVersion: string
  /** Hash of the fields our last apply left; empty when it is not known to have happened. */
  readonly fieldsHash: string
  /** Since when it is known to be missing, should it be; in milliseconds. */
  readonly missingSince?: number | undefined
  /** How it had ended, where it goes by itself then. */
  readonly ended?: End | undefined
  /** What of it is left to others. */
  readonly ignored?: Ignored | undefined
  /** How kinds of the application fare by its author's word. */
  readonly healthChecks?: readonly HealthCheck[] | undefined
}

/** All that is kept of a live object that bears our label. */
export interface ObjectRecord {
  readonly application: string
  readonly cluster: string
  readonly uid: string
  readonly resourceVersion: string
  readonly health: Health
  readonly message: string
  /** By what a rollout goes by, where that is worse. */
  readonly gate: HealthVerdict | undefined
  /** Fields we own and their values right after our apply. */
  readonly baseline: Projection | undefined
  /** Digest of the content that this agent applied last, should it have. */
  readonly content?: string
  readonly drift: readonly FieldDrift[]
  /** It is not what was applied, and which fields differ is yet to be found out; its last change. */
  readonly unsure?: Pick<FieldDrift, 'manager' | 'changedAt'>
  /** How it has ended, where it goes by itself then. */
  readonly ended: End | undefined
  /** An autoscaler owns the size. */
  readonly scaled: boolean
  /** Our apply made it what it is: it does not bear our marks because a controller copied them. */
  readonly applied: boolean
}

export interface RecordContext {
  readonly manager: string
  readonly now: number
  readonly judge: JudgeHealth
  /** Of hashes of Secrets. */
  readonly salt?: Uint8Array | undefined
  readonly owner: { readonly application: string; readonly cluster: string }
}

/** What is kept of an object right after our apply: how it is now is how it should be. */
export function recordApplied(
  object: LiveObject,
  expected: Expectation,
  context: RecordContext,
  content: string,
): ObjectRecord {
  return {
    ...facts(object, expected, context),
    ...{ content, baseline: projectOwned(object, context.manager) },
    drift: [],
  }
}

/** What is kept of an object a watch told of, compared with what was known of it. */
export function recordSeen(
  object: LiveObject,
  known: ObjectRecord | undefined,
  expected: Expectation | undefined,
  context: RecordContext,
): ObjectRecord {
  const seen = facts(object, expected, context)
  if (!expected?.fieldsHash) return { ...seen, baseline: undefined, drift: [] }
  if (known?.baseline && known.uid === seen.uid) {
    const drift = compare(object, known.baseline, expected, context)
    const { content } = known
    return { ...seen, baseline: known.baseline, drift, ...(content !== undefined && { content }) }
  }
  // After a restart only the hash is known: the fields are trusted again when it matches, and have
  // to be found out when not.
  const projection = projectOwned(object, context.manager)
  const salt = saltOf(object.kind, context.salt)
  if (projection && matchesHash(projection, expected.fieldsHash, seen.scaled, salt)) {
    return { ...seen, baseline: projection, drift: [] }
  }
  return { ...seen, baseline: undefined, drift: [], unsure: lastChange(object, context.manager) }
}

/** What is kept of an object whose baseline was found out: `applied` is what our apply would leave. */
export function recordRecalled(
  live: LiveObject,
  applied: LiveObject,
  expected: Expectation,
  context: RecordContext,
): ObjectRecord {
  const baseline = projectOwned(applied, context.manager)
  const drift = baseline ? compare(live, baseline, expected, context) : []
  return { ...facts(live, expected, context), baseline, drift }
}

/** Whether the same fields are ignored and the same expressions say how it fares. */
export function isHeldAlike(a: Expectation, b: Expectation): boolean {
  return (
    isAlike(a.ignored, b.ignored) &&
    (a.healthChecks === b.healthChecks || isAlike(a.healthChecks, b.healthChecks))
  )
}

function isAlike(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** Path of the drift of an object in which we own nothing any more. */
export const ownersPath = '/metadata/managedFields'

/**
 * What differs; also that nothing of it is ours, as after a restore from a backup. It looks the same, but what Git
 * drops would stay.
 */
function compare(
  object: LiveObject,
  baseline: Projection,
  { ignored }: Expectation,
  { manager }: RecordContext,
): readonly FieldDrift[] {
  const drift = findDrift(object, baseline, manager, ignored)
  if (drift.length > 0 || hasOurs(object, manager)) return drift
  const desired = JSON.stringify(manager)
  return [{ path: ownersPath, desired, live: '', ...lastChange(object, manager) }]
}

/** What is kept when it cannot be found out: that it differs, and who changed it last. */
export function recordUnknown({ unsure, ...record }: ObjectRecord): ObjectRecord {
  const change = unsure ?? { manager: '' }
  return { ...record, drift: [{ path: '', desired: '', live: '', ...change }] }
}

/** True when `b` is a newer state of the object than `a`. */
export function isNewer(a: string, b: string): boolean {
  // Versions are decimal and only rise (KEP-5504); anything else is taken as it comes.
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return true
  return b.length === a.length ? b > a : b.length > a.length
}

export function idOf(object: LiveObject): string {
  const { name, namespace } = object.metadata
  const group = groupOf(object.apiVersion)
  return formatObjectId({ group, kind: object.kind, namespace: namespace ?? '', name })
}

function facts(
  object: LiveObject,
  expected: Expectation | undefined,
  { manager, now, owner, judge }: RecordContext,
) {
  const { seen, gate } = judge(object, expected?.healthChecks, now)
  return {
    application: owner.application,
    cluster: owner.cluster,
    uid: object.metadata.uid ?? '',
    resourceVersion: object.metadata.resourceVersion ?? '',
    health: seen.health,
    message: seen.message,
    gate: gate === seen ? undefined : gate,
    ended: endOf(object),
    scaled: isScaledByOther(object),
    applied: isApplied(object, manager),
  }
}

function isApplied(object: LiveObject, manager: string): boolean {
  const { ownerReferences } = object.metadata as { readonly ownerReferences?: readonly unknown[] }
  return hasOurs(object, manager) && !ownerReferences?.length
}

function hasOurs({ metadata }: LiveObject, manager: string): boolean {
  return metadata.managedFields?.some((entry) => isOurs(entry, manager)) ?? false
}
