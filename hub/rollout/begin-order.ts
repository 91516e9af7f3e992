import type { Fault } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'

/* In what order rollouts are begun that one look at Git decided on: each after what its application depends on. */

type Begin = () => Promise<void>
type Decide = () => Promise<Fault | undefined>

export interface Turn {
  /** Of what is not to be begun before all that gives something to it. */
  readonly defer: (run: Decide) => void
  /** Of what was deferred, what the application depends on that is to be begun now. */
  readonly beginFirsts: () => Promise<void>
}

export function createBeginOrder({ applications }: Pick<Fleet, 'applications'>) {
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
    for (const { name } of applications.get(application)?.spec.dependsOn ?? []) {
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
