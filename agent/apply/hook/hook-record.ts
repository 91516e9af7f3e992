import type { HookEvent } from '@groundswell/proto/apply-rules.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import { isRecord } from '@groundswell/proto/record.ts'

export type HookState = 'running' | 'succeeded' | 'failed'

/**
 * What is remembered of a hook's runs, in its inventory entry: a hook runs once for each content of
 * its application, and neither a restart nor a repair is new content.
 */
export interface HookRecord {
  /** Of the content it ran for. */
  readonly content: string
  /** Of the application when it ran: a failed one is tried again when it is decided anew. */
  readonly generation: number
  readonly states: Readonly<Partial<Record<HookEvent, HookState>>>
  /** Why it failed. */
  readonly message?: string
  /** It runs as its application is removed, which must not be forgotten with its content. */
  readonly onDeletion?: true
}

/** One run of a hook, as the annotation of its object says it. */
export interface HookRun extends Pick<HookRecord, 'content' | 'generation'> {
  readonly event: HookEvent
}

export function formatRunMark({ content, event, generation }: HookRun): string {
  return `${content}.${event}.${generation}`
}

/** Undefined when it is none of ours. */
export function parseRunMark(text = ''): HookRun | undefined {
  const found = /^([0-9a-f]{16})\.(pre|sync|post|fail|pre-delete|post-delete)\.(\d{1,15})$/.exec(
    text,
  )
  if (!found) return undefined
  const [, content = '', event, generation] = found
  return { content, event: event as HookEvent, generation: Number(generation) }
}

/** Stands for all that an application's hooks run for: its objects, not how they are kept. */
export function contentOf({ objects }: Pick<Manifest, 'objects'>): string {
  const text = JSON.stringify(objects.map(({ id, digest }) => [id, digest]))
  return digestOf(text).slice('sha256:'.length, 'sha256:'.length + 16)
}

/** How a run for this content stands; undefined when it is still to be made. */
export function stateOfHook(
  record: HookRecord | undefined,
  event: HookEvent,
  content: string,
  generation: number,
): HookState | undefined {
  if (record?.content !== content) return undefined
  const state = record.states[event]
  return state === 'failed' && generation > record.generation ? undefined : state
}

/** The record after an event of it came to a state. */
export function recordHook(
  record: HookRecord | undefined,
  event: HookEvent,
  state: HookState,
  { content, generation }: Pick<HookRecord, 'content' | 'generation'>,
  message = '',
): HookRecord {
  const states = record?.content === content ? record.states : {}
  return {
    content,
    generation,
    states: { ...states, [event]: state },
    ...(message !== '' && { message }),
    ...(record?.onDeletion && { onDeletion: true as const }),
  }
}

/** The record of an application that lives on: what ran for a removal has not run for the next one. */
export function forgetDeletion(record: HookRecord): HookRecord {
  const { 'pre-delete': before, 'post-delete': after, ...states } = record.states
  return (before ?? after) ? { ...record, states } : record
}

/** Reads what an inventory holds; undefined when it is none. */
export function parseHookRecord(text: string): HookRecord | undefined {
  if (text === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) && typeof value['content'] === 'string' && isRecord(value['states'])
      ? (value as unknown as HookRecord)
      : undefined
  } catch {
    return undefined
  }
}
