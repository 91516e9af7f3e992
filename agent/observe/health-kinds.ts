import type { LiveObject } from '../cluster/port.ts'
import { judgeExternalSecret, judgeSealedSecret } from './health-secrets.ts'
import { at, conditionOf, count, type HealthVerdict, list, text, verdict } from './health-facts.ts'

type Rule = (object: LiveObject, now: number) => HealthVerdict

const unschedulableGraceMs = 15_000

/**
 * kstatus's rules by `group/kind`, and two of our own for what others make Secrets of; a kind that is
 * not here is judged by its Ready condition.
 */
export const kindRules: Readonly<Record<string, Rule>> = {
  'apps/Deployment': judgeDeployment,
  'extensions/Deployment': judgeDeployment,
  'apps/StatefulSet': judgeStatefulSet,
  'apps/DaemonSet': judgeDaemonSet,
  'extensions/DaemonSet': judgeDaemonSet,
  'apps/ReplicaSet': judgeReplicaSet,
  'extensions/ReplicaSet': judgeReplicaSet,
  '/Pod': judgePod,
  'batch/Job': judgeJob,
  '/PersistentVolumeClaim': judgeClaim,
  '/Service': judgeService,
  'policy/PodDisruptionBudget': judgeBudget,
  'apiextensions.k8s.io/CustomResourceDefinition': judgeDefinition,
  '/ConfigMap': () => verdict('Current'),
  '/Secret': () => verdict('Current'),
  'batch/CronJob': () => verdict('Current'),
  'bitnami.com/SealedSecret': judgeSealedSecret,
  'external-secrets.io/ExternalSecret': judgeExternalSecret,
  'external-secrets.io/ClusterExternalSecret': judgeExternalSecret,
}

function judgeDeployment(object: LiveObject): HealthVerdict {
  const progressing = conditionOf(object, 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return verdict('Failed', progressing.message || 'progress deadline exceeded')
  }
  const wanted = replicasOf(object)
  const replicas = count(object, 'status', 'replicas')
  const updated = count(object, 'status', 'updatedReplicas')
  const available = count(object, 'status', 'availableReplicas')
  const ready = count(object, 'status', 'readyReplicas')
  // The condition's words say more than the numbers, when there are any.
  const wait = (words: string) => {
    const available = conditionOf(object, 'Available')
    const failure = conditionOf(object, 'ReplicaFailure')
    const reason = failure?.status === 'True' ? failure.message : ''
    return verdict(
      'InProgress',
      reason || (available?.status === 'False' && available.message) || words,
    )
  }
  if (wanted > replicas) return wait(`${replicas} of ${wanted} replicas created`)
  if (wanted > updated) return wait(`${updated} of ${wanted} replicas updated`)
  if (replicas > wanted) return wait(`${replicas - wanted} old replicas still to go`)
  if (updated > available) return wait(`${available} of ${updated} updated replicas available`)
  if (wanted > ready) return wait(`${ready} of ${wanted} replicas ready`)
  const hasDeadline = at(object, 'spec', 'progressDeadlineSeconds') !== undefined
  const rolledOut =
    progressing?.status === 'True' && progressing.reason === 'NewReplicaSetAvailable'
  if (hasDeadline && !rolledOut) return wait('new replica set not yet available')
  if (conditionOf(object, 'Available')?.status !== 'True') return wait('not yet available')
  return verdict('Current')
}

