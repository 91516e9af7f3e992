import type { RolloutSummary } from '../../client/gen/api.ts'

/** A rollout that came to a good end. */
export interface PastRollout {
  /** Seconds since the epoch. */
  readonly endedAt: number
  /** From its start. */
  readonly seconds: number
}

/** What rollouts that succeeded took, oldest first. */
export function listDurations(rollouts: readonly RolloutSummary[]): PastRollout[] {
  return rollouts
    .flatMap(({ phase, startedAt, finishedAt }) => {
      if (phase !== 'Succeeded' || startedAt === null || finishedAt === null) return []
      const [start, end] = [Date.parse(startedAt) / 1_000, Date.parse(finishedAt) / 1_000]
      return [{ endedAt: end, seconds: Math.max(0, end - start) }]
    })
    .sort((a, b) => a.endedAt - b.endedAt)
}
