import type { Static } from 'typebox'
import type { ObjectDriftView } from '../api/views.ts'
import type { ObjectDrift } from './status.ts'

/** Drift as the API tells it: times as text. */
export function viewDrift(drift: ObjectDrift): Static<typeof ObjectDriftView> {
  return {
    ...drift,
    firstSeen: new Date(drift.firstSeen).toISOString(),
    fields: drift.fields.map(({ changedAt, ...field }) => ({
      ...field,
      ...(changedAt !== undefined && { changedAt: new Date(changedAt).toISOString() }),
    })),
  }
}
