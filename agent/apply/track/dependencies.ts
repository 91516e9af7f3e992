import { CelError, type CelProgram, parseCel, type TimeBound } from '@groundswell/proto/cel.ts'
import { type Dependency, dependencyVariables } from '@groundswell/proto/manifest.ts'
import type { Observer } from '../../observe/observer.ts'
import { stateOf, type Tracked } from './tracked.ts'

/** Whether what an application depends on lets it be applied. */
export interface Dependencies {
  /** Why it may not be applied yet, in words; undefined when nothing is in its way. */
  whyBlocked(one: Tracked, find: (name: string) => Tracked | undefined): string | undefined
}

/** Expressions read, over all applications. */
const mostPrograms = 200

/** @param within bounds the time of an expression, which comes from Git */
export function createDependencies(observer: Observer, within: TimeBound): Dependencies {
  const programs = new Map<string, CelProgram>()

  const read = (text: string): CelProgram => {
    const known = programs.get(text)
    if (known) return known
    if (programs.size >= mostPrograms) programs.clear()
    const program = parseCel(text, dependencyVariables)
    programs.set(text, program)
    return program
  }

  const whyNotReady = (one: Tracked, { ready }: Dependency, other: Tracked | undefined) => {
    if (!other || other.wanted.state !== 'present') return 'which is not here'
    if (other.phase === 'Failed') return 'which failed'
    if (!other.settled || other.phase !== 'Applied') return 'which is being applied'
    if (ready === undefined) {
      const { health } = stateOf(other, observer)
      return health === 'Current' ? undefined : `which is ${health}`
    }
    try {
      const values = { dep: toFacts(other, observer), self: toFacts(one, observer) }
      return read(ready).test(values, within) ? undefined : `of which is to be true: ${ready}`
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      return `of which cannot be told whether ${ready}: ${error.message}`
    }
  }

  return {
    whyBlocked(one, find) {
      if (one.wanted.state !== 'present') return undefined
      for (const dependency of one.wanted.manifest.dependsOn ?? []) {
        const why = whyNotReady(one, dependency, find(dependency.name))
        if (why !== undefined) return `waits for application ${dependency.name}, ${why}`
      }
      return undefined
    },
  }
}

/** What an expression may look at of an application. */
function toFacts(one: Tracked, observer: Observer) {
  const { application, phase, health, objects, readyObjects, driftedObjects } = stateOf(
    one,
    observer,
  )
  const revision = one.wanted.state === 'present' ? one.wanted.revision : ''
  return { name: application, revision, phase, health, objects, readyObjects, driftedObjects }
}
