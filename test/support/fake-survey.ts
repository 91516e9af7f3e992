import { digestOf } from '@groundswell/proto/digest.ts'
import type { Survey } from '../../hub/api/hub.ts'
import { timestamp } from '../../hub/api/rollout-view.ts'
import type { HeldView } from '../../hub/api/survey-view.ts'
import { HubError } from '../../hub/errors.ts'
import { desired, fakeNow, revision } from './fake-rollout.ts'

/** `shop` is held, waits at a gate and drifts; the ledger has three lines. */
export function createFakeSurvey(): Survey {
  const at = timestamp(fakeNow)
  const held: HeldView[] = [
    { application: 'shop', revision, contentDigest: desired, rollout: 'r-1', at, reason: 'bad' },
  ]
  const rows = ['edge-1', 'lab'].map((cluster) => ({
    ...{ cluster, application: 'shop', driftedObjects: 1, objects: ['/ConfigMap/shop/settings'] },
  }))
  const lines = [1, 2, 3].map((index) => ({
    ...{ index, at, actor: 'ada', type: 'rollout.moved', subject: 'rollout/r-1' },
    ...{ message: 'moved', previous: digestOf(`${index - 1}`), digest: digestOf(`${index}`) },
  }))
  return {
    summary: () => ({
      clusters: {
        ...{ total: 3, connected: 2, disconnected: 1, neverConnected: 0, stale: 0 },
        ...{ waitForApproval: 1, locked: 0, revoked: 0 },
      },
      deployments: { updated: 2, pending: 0, failed: 0, unreachable: 1, drifted: 2 },
      ...{ applications: 1, groups: 1, holds: held.length },
      rollouts: { active: 1, paused: 0, waiting: 1 },
    }),
    holds: () => held,
    async releaseHold(application) {
      const found = held.findIndex((one) => one.application === application)
      if (found < 0) throw new HubError('not_found', `nothing of ${application} is held`)
      held.splice(found, 1)
    },
    gates: () => [
      {
        ...{ rollout: 'r-1', application: 'shop', wave: 1, waveName: 'prod', gate: 'before' },
        roles: ['operator'],
      },
    ],
    drift: (after) =>
      rows.filter(({ cluster, application }) => {
        if (!after) return true
        return cluster > after[0] || (cluster === after[0] && application > after[1])
      }),
    revisions: () => [
      {
        ...{ revision, contentDigest: desired, rollout: 'r-1', phase: 'Progressing' },
        ...{ createdAt: at, clusters: 1 },
      },
    ],
    windows: () => [
      {
        ...{ ownerKind: 'Project', owner: 'store', open: true, until: '2036-01-01T00:00:00.000Z' },
        ...{ kind: 'deny', schedule: '0 18 * * 5', duration: '60h' },
        ...{ timeZone: 'Europe/Berlin', applications: [], clusters: [] },
        ...{ clusterGroup: null, clusterSelector: 'env=prod,!lab', reason: 'weekend' },
      },
    ],
    policies: () => [
      {
        ...{ name: 'baseline', description: 'What every team keeps to', action: 'warn' },
        judges: ['policies/baseline.yaml', 'images are named by digest'],
        applies: ['group prod'],
        exceptions: ['application legacy: until spring'],
      },
    ],
    audit: (after) => lines.filter(({ index }) => index > (after ?? 0)),
  }
}
