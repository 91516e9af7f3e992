import type { Health } from './status.ts'

/** Worst first. */
const order: readonly Health[] = [
  'Failed',
  'NotFound',
  'Terminating',
  'InProgress',
  'Unknown',
  'Current',
]

/** Less than 0 when `a` is worse. */
export function compareHealth(a: Health, b: Health): number {
  return order.indexOf(a) - order.indexOf(b)
}

export function isWorse(a: Health, b: Health): boolean {
  return compareHealth(a, b) < 0
}
