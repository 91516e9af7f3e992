import { digestOf } from '@groundswell/proto/digest.ts'

const nameOf = (format: number): string => `groundswell/redis/${format}`

/** The form of what a hub keeps in Redis now: where a step of an upgrade leads. */
export const redisFormat = 2

/**
 * The number with a digest of it. Whoever may write to Redis may change it by a byte: that must not
 * look like a newer hub's.
 */
export function formatMark(format: number): string {
  return `${format} ${digestOf(nameOf(format))}`
}

/** What is no mark counts as one of before marks had a number: 1. */
export function parseMark(text: string): number {
  const format = Number(/^[1-9]\d{0,5}(?= )/.exec(text)?.[0] ?? 1)
  return text === formatMark(format) ? format : 1
}
