import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApplicationView, ClusterView, RolloutView } from '../../../../hub/client/gen/api.ts'
import { judge, parseWanted } from '../../../../hub/cli/waiting.ts'

const rollout = (phase: string, active: boolean) =>
  ({
    phase,
    active,
    counts: { succeeded: 1, total: 3 },
    waitingFor: [],
    message: '',
  }) as unknown as RolloutView
const application = (more: Partial<ApplicationView>) =>
  ({
    targets: 2,
    revision: 'main@sha1:a',
    counts: { updated: 2, failed: 0, unreachable: 0 },
    rollout: { id: 'r-1', phase: 'Succeeded', message: '' },
    hold: null,
    ...more,
  }) as ApplicationView
const cluster = (state: string, updated: number) =>
  ({
    lifecycle: 'Enrolled',
    connection: { state },
    counts: { updated, applications: 2 },
  }) as ClusterView

describe('what is waited for', () => {
  it('of a rollout is that it succeeds, or only that it ends', () => {
    const succeeded = parseWanted('rollout', undefined)
    const ended = parseWanted('rollouts', 'ended')
    assert.equal(judge(succeeded, rollout('Progressing', true)).state, 'notYet')
    assert.equal(judge(succeeded, rollout('Succeeded', false)).state, 'met')
    assert.equal(judge(succeeded, rollout('Aborted', false)).state, 'never')
    assert.equal(judge(ended, rollout('Aborted', false)).state, 'met')
    assert.equal(judge(ended, rollout('Paused', true)).state, 'notYet')
  })

  it('of an application is that all its clusters have it, and no rollout is on its way', () => {
    const wanted = parseWanted('app', undefined)
    assert.equal(judge(wanted, application({})).state, 'met')
    const underWay = { id: 'r-2', phase: 'Progressing', message: '' }
    assert.equal(judge(wanted, application({ rollout: underWay })).state, 'notYet')
    assert.equal(judge(wanted, application({ targets: 3 })).state, 'notYet')
    assert.equal(judge(wanted, application({ revision: null })).state, 'notYet')
    const faults = [{ message: 'does not render' }]
    assert.equal(judge(wanted, application({ faults })).state, 'never')
  })

  it('of an application is not what runs after an abort or a rollback, although all clusters have what they were given', () => {
    const wanted = parseWanted('app', undefined)
    const aborted = { id: 'r-2', phase: 'Aborted', message: '' }
    const { state, message } = judge(
      wanted,
      application({ name: 'shop', behind: 1, rollout: aborted }),
    )
    assert.equal(state, 'notYet')
    assert.match(message, /Git asks for something else on 1 of them since rollout r-2 Aborted/)
    assert.match(message, /`swell rollout start shop` brings it/)
    assert.equal(judge(wanted, application({ behind: 0, rollout: aborted })).state, 'met')
  })

  it('of a cluster is that it is there, or has all it should', () => {
    assert.equal(judge(parseWanted('cluster', undefined), cluster('Connected', 1)).state, 'met')
    assert.equal(judge(parseWanted('cluster', 'updated'), cluster('Connected', 1)).state, 'notYet')
    assert.equal(
      judge(parseWanted('cluster', 'updated'), cluster('Disconnected', 2)).state,
      'notYet',
    )
    assert.equal(judge(parseWanted('cluster', 'updated'), cluster('Connected', 2)).state, 'met')
  })

  it('is nothing that cannot be told', () => {
    assert.throws(() => parseWanted('source', undefined), /cannot wait for source/)
    assert.throws(() => parseWanted('cluster', 'ended'), /cannot be waited for to be ended/)
  })
})
