import { describeObject, type ObjectId } from '@groundswell/proto/object-id.ts'
import { matchesGlob } from '@groundswell/proto/glob.ts'
import type { Fault } from '../errors.ts'
import type { PolicyAction, PolicyException } from '../fleet/kinds/policy.ts'

/** One object that one rule of one policy does not allow. */
export interface Violation {
  /** Name of the Policy; `default` for what is asked of every application. */
  readonly policy: string
  readonly action: PolicyAction
  /** Within the policy: `ValidatingAdmissionPolicy replicas, binding all`, `data.main.deny`. */
  readonly rule: string
  /** Null when it is of the whole render: the policy could not be judged. */
  readonly object: ObjectId | null
  /** As people see it in its repository; empty when a generator made the object. */
  readonly file: string
  readonly message: string
}

const strength: Readonly<Record<PolicyAction, number>> = { audit: 0, warn: 1, deny: 2 }

/** The weaker of what a rule asks for and what its policy allows to come of it. */
export function capAction(asked: PolicyAction, most: PolicyAction): PolicyAction {
  return strength[asked] <= strength[most] ? asked : most
}

/** The strongest; undefined of none. */
export function strongestAction(actions: readonly PolicyAction[]): PolicyAction | undefined {
  return actions.toSorted((a, b) => strength[b] - strength[a])[0]
}

/** The first exception that an object falls under. */
export function findException(
  exceptions: readonly PolicyException[],
  application: string,
  object: ObjectId,
): PolicyException | undefined {
  const fits = (pattern: string | undefined, text: string) =>
    pattern === undefined || matchesGlob(pattern, text)
  return exceptions.find(
    (exception) =>
      fits(exception.application, application) &&
      fits(exception.kind, object.kind) &&
      fits(exception.namespace, object.namespace) &&
      fits(exception.name, object.name),
  )
}

const words: Readonly<Record<PolicyAction, string>> = {
  deny: 'denies',
  warn: 'warns of',
  audit: 'notes',
}

/** `policy baseline denies Deployment shop/web: data.main.deny: too many replicas`. */
export function describeViolation(violation: Violation): string {
  const { policy, action, rule, object, message } = violation
  const what = object ? describeObject(object) : 'the application'
  return `policy ${policy} ${words[action]} ${what}: ${rule}: ${message}`
}

export function toViolationFault(violation: Violation): Fault {
  const { file } = violation
  return { ...(file ? { file } : {}), message: describeViolation(violation) }
}
