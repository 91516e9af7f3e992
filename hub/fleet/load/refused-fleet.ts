import { type Fault, formatFault, HubError } from '../../errors.ts'
import type { Fleet } from '../fleet.ts'

/** Configuration with faults, and what could be read of it: nothing may go by that but a search for more of them. */
export class RefusedFleet extends HubError {
  readonly fleet: Fleet
  constructor(fleet: Fleet, faults: readonly Fault[]) {
    const sorted = faults.toSorted(
      (a, b) =>
        (a.file ?? '').localeCompare(b.file ?? '') ||
        (a.line ?? 0) - (b.line ?? 0) ||
        (a.column ?? 0) - (b.column ?? 0),
    )
    const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : ''
    super('fleet_invalid', `${formatFault(sorted[0]!)}${more}`, { faults: sorted })
    this.fleet = fleet
  }
}
