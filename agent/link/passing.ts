import type { AgentErrorCode } from '../errors.ts'

/**
 * Refusals of an offer that pass by themselves, and milliseconds until it is taken up again: content the
 * hub had not got, a doubt that a signer settles, a disk that is full.
 */
export const passing: ReadonlyMap<AgentErrorCode, number> = new Map([
  ['content_missing', 2_000],
  ['trust_state_doubtful', 2_000],
  ['trust_state_unwritable', 5_000],
])
