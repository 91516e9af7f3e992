import type { Letter } from '../../hub/alert/payload.ts'

/** To `ops`, of a rollout that failed. */
export const letter: Letter = {
  id: 'letter-1',
  provider: 'ops',
  notice: {
    ...{ id: 'n', at: 1_767_225_600_000, type: 'rollout.failed', severity: 'error' },
    ...{ kind: 'Rollout', name: 'shop', rollout: 'r1', actor: 'hub', message: 'no' },
  },
  text: 'Rollout shop: no',
}
