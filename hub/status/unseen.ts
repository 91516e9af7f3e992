import type { AgentHold, Told } from './status.ts'

/* What is told of a cluster as a whole names applications, too. Who may not see all of them is told no
   names of others (T34). */

const kept =
  'it is of an application that you may not see; whoever sees the whole fleet is told more'

/** Whether a text has one of these names for a word. */
export function namesAny(text: string, names: ReadonlySet<string>): boolean {
  return text.split(/[^a-z0-9-]+/).some((word) => names.has(word.replace(/^-+|-+$/g, '')))
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
