import type { LiveObject } from '../cluster/port.ts'
import type { Health } from './status.ts'

export interface HealthVerdict {
  readonly health: Health
  /** Empty when there is nothing to add. */
  readonly message: string
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

export function verdict(health: Health, message = ''): HealthVerdict {
  return { health, message: message.slice(0, 500) }
}

/** The member at a path, undefined as soon as a step is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as Record<string, unknown>)[step]
  }
  return here
}

export function count(object: LiveObject, ...path: readonly string[]): number {
  const value = at(object, ...path)
  return typeof value === 'number' ? value : 0
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function conditionOf(object: LiveObject, type: string): Condition | undefined {
  for (const condition of list(at(object, 'status', 'conditions'))) {
    if (at(condition, 'type') !== type) continue
    return {
      type,
      status: text(at(condition, 'status')),
      reason: text(at(condition, 'reason')),
      message: text(at(condition, 'message')),
      lastTransitionTime: text(at(condition, 'lastTransitionTime')),
    }
  }
  return undefined
}
