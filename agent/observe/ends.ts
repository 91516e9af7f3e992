import { groupOf } from '@groundswell/proto/object-id.ts'
import type { LiveObject } from '../cluster/port.ts'
import { at, conditionOf } from './health-facts.ts'

/* Jobs that go by themselves once they have ended: they are not missing then, and made anew they would run again. */

/** How an object had ended that goes by itself then. */
export type End = 'Current' | 'Failed'

/** How a Job with `ttlSecondsAfterFinished` has ended; undefined while it runs, and of all else. */
export function endOf(object: LiveObject): End | undefined {
  if (object.kind !== 'Job' || groupOf(object.apiVersion) !== 'batch') return undefined
  if (at(object, 'spec', 'ttlSecondsAfterFinished') === undefined) return undefined
  if (conditionOf(object, 'Failed')?.status === 'True') return 'Failed'
  return conditionOf(object, 'Complete')?.status === 'True' ? 'Current' : undefined
}

export function describeEnd(end: End): string {
  const how = end === 'Failed' ? 'failed' : 'ended well'
  return `${how}, and is gone by its ttlSecondsAfterFinished`
}
