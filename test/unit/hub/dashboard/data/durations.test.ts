import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listDurations } from '../../../../../hub/dashboard/data/durations.ts'

type Rollout = Parameters<typeof listDurations>[0][number]

const rollout = (phase: string, startedAt: string | null, finishedAt: string | null) =>
  ({ phase, startedAt, finishedAt }) as Rollout

test('what rollouts took is told of those that succeeded, oldest first', () => {
  const at = (minutes: number) => new Date(minutes * 60_000).toISOString()
  assert.deepEqual(
    listDurations([
      rollout('Succeeded', at(10), at(12)),
      rollout('Failed', at(5), at(6)),
      rollout('Progressing', at(20), null),
      rollout('Succeeded', at(1), at(2)),
      rollout('Succeeded', null, at(3)),
    ]),
    [
      { endedAt: 120, seconds: 60 },
      { endedAt: 720, seconds: 120 },
    ],
  )
})
