import type { LiveObject } from '../../cluster/port.ts'
import { conditionOf } from '../../observe/health-facts.ts'
import { computeHealth } from '../../observe/health.ts'
import type { HookState } from './hook-record.ts'

export interface HookVerdict {
  readonly state: HookState
  /** What it is at, or why it failed. */
  readonly message: string
}

/** Whether an object does its work once, and has an end. */
export function runsToAnEnd({
  apiVersion,
  kind,
}: Pick<LiveObject, 'apiVersion' | 'kind'>): boolean {
  if (kind === 'Job') return apiVersion.startsWith('batch/')
  if (kind === 'Pod') return apiVersion === 'v1'
  return kind === 'Workflow' && apiVersion.startsWith('argoproj.io/')
}

/**
 * How a hook's object came out. What runs to an end is done at its end, unlike in kstatus, to which
 * a running Job is current; all else is done when it is healthy.
 */
export function judgeHook(live: LiveObject, now: number): HookVerdict {
  if (runsToAnEnd(live)) return live.kind === 'Job' ? judgeJob(live) : judgeEnd(live)
  const { health, message } = computeHealth(live, now)
  if (health === 'Current') return { state: 'succeeded', message }
  return { state: health === 'Failed' ? 'failed' : 'running', message: `is ${health}: ${message}` }
}

function judgeJob(live: LiveObject): HookVerdict {
  const failed = conditionOf(live, 'Failed')
  if (failed?.status === 'True') {
    return { state: 'failed', message: words(failed.reason, failed.message) }
  }
  const complete = conditionOf(live, 'Complete') ?? conditionOf(live, 'SuccessCriteriaMet')
  if (complete?.status === 'True') return { state: 'succeeded', message: '' }
  return { state: 'running', message: 'has not ended' }
}

function judgeEnd(live: LiveObject): HookVerdict {
  const { phase, reason, message } = (live['status'] ?? {}) as Partial<Record<string, string>>
  if (phase === 'Succeeded') return { state: 'succeeded', message: '' }
  if (phase === 'Failed' || phase === 'Error') {
    return { state: 'failed', message: words(reason ?? phase, message) }
  }
  return { state: 'running', message: `is ${phase ?? 'not started'}` }
}

function words(reason: unknown, message: unknown): string {
  return [reason, message].filter((text) => typeof text === 'string' && text !== '').join(': ')
}