function judgeStatefulSet(object: LiveObject): HealthVerdict {
  if (at(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') return verdict('Current')
  const wanted = replicasOf(object)
  const replicas = count(object, 'status', 'replicas')
  const ready = count(object, 'status', 'readyReplicas')
  if (wanted > replicas) return verdict('InProgress', `${replicas} of ${wanted} replicas created`)
  if (wanted > ready) return verdict('InProgress', `${ready} of ${wanted} replicas ready`)
  if (replicas > wanted) return verdict('InProgress', `${replicas - wanted} replicas still to go`)
  const partition = at(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition')
  if (typeof partition === 'number') {
    const updated = count(object, 'status', 'updatedReplicas')
    return updated < wanted - partition
      ? verdict('InProgress', `${updated} of ${wanted - partition} replicas updated`)
      : verdict('Current')
  }
  const current = count(object, 'status', 'currentReplicas')
  if (wanted > current) return verdict('InProgress', `${current} of ${wanted} replicas current`)
  if (at(object, 'status', 'currentRevision') !== at(object, 'status', 'updateRevision')) {
    return verdict('InProgress', 'update revision is not yet the current one')
  }
  return verdict('Current')
}

function judgeDaemonSet(object: LiveObject): HealthVerdict {
  if (object.metadata.generation === undefined) return verdict('InProgress', 'no generation')
  if (at(object, 'status', 'observedGeneration') === undefined) {
    return verdict('InProgress', 'controller has not seen it yet')
  }
  if (at(object, 'status', 'desiredNumberScheduled') === undefined) {
    return verdict('InProgress', 'not yet scheduled')
  }
  const wanted = count(object, 'status', 'desiredNumberScheduled')
  for (const [member, words] of [
    ['currentNumberScheduled', 'scheduled'],
    ['updatedNumberScheduled', 'updated'],
    ['numberAvailable', 'available'],
    ['numberReady', 'ready'],
  ] as const) {
    const have = count(object, 'status', member)
    if (wanted > have) return verdict('InProgress', `${have} of ${wanted} pods ${words}`)
  }
  return verdict('Current')
}

function judgeReplicaSet(object: LiveObject): HealthVerdict {
  const failure = conditionOf(object, 'ReplicaFailure')
  if (failure?.status === 'True') return verdict('InProgress', failure.message)
  const wanted = replicasOf(object)
  for (const [member, words] of [
    ['fullyLabeledReplicas', 'labelled'],
    ['availableReplicas', 'available'],
    ['readyReplicas', 'ready'],
  ] as const) {
    const have = count(object, 'status', member)
    if (wanted > have) return verdict('InProgress', `${have} of ${wanted} replicas ${words}`)
  }
  const replicas = count(object, 'status', 'replicas')
  return replicas > wanted
    ? verdict('InProgress', `${replicas - wanted} replicas still to go`)
    : verdict('Current')
}

function judgePod(object: LiveObject, now: number): HealthVerdict {
  const phase = text(at(object, 'status', 'phase'))
  if (phase === 'Succeeded' || phase === 'Failed') return verdict('Current')
  if (phase === 'Running') {
    if (conditionOf(object, 'Ready')?.status === 'True') return verdict('Current')
    const statuses = [
      ...list(at(object, 'status', 'initContainerStatuses')),
      ...list(at(object, 'status', 'containerStatuses')),
    ]
    const crashing = statuses
      .filter((status) => at(status, 'state', 'waiting', 'reason') === 'CrashLoopBackOff')
      .map((status) => text(at(status, 'name')))
    return crashing.length > 0
      ? verdict('Failed', `containers in CrashLoopBackOff: ${crashing.join(', ')}`)
      : verdict('InProgress', 'running, not ready')
  }
  if (phase === 'Pending') {
    const scheduled = conditionOf(object, 'PodScheduled')
    if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
      const since = Date.parse(scheduled.lastTransitionTime)
      const words = scheduled.message || 'unschedulable'
      return verdict(now - since > unschedulableGraceMs ? 'Failed' : 'InProgress', words)
    }
    return verdict('InProgress', 'pending')
  }
  return verdict('InProgress', phase ? `phase ${phase}` : 'no phase yet')
}

function judgeJob(object: LiveObject): HealthVerdict {
  if (conditionOf(object, 'Complete')?.status === 'True') return verdict('Current')
  const failed = conditionOf(object, 'Failed')
  if (failed?.status === 'True') return verdict('Failed', failed.message || 'job failed')
  return at(object, 'status', 'startTime')
    ? verdict('Current', 'running')
    : verdict('InProgress', 'not started')
}

function judgeClaim(object: LiveObject): HealthVerdict {
  const phase = text(at(object, 'status', 'phase'))
  return phase === 'Bound' ? verdict('Current') : verdict('InProgress', `phase ${phase || 'unset'}`)
}

function judgeService(object: LiveObject): HealthVerdict {
  const waits =
    at(object, 'spec', 'type') === 'LoadBalancer' && !text(at(object, 'spec', 'clusterIP'))
  return waits ? verdict('InProgress', 'no cluster IP yet') : verdict('Current')
}

function judgeBudget(object: LiveObject): HealthVerdict {
  return at(object, 'status', 'observedGeneration') === object.metadata.generation
    ? verdict('Current')
    : verdict('InProgress', 'controller has not seen it yet')
}

function judgeDefinition(object: LiveObject): HealthVerdict {
  const names = conditionOf(object, 'NamesAccepted')
  if (names?.status === 'False') return verdict('Failed', names.message)
  const established = conditionOf(object, 'Established')
  if (established?.status === 'True') return verdict('Current')
  if (established?.status === 'False' && established.reason !== 'Installing') {
    return verdict('Failed', established.message)
  }
  return verdict('InProgress', 'not yet established')
}

function replicasOf(object: LiveObject): number {
  const wanted = at(object, 'spec', 'replicas')
  return typeof wanted === 'number' ? wanted : 1
}
