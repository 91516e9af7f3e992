import type { AgentHold, Told } from './status.ts'

/* What is told of a cluster as a whole names applications, too. Who may not see all of them is told no
   names of others (T34). */

const kept =
  'it is of an application that you may not see; whoever sees the whole fleet is told more'

/** From the first letter or digit to the last of what a name may be made of; an agent's words cost what they are long. */
const word = /[a-z0-9](?:[-a-z0-9]*[a-z0-9])?/g

/** Whether a text has one of these names for a word. */
export function namesAny(text: string, names: ReadonlySet<string>): boolean {
  return text.match(word)?.some((found) => names.has(found)) === true
}

/** The code alone, where the words name one of these. */
export function tellWithout(told: Told | null, unseen: ReadonlySet<string>): Told | null {
  return told && namesAny(told.message, unseen) ? { code: told.code, message: kept } : told
}

/** Vetoes of what may be seen, without the names of others. */
export function holdsWithout(
  holds: readonly AgentHold[],
  unseen: ReadonlySet<string>,
): readonly AgentHold[] {
  return holds.flatMap((hold) => {
    const applications = hold.applications.filter((name) => !unseen.has(name))
    const isOfOthers = applications.length === 0 && hold.applications.length > 0
    return isOfOthers ? [] : [{ ...hold, applications }]
  })
}
