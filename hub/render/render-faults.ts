import { posix } from 'node:path'
import { type Fault, HubError } from '../errors.ts'
import type { Declared } from '../fleet/fleet.ts'
import type { ResolvedTarget } from '../fleet/resolve/resolve.ts'

/* What went wrong with renders, as people look for it. */

/** The engine names files within the tree it was given; people look for them in the repository. */
export function placeFaults(error: unknown, root: string): unknown {
  if (!(error instanceof HubError)) return error
  const faults = error.faults.map((fault) =>
    fault.file ? { ...fault, file: posix.join(root, fault.file) } : fault,
  )
  return new HubError(error.code, error.message, { cause: error, faults })
}

/** @param declared where the application is; a fault of no file, such as a directory that is not there, is told there */
export function toFaults(
  error: unknown,
  target: ResolvedTarget,
  { file, line }: Pick<Declared<unknown>, 'file' | 'line'>,
): Fault[] {
  const { message } = error as Error
  const faults = error instanceof HubError && error.faults.length > 0 ? error.faults : [{ message }]
  return faults.map((fault) => placeFault(fault.file ? fault : { ...fault, file, line }, target))
}

export function placeFault(fault: Fault, { application, cluster }: ResolvedTarget): Fault {
  return { object: `Application ${application}`, cluster, ...fault }
}

/** The same fault on many clusters is said once, with the first cluster and how many more. */
export function mergeFaults(faults: readonly Fault[]): Fault[] {
  const merged = new Map<string, { fault: Fault; more: number }>()
  for (const fault of faults) {
    const key = JSON.stringify([fault.file, fault.line, fault.object, fault.message])
    const known = merged.get(key)
    if (known) known.more += 1
    else merged.set(key, { fault, more: 0 })
  }
  return [...merged.values()].map(({ fault, more }) =>
    more === 0 ? fault : { ...fault, message: `${fault.message} (and on ${more} more clusters)` },
  )
}
