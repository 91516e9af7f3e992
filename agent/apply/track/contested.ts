import type { ObjectDrift } from '../../observe/status.ts'
import type { VerifiedApplication } from '../../trust/verified.ts'

/** Field manager that changed an object; empty when nobody can be told. */
export function changedBy({ fields }: ObjectDrift): string {
  return fields.find(({ manager }) => manager !== '')?.manager ?? ''
}

/** Says of drift that comes back after a repair who brings it back. */
export function markContested(
  drift: readonly ObjectDrift[],
  wanted: VerifiedApplication,
  isContested: (drift: ObjectDrift) => boolean,
): readonly ObjectDrift[] {
  if (wanted.state !== 'present' || wanted.manifest.drift !== 'correct') return drift
  return drift.map((one) => {
    const contestedBy = changedBy(one)
    return contestedBy !== '' && isContested(one) ? { ...one, contestedBy } : one
  })
}
