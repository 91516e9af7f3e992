import { type CelProgram, parseCel } from './cel.ts'
import { isRecord } from './record.ts'

/** How objects of a kind fare, by expressions of their author; for kinds whose own words mislead. */
export interface HealthCheck {
  /** Its group counts, the version does not. */
  readonly apiVersion: string
  readonly kind: string
  /** Asked in this order, and the first that holds says it; none holds while it is in progress. */
  readonly inProgress?: string
  readonly failed?: string
  readonly current: string
}

export const healthCheckLimit = 50

/** What an expression may speak of: the members of the object, and all of it as `self`. */
export const healthVariables = [
  ...['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'],
  ...['rules', 'subsets', 'webhooks', 'self'],
] as const

/** @throws CelError */
export function parseHealthExpression(text: string): CelProgram {
  return parseCel(text, healthVariables)
}

/** Checks what a manifest carries; its expressions were read where they were written. @throws TypeError */
export function parseHealthChecks(value: unknown): readonly HealthCheck[] {
  if (!Array.isArray(value) || value.length > healthCheckLimit || !value.every(isHealthCheck)) {
    throw new TypeError('healthChecks')
  }
  return value
}

function isHealthCheck(value: unknown): value is HealthCheck {
  if (!isRecord(value)) return false
  const { apiVersion, kind, inProgress = '', failed = '', current } = value
  return [apiVersion, kind, inProgress, failed, current].every((text) => typeof text === 'string')
}
