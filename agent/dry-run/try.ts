import { type ObjectId, formatObjectId, groupOf } from '@groundswell/proto/object-id.ts'
import { whyOutsideScope } from '@groundswell/proto/scope.ts'
import { inTheNameOf } from '../apply/track/account.ts'
import { type Body, markBody } from '../apply/write/body.ts'
import { forEachBounded } from '../apply/run/bounded.ts'
import { compareOrder } from '../apply/run/order.ts'
import { fieldManager, hookRunMark, ownerOf } from '../apply/inventory/ownership.ts'
import type { Cluster, Resource } from '../cluster/port.ts'
import { AgentError, toAgentError } from '../errors.ts'
import { isScaledByOther } from '../observe/drift.ts'
import type { FieldDrift } from '../observe/status.ts'
import { findChanges } from './compare.ts'
import { type Proposal, type Proposed, readProposed } from './proposed.ts'

export type DryRunOutcome = 'created' | 'changed' | 'unchanged' | 'refused' | 'notTried'

/** What the API server and its admission webhooks said to one object. */
export interface Tried {
  readonly object: string
  readonly file: string
  readonly outcome: DryRunOutcome
  readonly code: string
  readonly message: string
  readonly warnings: readonly string[]
  readonly fields: readonly FieldDrift[]
}

/** Nothing of it can write. */
type Tryable = Pick<Cluster, 'resource' | 'get' | 'dryRun'>

export interface TryDeps {
  readonly cluster: Tryable & { as(serviceAccount: string): Tryable }
  readonly clusterId: string
}

const atOnce = 4
const mostWarnings = 20
const longestWarning = 1_000

/**
 * Asks the API server about each object, as the agent would apply it and in whose name it would.
 * Faults are answers.
 *
 * @throws AgentError `outside_scope` when the Project does not hold the ServiceAccount
 */
export async function tryObjects(
  proposal: Proposal,
  { cluster, clusterId }: TryDeps,
  signal: AbortSignal,
): Promise<readonly Tried[]> {
  const { serviceAccount, scope } = proposal
  const mine = inTheNameOf<Tryable>(cluster, serviceAccount, scope)
  const tried = new Map<Proposed, Tried>()
  const ordered = [...proposal.objects].sort((a, b) =>
    compareOrder(formatObjectId(a.id), formatObjectId(b.id)),
  )
  await forEachBounded(ordered, atOnce, signal, async (one) => {
    try {
      tried.set(one, await tryObject(one, proposal, mine, clusterId, signal))
    } catch (error) {
      if (signal.aborted) return
      tried.set(one, explain(one, proposal, toAgentError(error)))
    }
  }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
  return proposal.objects.map(
    (one) => tried.get(one) ?? told(one, 'notTried', { message: 'time ran out' }),
  )
}

async function tryObject(
  one: Proposed,
  proposal: Proposal,
  cluster: Tryable,
  clusterId: string,
  signal: AbortSignal,
): Promise<Tried> {
  const { application } = proposal
  const body = readProposed(one)
  const resource = await cluster.resource(one.apiVersion, one.id.kind, signal)
  const id = locate(one, resource, proposal)
  const before = await cluster.get(resource, id, signal)
  if (before?.metadata.annotations?.[hookRunMark] !== undefined) {
    return told(one, 'notTried', { message: 'a hook, in whose place its former run still is' })
  }
  const scaled = before !== undefined && isScaledByOther(before)
  const json = markBody(body, { application, cluster: clusterId, namespace: id.namespace, scaled })
  const options = { fieldManager, force: true }
  const { object, warnings } = await cluster.dryRun(resource, id, json, options, signal)
  const secret = id.kind === 'Secret'
  const said = { warnings: tellWarnings(warnings, secret) }
  if (!before) return told(one, 'created', said)
  const mine = ownerOf(before).application === application
  const fields = findChanges(before, object, mine && !secret)
  return told(one, fields.length > 0 ? 'changed' : 'unchanged', { ...said, fields })
}

function locate(one: Proposed, { namespaced }: Resource, proposal: Proposal): ObjectId {
  const namespace = namespaced ? one.id.namespace || proposal.targetNamespace : ''
  if (namespaced && !namespace) {
    throw new AgentError('object_malformed', 'has no namespace, and its application sets none')
  }
  const id = { ...one.id, group: groupOf(one.apiVersion), namespace }
  const outside = proposal.scope && whyOutsideScope(proposal.scope, id, namespaced)
  if (outside !== undefined) throw new AgentError('outside_scope', outside)
  return id
}

/** A refusal, unless it only says that what the same change would make is not there yet. */
function explain(one: Proposed, proposal: Proposal, { code, message }: AgentError): Tried {
  const namespace = one.id.namespace || proposal.targetNamespace
  const makes = (kind: string, is: (body: Body, id: ObjectId) => boolean) =>
    proposal.objects.some((other) => other.id.kind === kind && isSo(other, is))
  if (code === 'kind_unknown' && makes('CustomResourceDefinition', defines(one))) {
    return told(one, 'notTried', { message: 'its definition comes with the same change' })
  }
  const lacks = /namespaces? "([^"]+)" not found/.exec(message)?.[1] === namespace
  if (lacks && makes('Namespace', (_, { name }) => name === namespace)) {
    return told(one, 'notTried', { message: 'its namespace comes with the same change' })
  }
  return told(one, 'refused', { code, message })
}

function isSo(one: Proposed, is: (body: Body, id: ObjectId) => boolean): boolean {
  try {
    return is(readProposed(one), one.id)
  } catch {
    return false
  }
}

function defines({ id, apiVersion }: Proposed) {
  return (body: Body): boolean => {
    const spec = body['spec'] as { group?: string; names?: { kind?: string } } | undefined
    return spec?.group === groupOf(apiVersion) && spec.names?.kind === id.kind
  }
}

/** A warning may quote what it is about. */
function tellWarnings(warnings: readonly string[], secret: boolean): string[] {
  if (secret && warnings.length > 0) return ['there are warnings; of a Secret they are not told']
  return warnings.slice(0, mostWarnings).map((text) => text.slice(0, longestWarning))
}

function told({ id, file }: Proposed, outcome: DryRunOutcome, rest: Partial<Tried>): Tried {
  const object = formatObjectId(id)
  return { object, file, outcome, code: '', message: '', warnings: [], fields: [], ...rest }
}
