import type { PolicyGate } from '../../hub/policy/gate.ts'

/** Lets everything through: for tests of what comes after. */
export const openGate: PolicyGate = {
  load: () => Promise.resolve({ policies: [], warnings: [] }),
  judge: () => Promise.resolve([]),
}
