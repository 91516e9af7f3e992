import type { Fleet } from '../fleet/fleet.ts'
import { RefusedFleet } from '../fleet/load/refused-fleet.ts'
import { faultsOf, isOfPolicy } from './faults.ts'

/**
 * What is thrown of a fleet with faults, with those of its policies' files besides, so that all are told at
 * once. Policies whose own configuration has faults are left out: what it means is not known.
 *
 * @param load reads the policies of a fleet, and throws what is wrong with them
 */
export async function tellPolicies(
  error: unknown,
  load: (fleet: Fleet) => Promise<unknown>,
): Promise<unknown> {
  if (!(error instanceof RefusedFleet)) return error
  const { fleet, faults } = error
  const faulty = new Set(faults.map(({ object }) => object))
  const policies = new Map([...fleet.policies].filter(([name]) => !faulty.has(`Policy ${name}`)))
  if (policies.size === 0) return error
  try {
    await load({ ...fleet, policies })
    return error
  } catch (other) {
    // Where they cannot be read at all, what is known already is told.
    return isOfPolicy(other) ? new RefusedFleet(fleet, [...faults, ...faultsOf(other)]) : error
  }
}
