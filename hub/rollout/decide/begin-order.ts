import type { Fault } from '../../errors.ts'
import type { Fleet } from '../../fleet/fleet.ts'

/* In what order rollouts are begun that one look at Git decided on: each after what its application depends on, and of
   those that leave each after what depends on it. */

type Begin = () => Promise<void>
type Decide = () => Promise<Fault | undefined>

export interface Turn {
  /** Of what is not to be begun before all that gives something to it. */
  readonly defer: (run: Decide) => void
  /** Of what was deferred, what is to be begun before the application. */
  readonly beginFirsts: () => Promise<void>
}

/** @param leavingBefore of one that left Git: those that depend on it and have left as well */
export function createBeginOrder(
  { applications }: Pick<Fleet, 'applications'>,
  leavingBefore: (application: string) => readonly string[] = () => [],
) {
  /** In the order they came: what others depend on came before them. */
  const deferred = new Map<string, Begin>()

  async function begin(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const run = deferred.get(name)
      deferred.delete(name)
      await run?.()
    }
  }

  function listFirsts(application: string, found = new Set<string>()): ReadonlySet<string> {
    const declared = applications.get(application)
    const firsts = declared
      ? (declared.spec.dependsOn ?? []).map(({ name }) => name)
      : leavingBefore(application)
    for (const name of firsts) {
      if (found.has(name)) continue
      found.add(name)
      listFirsts(name, found)
    }
    return found
  }

  return {
    /** @param attempt does what is deferred, and takes what it throws for a fault of the application */
    turnOf(
      application: string,
      attempt: (application: string, run: Decide) => Promise<void>,
    ): Turn {
      return {
        defer: (run) => void deferred.set(application, () => attempt(application, run)),
        async beginFirsts() {
          const firsts = listFirsts(application)
          await begin([...deferred.keys()].filter((name) => firsts.has(name)))
        },
      }
    },
    beginRest: () => begin([...deferred.keys()]),
  }
}
