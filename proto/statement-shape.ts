import { isDigest } from './digest.ts'
import { hasExactly, isRecord } from './record.ts'
import { parseStrictJson } from './strict-json.ts'

/* Strict shapes: a signed statement with anything unknown in it is refused, not interpreted. */

/** A statement that is not as it must be; the message names the member. */
export class StatementError extends Error {
  override readonly name = 'StatementError'
}

/** Clusters one policy or approval may name. */
const clustersLimit = 10_000

const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** @throws StatementError */
export function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new StatementError(`statement: ${what}`)
}

/**
 * A payload with exactly these members, given sorted; `v` is 1.
 *
 * @throws StatementError
 */
export function parseObject(
  payload: Uint8Array,
  members: readonly string[],
): Record<string, unknown> {
  let value: unknown
  try {
    value = parseStrictJson(payload)
  } catch (cause) {
    const why = (cause as Error).message
    throw new StatementError(`the statement is not strict JSON: ${why}`, { cause })
  }
  need(isRecord(value), 'the statement is not an object')
  exactly(value, members)
  need(value['v'] === 1, 'v')
  return value
}

export function exactly(value: Record<string, unknown>, members: readonly string[]): void {
  need(hasExactly(value, members), `members are ${Object.keys(value).sort().join(', ')}`)
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function needPositive(value: Record<string, unknown>, members: readonly string[]): void {
  for (const member of members) need(isCount(value[member]) && value[member] > 0, member)
}

/** Last second of the year 9999. What is later is no time: it has no date, and would outlive every clock. */
const latestTime = 253_402_300_799

/** Seconds since the Unix epoch. */
export function needTimes(value: Record<string, unknown>, members: readonly string[]): void {
  needPositive(value, members)
  for (const member of members) need((value[member] as number) <= latestTime, member)
}

export function needText(value: Record<string, unknown>, members: readonly string[]): void {
  for (const member of members) {
    const text = value[member]
    need(typeof text === 'string' && text !== '' && text.length <= 1024, member)
  }
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && namePattern.test(value)
}

export function isDigestOrNull(value: unknown): boolean {
  return value === null || isDigest(value)
}

/** Names, sorted and each once, or `*` alone. */
export function isClusterList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > clustersLimit) return false
  const names = value as unknown[]
  if (names.length === 1 && names[0] === '*') return true
  return names.every((name, at) => isName(name) && (at === 0 || (names[at - 1] as string) < name))
}

/** Whether such a list names a cluster. */
export function coversCluster(clusters: readonly string[], cluster: string): boolean {
  return clusters[0] === '*' || clusters.includes(cluster)
}
