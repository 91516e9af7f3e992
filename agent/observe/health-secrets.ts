import type { LiveObject } from '../cluster/port.ts'
import { at, conditionOf, type HealthVerdict, text, verdict } from './health-facts.ts'

/* Objects that a controller makes Secrets of: healthy once it did, for what is asked for now. */

/**
 * A SealedSecret is Current when its controller says Synced, and Failed with its words when it
 * cannot unseal. A controller that runs with `--update-status=false` never says so.
 */
export function judgeSealedSecret(object: LiveObject): HealthVerdict {
  const synced = conditionOf(object, 'Synced')
  if (!synced) return verdict('InProgress', 'not yet unsealed')
  if (synced.status === 'True') return verdict('Current')
  return verdict('Failed', synced.message || synced.reason || 'cannot be unsealed')
}

/** An ExternalSecret is Current when its controller says Ready of the generation that is there. */
export function judgeExternalSecret(object: LiveObject): HealthVerdict {
  const ready = conditionOf(object, 'Ready')
  if (!ready) return verdict('InProgress', 'not yet synced')
  if (ready.status !== 'True') {
    return verdict('Failed', ready.message || ready.reason || 'cannot be synced')
  }
  // `GENERATION-HASH` of what was synced last; one that is made once is never synced again.
  const synced = text(at(object, 'status', 'syncedResourceVersion')).split('-')[0] ?? ''
  const { generation } = object.metadata
  const isOnce = at(object, 'spec', 'refreshPolicy') === 'CreatedOnce'
  return synced === '' || synced === String(generation) || isOnce
    ? verdict('Current')
    : verdict('InProgress', `generation is ${generation}, controller has synced ${synced}`)
}
