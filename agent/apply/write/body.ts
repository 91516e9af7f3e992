import type { ObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../../errors.ts'
import { hookRunMark, labelsOf, marks } from '../inventory/ownership.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/** An object's content as it came, numbers that JavaScript would round kept as they were written. */
export interface Body {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly [member: string]: unknown
}

interface RawJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}

/** Numbers long or odd enough that JavaScript might spell them otherwise. */
const riskyNumber = /[:[,]\s*-?(?:\d{16}|\d+[.eE])/

/**
 * Reads content whose digest was checked, and checks that it is the object its manifest says.
 *
 * @throws AgentError `object_malformed`.
 */
export function parseBody(bytes: Uint8Array, id: ObjectId, apiVersion: string): Body {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = riskyNumber.test(text) ? parseExactly(text) : JSON.parse(text)
  } catch (error) {
    throw new AgentError('object_malformed', 'content is not JSON', { cause: error })
  }
  const body = value as Body
  const metadata = body?.metadata
  if (body?.kind !== id.kind || body.apiVersion !== apiVersion || metadata?.['name'] !== id.name) {
    throw new AgentError('object_malformed', 'content is not the object its manifest names')
  }
  return body
}

export interface BodyMarks {
  readonly application: string
  readonly cluster: string
  readonly namespace: string
  /** True leaves the number of replicas to the autoscaler that decides it. */
  readonly scaled: boolean
  /** Of a hook: which run it is. */
  readonly hookRun?: string
}

/** The JSON text to apply: the content with its namespace and our marks. */
export function markBody(
  body: Body,
  { application, cluster, namespace, scaled, hookRun }: BodyMarks,
): string {
  const { namespace: _, ...metadata } = body.metadata
  const spec = body['spec']
  return JSON.stringify({
    ...mergeStringData(body),
    metadata: {
      ...metadata,
      ...(namespace && { namespace }),
      labels: { ...(metadata['labels'] as object), ...labelsOf(application) },
      annotations: {
        ...(metadata['annotations'] as object),
        [marks.cluster]: cluster,
        ...(hookRun !== undefined && { [hookRunMark]: hookRun }),
      },
    },
    ...(scaled && isRecord(spec) && { spec: { ...spec, replicas: undefined } }),
  })
}

/**
 * A Secret's `stringData` in its `data`, as the API server would put it there. Were it applied as it
 * is, we would own fields that no live object has, and nobody's change of `data` would be drift.
 */
function mergeStringData(body: Body): Body {
  const { stringData, ...rest } = body
  if (body.kind !== 'Secret' || body.apiVersion !== 'v1' || !isRecord(stringData)) return body
  const texts = Object.entries(stringData)
  // What is not text is for the API server to refuse.
  if (!texts.every(([, text]) => typeof text === 'string')) return body
  const coded = texts.map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')])
  return { ...(rest as Body), data: { ...(body['data'] as object), ...Object.fromEntries(coded) } }
}

/** Whether content says how many of something there are to be, which an autoscaler may decide instead. */
export function setsSize(body: Body): boolean {
  const spec = body['spec']
  return isRecord(spec) && spec['replicas'] !== undefined
}

/** True when the author allows an object that cannot be changed to be deleted and made anew. */
export function isReplaceAllowed(body: Body): boolean {
  const notes = (body.metadata['annotations'] ?? {}) as Record<string, string>
  const options = (notes['argocd.argoproj.io/sync-options'] ?? '').split(',').map((o) => o.trim())
  return (
    notes['groundswell.dev/replace']?.toLowerCase() === 'enabled' ||
    notes['kustomize.toolkit.fluxcd.io/force']?.toLowerCase() === 'enabled' ||
    options.includes('Force=true')
  )
}

function parseExactly(text: string): unknown {
  const json = JSON as unknown as RawJson
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? json.rawJSON(source)
      : value,
  )
}
