import type { Approval } from '../rollout.ts'

/** An approval, as far as it decides which of a gate's slots it may fill. */
export type Giving = Pick<Approval, 'actor' | 'roles' | 'madeBy'>

/**
 * Deals approvals out to the roles a gate asks for, so that as many as possible are filled: who has
 * two roles stands for the one nobody else can give. Who made a token is one person with it. One of before roles were kept with it counts for any.
 *
 * @param slots one role for each approval that is asked for
 * @returns by slot, who fills it; null where nobody does
 */
export function dealApprovals(
  slots: readonly string[],
  given: readonly Giving[],
): (string | null)[] {
  const holder: (Giving | null)[] = slots.map(() => null)

  /** Finds a slot, moving others on where they have another to go to. */
  function place(one: Giving, tried: Set<number>): boolean {
    for (const [at, role] of slots.entries()) {
      if (tried.has(at) || (one.roles && !one.roles.includes(role))) continue
      tried.add(at)
      const other = holder[at]
      if (other && !place(other, tried)) continue
      holder[at] = one
      return true
    }
    return false
  }

  const people = new Map<string, Giving>()
  for (const one of given) {
    const person = one.madeBy ?? one.actor
    if (!people.has(person)) people.set(person, one)
  }
  for (const one of people.values()) place(one, new Set())
  return holder.map((one) => one?.actor ?? null)
}

/** Roles of which an approval is still missing, one for each. */
export function missingRoles(slots: readonly string[], given: readonly Giving[]): string[] {
  const dealt = dealApprovals(slots, given)
  return slots.filter((_, at) => dealt[at] === null)
}
