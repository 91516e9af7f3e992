import { CelError, type CelProgram, type TimeBound } from '@groundswell/proto/cel.ts'
import { type HealthCheck, parseHealthExpression } from '@groundswell/proto/health-check.ts'
import { groupOf } from '@groundswell/proto/object-id.ts'
import type { LiveObject } from '../cluster/port.ts'
import { judgeForGate } from './gate-health.ts'
import { computeHealth } from './health.ts'
import { conditionOf, type HealthVerdict, verdict } from './health-facts.ts'

export interface Judgement {
  /** By kstatus, or by its author's expressions. */
  readonly seen: HealthVerdict
  /** What a rollout goes by: never better. */
  readonly gate: HealthVerdict
}

export type JudgeHealth = (
  object: LiveObject,
  checks: readonly HealthCheck[] | undefined,
  now: number,
) => Judgement

const programsKept = 500
/** An expression that took too long is not tried again for so long: an object may change often. */
const restMs = 60_000

/**
 * How objects fare. Expressions of their author replace the rule for a kind; one that comes to no
 * answer makes the object Unknown, with the words, which no gate takes for healthy.
 */
export function createHealthJudge(within: TimeBound): JudgeHealth {
  const programs = new Map<string, CelProgram>()
  const slow = new Map<string, { readonly until: number; readonly error: CelError }>()

  const programOf = (text: string): CelProgram => {
    const known = programs.get(text)
    if (known) return known
    if (programs.size >= programsKept) programs.clear()
    const program = parseHealthExpression(text)
    programs.set(text, program)
    return program
  }

  const holds = (text: string, values: Record<string, unknown>, now: number): boolean => {
    const rest = slow.get(text)
    if (rest && rest.until > now) throw rest.error
    slow.delete(text)
    try {
      return programOf(text).test(values, within)
    } catch (error) {
      if (error instanceof CelError && error.late && slow.size < programsKept) {
        slow.set(text, { until: now + restMs, error })
      }
      throw error
    }
  }

  const judgeByAuthor = (object: LiveObject, check: HealthCheck, now: number): HealthVerdict => {
    const { managedFields: _, ...metadata } = object.metadata
    // An error may repeat what it was about.
    const self = { ...object, metadata, ...(isSecretKind(object) && { data: {}, stringData: {} }) }
    const values = { ...self, self }
    for (const [field, health] of steps) {
      const text = check[field]
      if (text === undefined) continue
      try {
        if (holds(text, values, now))
          return verdict(health, health === 'Current' ? '' : wordsOf(object) || text)
      } catch (error) {
        return verdict('Unknown', `healthCheckExprs, ${field}: ${(error as Error).message}`)
      }
    }
    return verdict('InProgress', 'none of its healthCheckExprs holds')
  }

  return (object, checks, now) => {
    const check = checks?.find(
      ({ apiVersion, kind }) =>
        kind === object.kind && groupOf(apiVersion) === groupOf(object.apiVersion),
    )
    if (!check || object.metadata.deletionTimestamp) {
      const seen = computeHealth(object, now)
      return { seen, gate: judgeForGate(object, seen) }
    }
    const seen = judgeByAuthor(object, check, now)
    return { seen, gate: seen }
  }
}

const steps = [
  ['inProgress', 'InProgress'],
  ['failed', 'Failed'],
  ['current', 'Current'],
] as const

function isSecretKind({ apiVersion, kind }: LiveObject): boolean {
  return kind === 'Secret' && groupOf(apiVersion) === ''
}

/** What most controllers say in their Ready condition. */
function wordsOf(object: LiveObject): string {
  const ready = conditionOf(object, 'Ready')
  return ready && ready.status !== 'True' ? ready.message : ''
}
