import { isDigest } from '@groundswell/proto/digest.ts'
import { hasExactly, isRecord } from '@groundswell/proto/record.ts'
import { parseStrictJson } from '@groundswell/proto/strict-json.ts'
import { AgentError, type AgentErrorCode } from '../errors.ts'

/** Strict shapes: a signed statement with anything unknown in it is refused, not interpreted. */

/** Clusters one policy or approval may name. */
const clustersLimit = 10_000

const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

export function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AgentError('statement_malformed', `statement: ${what}`)
}

/** A payload with exactly these members, given sorted; `v` is 1. */
export function parseObject(
  payload: Uint8Array,
  members: readonly string[],
): Record<string, unknown> {
  let value: unknown
  try {
    value = parseStrictJson(payload)
  } catch (cause) {
    const why = (cause as Error).message
    throw new AgentError('statement_malformed', `the statement is not strict JSON: ${why}`, {
      cause,
    })
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

/** Gives a statement's own code to whatever is wrong with its shape. */
export function shaped<T>(code: AgentErrorCode, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'statement_malformed') throw error
    throw new AgentError(code, error.message, { cause: error })
  }
}
