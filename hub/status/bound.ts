import type { ApplicationStatus } from './status.ts'

/** Of one cluster; a snapshot has no room for more. */
const mostApplications = 10_000
/** Characters of what is told of objects, of one cluster: twice what an agent says in one report. */
const mostText = 4 * 1024 * 1024
/** Entries of each list, of applications that take too much: first this many, then none. */
const shortened = [5, 0] as const

export type Applications = Readonly<Record<string, ApplicationStatus>>

/**
 * What the hub keeps of one cluster (I9): an agent that was taken over can tell it of any number of
 * applications, each with all that its lists hold. `told` is what came last. Which applications there
 * are, their phase, health and counts stay; the longest lists go first.
 */
export function boundApplications(
  applications: Applications,
  told: readonly ApplicationStatus[],
): Applications {
  const names = Object.keys(applications)
  const fewer =
    names.length > mostApplications
      ? Object.fromEntries(
          names.slice(0, mostApplications).map((name) => [name, applications[name]!]),
        )
      : applications
  // It grows only by what has something to tell.
  return told.some((one) => weigh(one) > 0) ? shorten(fewer) : fewer
}

function shorten(applications: Applications): Applications {
  let total = Object.values(applications).reduce((sum, one) => sum + weigh(one), 0)
  if (total <= mostText) return applications
  const kept = new Map(Object.entries(applications))
  for (const entries of shortened) {
    const heaviest = [...kept.values()].sort((a, b) => weigh(b) - weigh(a))
    for (const one of heaviest) {
      if (total <= mostText) break
      const less = cutLists(one, entries)
      total -= weigh(one) - weigh(less)
      kept.set(one.application, less)
    }
  }
  return Object.fromEntries(kept)
}

function cutLists(one: ApplicationStatus, entries: number): ApplicationStatus {
  const { unhealthy, errors, drift, gate } = one
  return {
    ...one,
    unhealthy: unhealthy.slice(0, entries),
    errors: errors.slice(0, entries),
    drift: drift.slice(0, entries).map(({ fields, ...rest }) => ({
      ...rest,
      fields: fields.slice(0, entries),
    })),
    ...(gate && { gate: { ...gate, objects: gate.objects.slice(0, entries) } }),
  }
}

/** A status is never changed, only replaced. */
const weights = new WeakMap<ApplicationStatus, number>()

/** Characters of an application's lists. */
function weigh(one: ApplicationStatus): number {
  const known = weights.get(one)
  if (known !== undefined) return known
  const { unhealthy, errors, drift, gate } = one
  let sum = 0
  for (const { object, message } of unhealthy) sum += object.length + message.length
  for (const { object, message } of gate?.objects ?? []) sum += object.length + message.length
  for (const { object, file, code, message } of errors) {
    sum += object.length + file.length + code.length + message.length
  }
  for (const { object, contestedBy = '', fields } of drift) {
    sum += object.length + contestedBy.length
    for (const { path, desired, live, manager } of fields) {
      sum += path.length + desired.length + live.length + manager.length
    }
  }
  weights.set(one, sum)
  return sum
}
