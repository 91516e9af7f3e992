import { groupOf } from '@groundswell/proto/object-id.ts'
import type { LiveObject } from '../cluster/port.ts'
import { at, conditionOf, type HealthVerdict, list, text, verdict } from './health-facts.ts'
import { kindRules } from './health-kinds.ts'
import { isWorse } from './worst.ts'

/* What kstatus calls Current and a rollout had better not pass: Argo CD's answers for the kinds
   where it is stricter (gitops-engine pkg/health). Its Degraded is Failed here, its Progressing
   and Suspended are InProgress. */

type Rule = (object: LiveObject) => HealthVerdict

const rules: Readonly<Record<string, Rule>> = {
  'apps/Deployment': judgeDeployment,
  'batch/Job': judgeJob,
  '/Pod': judgePod,
  '/PersistentVolumeClaim': judgeClaim,
  '/Service': judgeService,
  'networking.k8s.io/Ingress': judgeIngress,
  'extensions/Ingress': judgeIngress,
}

/** How an object fares for a gate: as `seen` by kstatus, or worse. */
export function judgeForGate(object: LiveObject, seen: HealthVerdict): HealthVerdict {
  // What is on its way out is no more than that.
  if (seen.health === 'Terminating') return seen
  const name = `${groupOf(object.apiVersion)}/${object.kind}`
  const strict = (rules[name] ?? (kindRules[name] ? undefined : judgeSeen))?.(object)
  return strict && isWorse(strict.health, seen.health) ? strict : seen
}

/** Of a custom resource whose conditions say of which generation they are: one of this has to be among them. */
function judgeSeen(object: LiveObject): HealthVerdict {
  const seen = list(at(object, 'status', 'conditions')).flatMap((condition) => {
    const generation = at(condition, 'observedGeneration')
    return typeof generation === 'number' ? generation : []
  })
  const newest = Math.max(...seen)
  const { generation = 0 } = object.metadata
  return seen.length > 0 && newest < generation
    ? verdict('InProgress', `generation is ${generation}, its conditions are of ${newest}`)
    : verdict('Current')
}

function judgeDeployment(object: LiveObject): HealthVerdict {
  return at(object, 'spec', 'paused') === true
    ? verdict('InProgress', 'is paused')
    : verdict('Current')
}

function judgeJob(object: LiveObject): HealthVerdict {
  const failed = conditionOf(object, 'Failed')
  if (failed?.status === 'True') return verdict('Failed', failed.message || 'job failed')
  if (conditionOf(object, 'Complete')?.status === 'True') return verdict('Current')
  return conditionOf(object, 'Suspended')?.status === 'True'
    ? verdict('InProgress', 'is suspended')
    : verdict('InProgress', 'runs, and is not complete')
}

function judgePod(object: LiveObject): HealthVerdict {
  const phase = text(at(object, 'status', 'phase'))
  if (phase === 'Succeeded') return verdict('Current')
  if (phase === 'Failed') {
    return verdict('Failed', text(at(object, 'status', 'message')) || 'pod failed')
  }
  // One that ends is waited for; one that runs for ever has to be ready.
  const policy = text(at(object, 'spec', 'restartPolicy')) || 'Always'
  if (policy !== 'Always') return verdict('InProgress', 'runs, and has not ended')
  const statuses = ['initContainerStatuses', 'containerStatuses'].flatMap((member) =>
    list(at(object, 'status', member)),
  )
  for (const status of statuses) {
    const reason = text(at(status, 'state', 'waiting', 'reason'))
    if (/^Err|Error$|BackOff$/.test(reason)) {
      return verdict('Failed', `container ${text(at(status, 'name'))} waits, ${reason}`)
    }
  }
  return verdict('Current')
}

function judgeClaim(object: LiveObject): HealthVerdict {
  return at(object, 'status', 'phase') === 'Lost'
    ? verdict('Failed', 'its volume is lost')
    : verdict('Current')
}

function judgeService(object: LiveObject): HealthVerdict {
  const waits = at(object, 'spec', 'type') === 'LoadBalancer' && !hasAddress(object)
  return waits ? verdict('InProgress', 'no load balancer yet') : verdict('Current')
}

function judgeIngress(object: LiveObject): HealthVerdict {
  return hasAddress(object) ? verdict('Current') : verdict('InProgress', 'no load balancer yet')
}

function hasAddress(object: LiveObject): boolean {
  return list(at(object, 'status', 'loadBalancer', 'ingress')).length > 0
}
