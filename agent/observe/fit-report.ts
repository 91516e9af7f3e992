import type { ApplicationState, ObjectDrift } from './status.ts'
import { around, sizeOfField, sizeOfTexts } from './wire-size.ts'

/**
 * For applications, of the 4 MiB that a hub takes in one message. Lists are at most 50 entries long, but of
 * two applications whose every field was changed they fill that: the hub would end the stream, and be
 * told the same again by the next.
 */
const reportBytes = 2 * 1024 * 1024

/**
 * What is told of applications, within one message. All of them, and all counts; where there is too
 * much, the lists of those that have the longest are cut, to as much for each.
 */
export function fitReport(
  states: readonly ApplicationState[],
  limit = reportBytes,
): readonly ApplicationState[] {
  const sizes = states.map(sizeOf)
  if (sizes.reduce((sum, size) => sum + size, 0) <= limit) return states
  const share = findShare(sizes, limit)
  return states.map((state, at) => (sizes[at]! > share ? cutTo(state, share) : state))
}

/** What each may have, when those that need less leave the rest to the others. */
function findShare(sizes: readonly number[], limit: number): number {
  let left = limit
  for (const [at, size] of [...sizes].sort((a, b) => a - b).entries()) {
    const share = Math.floor(left / (sizes.length - at))
    if (size > share) return share
    left -= size
  }
  return limit
}

function sizeOf(state: ApplicationState): number {
  const { unhealthy, errors, drift, gate } = state
  const lists = [
    ...[...unhealthy, ...(gate?.objects ?? [])].map(sizeOfHealth),
    ...errors.map(sizeOfError),
    ...drift.map(sizeOfDrift),
  ]
  return lists.reduce((sum, size) => sum + size, sizeOfHead(state))
}

const sizeOfHead = ({ application, manifestDigest, waiting, held }: ApplicationState): number =>
  4 * around + sizeOfTexts([application, manifestDigest ?? '', waiting ?? '', held?.digest ?? ''])
const sizeOfHealth = (one: ApplicationState['unhealthy'][number]): number =>
  around + sizeOfTexts([one.object, one.message])
const sizeOfError = (one: ApplicationState['errors'][number]): number =>
  around + sizeOfTexts([one.object, one.file, one.code, one.message])
const sizeOfDrift = ({ object, contestedBy, fields }: ObjectDrift): number =>
  fields.reduce(
    (sum, field) => sum + sizeOfField(field),
    around + sizeOfTexts([object, contestedBy ?? '']),
  )

/** The beginning of each list: what failed, then what is not well, then what differs. */
function cutTo(state: ApplicationState, share: number): ApplicationState {
  let left = share - sizeOfHead(state)
  const take = <T>(list: readonly T[], size: (one: T) => number): T[] => {
    const end = list.findIndex((one) => {
      left -= size(one)
      return left < 0
    })
    return end < 0 ? [...list] : list.slice(0, end)
  }
  const errors = take(state.errors, sizeOfError)
  const unhealthy = take(state.unhealthy, sizeOfHealth)
  const gated = take(state.gate?.objects ?? [], sizeOfHealth)
  // Which objects differ says more than all fields of the first.
  const bare = take(state.drift, (one) => sizeOfDrift({ ...one, fields: [] }))
  const drift = bare.map((one) => ({ ...one, fields: take(one.fields, sizeOfField) }))
  return {
    ...{ ...state, errors, unhealthy, drift },
    ...(state.gate && { gate: { ...state.gate, objects: gated } }),
  }
}
