import { isRecord } from './record.ts'

/** When a hook runs, seen from its application's other objects. */
export type HookEvent = 'pre' | 'sync' | 'post' | 'fail' | DeletionEvent

/** As its application is removed: before anything of it is deleted, or after all of it is gone. */
export type DeletionEvent = 'pre-delete' | 'post-delete'

/** When a hook's object is deleted: before the next run, or after one that ended so. */
export type HookCleanup = 'before' | 'succeeded' | 'failed'

const deletionEvents: readonly HookEvent[] = ['pre-delete', 'post-delete'] satisfies DeletionEvent[]
const hookEvents: readonly unknown[] = [
  'pre',
  'sync',
  'post',
  'fail',
  ...deletionEvents,
] satisfies HookEvent[]
const cleanups: readonly unknown[] = ['before', 'succeeded', 'failed'] satisfies HookCleanup[]

export interface Hook {
  readonly events: readonly HookEvent[]
  readonly cleanup: readonly HookCleanup[]
}

/**
 * What an object's author asks of its apply. The hub reads it from the annotations of Argo CD,
 * Flux, Helm and kpt, so that a circle is found before anything is signed, and so that an agent
 * knows the order of a thousand objects without reading them.
 */
export interface ApplyRules {
  /** Objects of a lower wave are healthy first; 0 when absent. Orders hooks of one event, too. */
  readonly wave?: number
  /** Ids of objects of the same manifest that are healthy first. */
  readonly after?: readonly string[]
  readonly hook?: Hook
  /**
   * `once`: made where it is not there, and then left. `never`: neither applied nor pruned.
   * `merge`: fields that client-side tools own stay theirs.
   */
  readonly apply?: 'once' | 'never' | 'merge'
  /** Deleted and made anew where the API server refuses a change of it. */
  readonly replace?: true
}

export function isDeletionEvent(event: HookEvent): event is DeletionEvent {
  return deletionEvents.includes(event)
}

/** Whether an object runs as its application is removed. */
export function runsOnDeletion({ rules }: { readonly rules?: ApplyRules }): boolean {
  return rules?.hook?.events.some(isDeletionEvent) ?? false
}

/** Whether parsed JSON is rules; strict, since the signer made them. */
export function isApplyRules(value: unknown): value is ApplyRules {
  if (!isRecord(value)) return false
  const { wave, after, hook, apply, replace, ...rest } = value
  return (
    Object.keys(rest).length === 0 &&
    (wave === undefined || Number.isSafeInteger(wave)) &&
    (after === undefined || (Array.isArray(after) && after.every(isText))) &&
    (hook === undefined || isHook(hook)) &&
    (apply === undefined || apply === 'once' || apply === 'never' || apply === 'merge') &&
    (replace === undefined || replace === true)
  )
}

function isHook(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { events, cleanup } = value
  return (
    Array.isArray(events) &&
    events.length > 0 &&
    events.every((event) => hookEvents.includes(event)) &&
    Array.isArray(cleanup) &&
    cleanup.every((when) => cleanups.includes(when))
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
