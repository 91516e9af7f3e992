import type { LiveObject } from '../cluster/port.ts'
import { at, conditionOf, type HealthVerdict, text, verdict } from './health-facts.ts'
import { kindRules } from './health-kinds.ts'

/**
 * How an object fares, in kstatus's six words and by its rules in its order
 * (fluxcd/cli-utils pkg/kstatus): deletion, observed generation, Reconciling and Stalled, the
 * kind's own rule, Ready, else Current. `now` is in milliseconds since the epoch.
 */
export function computeHealth(object: LiveObject, now: number): HealthVerdict {
  const { deletionTimestamp, generation } = object.metadata
  if (deletionTimestamp) {
    const finalizers = object.metadata.finalizers?.join(', ')
    return verdict(
      'Terminating',
      finalizers ? `waits for finalizers ${finalizers}` : 'being deleted',
    )
  }
  const observed = at(object, 'status', 'observedGeneration')
  if (typeof observed === 'number' && observed !== generation) {
    return verdict('InProgress', `generation is ${generation}, controller has seen ${observed}`)
  }
  const reconciling = conditionOf(object, 'Reconciling')
  if (reconciling?.status === 'True') return verdict('InProgress', reconciling.message)
  const stalled = conditionOf(object, 'Stalled')
  if (stalled?.status === 'True') return verdict('Failed', stalled.message)
  const rule = kindRules[`${groupOf(object.apiVersion)}/${object.kind}`]
  if (rule) return rule(object, now)
  const ready = conditionOf(object, 'Ready')
  if (ready && ready.status !== 'True') {
    return verdict('InProgress', ready.message || text(ready.reason) || 'not ready')
  }
  return verdict('Current')
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}
