import { isServiceAccount } from '@groundswell/proto/manifest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { parseScope, type Scope } from '@groundswell/proto/scope.ts'
import type { DryRun } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { type ObjectId, formatObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { type Body, parseBody } from '../apply/write/body.ts'
import { AgentError } from '../errors.ts'

/** An object that nobody signed. It is never applied, and its type fits no place that applies. */
export interface Proposed {
  readonly id: ObjectId
  readonly apiVersion: string
  readonly file: string
  readonly bytes: Uint8Array
}

export interface Proposal {
  readonly application: string
  readonly targetNamespace: string
  readonly scope: Scope | undefined
  /** `namespace/name` of the ServiceAccount in whose name to ask; undefined for the agent's own. */
  readonly serviceAccount: string | undefined
  readonly objects: readonly Proposed[]
  /** Milliseconds. */
  readonly patience: number
}

export const dryRunLimits = {
  objects: 500,
  bytes: 1024 * 1024,
  seconds: 60,
} as const

/** @throws AgentError `dry_run_refused` */
export function parseProposal(asked: DryRun): Proposal {
  const { application, targetNamespace, objects } = asked
  const bytes = objects.reduce((sum, { body }) => sum + body.byteLength, 0)
  if (objects.length > dryRunLimits.objects || bytes > dryRunLimits.bytes) {
    throw refuse(`at most ${dryRunLimits.objects} objects and 1 MiB are tried at a time`)
  }
  if (!application) throw refuse('it names no application')
  return {
    application,
    targetNamespace,
    scope: readScope(asked.scope),
    serviceAccount: readAccount(asked.serviceAccount),
    objects: objects.map(({ object, apiVersion, file, body }) => ({
      id: readId(object),
      apiVersion,
      file,
      bytes: body,
    })),
    patience: Math.min(dryRunLimits.seconds, Math.max(1, asked.deadlineSeconds)) * 1000,
  }
}

/**
 * The object's content, with what is encrypted put out of the way: the cluster's keys are for what
 * was signed. What an admission webhook would say to the values stays unknown.
 *
 * @throws AgentError `object_malformed`
 */
export function readProposed({ bytes, id, apiVersion }: Proposed): Body {
  const { sops, ...body } = parseBody(bytes, id, apiVersion)
  if (sops === undefined) return body
  const hide = (values: unknown, by: string) =>
    isRecord(values) ? Object.fromEntries(Object.keys(values).map((key) => [key, by])) : values
  const { data, stringData } = body as Readonly<Record<string, unknown>>
  return {
    ...(body as Body),
    ...(data !== undefined && { data: hide(data, 'ZW5jcnlwdGVk') }),
    ...(stringData !== undefined && { stringData: hide(stringData, 'encrypted') }),
  }
}

function readScope(text: string): Scope | undefined {
  if (text === '') return undefined
  try {
    return parseScope(JSON.parse(text))
  } catch (cause) {
    throw refuse(`its scope: ${(cause as Error).message}`, cause)
  }
}

function readAccount(text: string): string | undefined {
  if (text === '') return undefined
  if (isServiceAccount(text)) return text
  throw refuse(`${text.slice(0, 200)} is not the namespace and name of a ServiceAccount`)
}

function readId(text: string): ObjectId {
  try {
    const id = parseObjectId(text)
    if (formatObjectId(id) === text && id.kind && id.name) return id
  } catch {
    // Told below.
  }
  throw refuse(`${text.slice(0, 200)} is not the id of an object`)
}

function refuse(message: string, cause?: unknown): AgentError {
  return new AgentError('dry_run_refused', message, { cause })
}
