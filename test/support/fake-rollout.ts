import { digestOf } from '@groundswell/proto/digest.ts'
import type { PlannedRollout } from '../../hub/api/hub.ts'
import type { RolloutRecord } from '../../hub/api/rollout-view.ts'
import type { RolloutPhase, RolloutPlan } from '../../hub/rollout/rollout.ts'

/** The instant everything in the fake hub happened: 2026-01-02T03:04:05Z. */
export const fakeNow = Date.UTC(2026, 0, 2, 3, 4, 5)
export const desired = digestOf('desired')
export const older = digestOf('older')
export const revision = `main@sha1:${'a1b2c3d4e5'.repeat(4)}`

export function makePlan(id: string): RolloutPlan {
  const content = { digest: desired, size: 10, revision }
  const previous = { digest: older, size: 9, revision }
  const limits = { maxConcurrent: 1, maxFailures: 0, soak: 30_000, progressDeadline: 300_000 }
  return {
    id,
    application: 'shop',
    revision,
    contentDigest: desired,
    createdAt: fakeNow,
    trigger: { kind: 'commit', actor: 'ada', reason: 'new commit' },
    targets: {
      lab: { ...content, previous },
      'edge-1': { ...content, previous },
      'edge-2': { ...content, previous: null },
    },
    waves: [
      { name: 'canary', clusters: ['lab'], ...limits, before: [], after: [] },
      {
        name: 'prod',
        clusters: ['edge-1', 'edge-2'],
        ...limits,
        before: [{ kind: 'approval', role: 'operator' }],
        after: [],
      },
    ],
    maxFailures: 0,
    onFailure: 'pause',
    offline: 'wait',
    supersede: 'replace',
  }
}

export function makeRecord(id: string, phase: RolloutPhase): RolloutRecord {
  return {
    plan: makePlan(id),
    run: {
      id,
      version: 4,
      phase,
      wave: 1,
      waveStartedAt: null,
      approvals: [],
      gates: {},
      clusters: {
        lab: { state: 'Done', outcome: 'Succeeded', generation: 1, at: fakeNow, message: '' },
        'edge-1': { state: 'Pending' },
        'edge-2': { state: 'Pending' },
      },
      startedAt: fakeNow,
      finishedAt: null,
      message: 'Waits for approval',
    },
    waitingFor: ['Wave prod waits for an approval by an operator'],
  }
}

/** A plan that changes the same in two clusters, and something else in the third. */
export function makePreview(id: string, live: boolean): PlannedRollout {
  const variant = { change: 'changed', fate: null } as const
  const patch = (image: string) => `@@\n-image: one\n+image: ${image}\n`
  const wave = { typicalSeconds: 200, longestSeconds: 4_000, withheldSeconds: 0 }
  return {
    plan: makePlan(id),
    run: null,
    changes: {
      ...{ removed: 0, changed: 1, added: 0, objectsLeftOut: 0, notCompared: [], held: [] },
      objects: [
        {
          ...{ object: 'Deployment shop/web', id: 'apps/Deployment/shop/web', file: 'web.yaml' },
          variants: [
            { ...variant, patch: patch('two'), clusters: ['edge-1', 'edge-2'] },
            { ...variant, patch: patch('three'), clusters: ['lab'] },
          ],
        },
      ],
    },
    policy: ['web.yaml: Application shop: policy baseline warns of Deployment shop/web: no probe'],
    estimate: {
      ...{ typicalSeconds: 400, longestSeconds: 8_000, withheldSeconds: 120, rollouts: 3 },
      waves: [
        { wave: 'canary', ...wave, basis: 'wave' },
        { wave: 'prod', ...wave, withheldSeconds: 120, basis: 'application' },
      ],
      uncounted: ['approval by the role operator before wave prod'],
    },
    live: live
      ? {
          ...{ clusters: 3, left: 0, unanswered: ['cluster lab could not be asked: away'] },
          findings: [
            {
              ...{ severity: 'error', object: 'Deployment shop/web', file: 'web.yaml' },
              ...{ message: 'the API server refuses it: no', clusters: ['edge-1'] },
            },
          ],
        }
      : null,
  }
}

/** What is left of a rollout, or what undoing it brings. */
export function makeRest({ plan, run }: RolloutRecord, back: boolean): PlannedRollout {
  const { changes, ...rest } = makePreview(plan.id, false)
  const [web] = changes!.objects
  const patch = `@@\n+image: ${back ? 'before' : 'two'}\n`
  const variants = web!.variants.map((one) => ({ ...one, patch }))
  return { ...rest, plan, run, changes: { ...changes!, objects: [{ ...web!, variants }] } }
}
