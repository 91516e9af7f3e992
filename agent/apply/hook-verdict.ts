import type { LiveObject } from '../cluster/port.ts'
import { conditionOf } from '../observe/health-facts.ts'
import { computeHealth } from '../observe/health.ts'
import type { HookState } from './hook-record.ts'

export interface HookVerdict {
  readonly state: HookState
  /** What it is at, or why it failed. */
  readonly message: string
}

/**
 * How a hook's object came out. What runs to an end is done at its end, unlike in kstatus, to which
 * a running Job is current; all else is done when it is healthy.
 */
export function judgeHook(live: LiveObject, now: number): HookVerdict {
  if (live.kind === 'Job' && live.apiVersion.startsWith('batch/')) return judgeJob(live)
  const phase = (live['status'] as { phase?: string; message?: string } | undefined)?.phase
  if (live.kind === 'Pod' && live.apiVersion === 'v1') return judgeEnd(phase, live)
  if (live.apiVersion.startsWith('argoproj.io/') && live.kind === 'Workflow') {
    return judgeEnd(phase, live)
  }
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

function judgeEnd(phase: string | undefined, live: LiveObject): HookVerdict {
  const { reason, message } = (live['status'] ?? {}) as { reason?: string; message?: string }
  if (phase === 'Succeeded') return { state: 'succeeded', message: '' }
  if (phase === 'Failed' || phase === 'Error') {
    return { state: 'failed', message: words(reason ?? phase, message) }
  }
  return { state: 'running', message: `is ${phase ?? 'not started'}` }
}

function words(reason: unknown, message: unknown): string {
  return [reason, message].filter((text) => typeof text === 'string' && text !== '').join(': ')
}
