import { digestOf } from '@groundswell/proto/digest.ts'
import type {
  ClusterObservation,
  Content,
  PlannedWave,
  RolloutPlan,
  RolloutTarget,
} from '../../../../hub/rollout/rollout.ts'

export const good: Content = { digest: digestOf('new'), size: 10, revision: 'main@sha1:new' }
export const old: Content = { digest: digestOf('old'), size: 9, revision: 'main@sha1:old' }

export function target(previous: Content | null = old, content: Content = good): RolloutTarget {
  return { ...content, previous }
}

export function wave(name: string, clusters: readonly string[], rest: Partial<PlannedWave> = {}) {
  return {
    name,
    clusters,
    maxConcurrent: 100,
    maxFailures: 0,
    soak: 0,
    progressDeadline: 60_000,
    before: [],
    after: [],
    ...rest,
  } satisfies PlannedWave
}

export function plan(waves: readonly PlannedWave[], rest: Partial<RolloutPlan> = {}): RolloutPlan {
  const names = waves.flatMap(({ clusters }) => clusters)
  return {
    id: 'r1',
    application: 'shop',
    revision: good.revision,
    contentDigest: digestOf('content'),
    createdAt: 0,
    trigger: { kind: 'commit', actor: 'git', reason: 'new commit' },
    targets: Object.fromEntries(names.map((name) => [name, target()])),
    waves,
    maxFailures: 1_000,
    onFailure: 'pause',
    offline: 'skip',
    supersede: 'replace',
    ...rest,
  }
}

export function idle(since = 0): ClusterObservation {
  return { connected: true, since, refusal: null, application: null }
}

export function away(since: number): ClusterObservation {
  return { connected: false, since, refusal: null, application: null }
}

export function reports(
  content: Content,
  generation: number,
  rest: Partial<NonNullable<ClusterObservation['application']>> = {},
): ClusterObservation {
  const removed = content.digest === null
  return {
    ...idle(),
    application: {
      digest: content.digest,
      generation,
      phase: removed ? 'Removed' : 'Applied',
      health: removed ? 'NotFound' : 'Current',
      message: '',
      ...rest,
    },
  }
}
