import { createHash } from 'node:crypto'

/** What a commit passes through on its way, as the spans of its trace are called. */
export type Stage = 'push' | 'fetch' | 'render' | 'sign' | 'deliver' | 'verify' | 'apply' | 'report'

/** One stage of a commit's way; times are milliseconds since the epoch. */
export interface Span {
  readonly stage: Stage
  /** `main@sha1:…` */
  readonly revision: string
  readonly start: number
  readonly end: number
  readonly ok: boolean
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** Where spans go; it never waits, and never fails. */
export type RecordSpan = (span: Span) => void

/** Who sends spans. */
export interface Tracing {
  readonly service: 'groundswell-hub' | 'groundswell-agent'
  readonly version: string
  readonly fleet: string
  /** Of an agent. */
  readonly cluster?: string
}

/**
 * A commit's trace has the same id wherever it is computed: hub and agents, replicas and roles
 * agree on it without telling each other, and what carries content carries nothing for traces.
 *
 * @returns 32 hex digits
 */
export function traceIdOf(fleet: string, revision: string): string {
  return digest('trace', fleet, revision).slice(0, 32)
}

/** Id of the span that all others of a trace are below: the push. 16 hex digits. */
export function rootSpanIdOf(fleet: string, revision: string): string {
  return digest('push', fleet, revision).slice(0, 16)
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex')
}

/** Spans as OTLP over HTTP has them in JSON; `newId` makes 16 hex digits that nobody else has. */
export function encodeSpans(
  tracing: Tracing,
  spans: readonly Span[],
  newId: () => string,
): { readonly resourceSpans: readonly object[] } {
  const { service, version, fleet, cluster } = tracing
  const resource = {
    'service.name': service,
    'service.version': version,
    'groundswell.fleet': fleet,
    ...(cluster !== undefined && { 'groundswell.cluster': cluster }),
  }
  const scopeSpans = [
    {
      scope: { name: 'groundswell', version },
      spans: spans.map((span) => encodeSpan(fleet, span, newId)),
    },
  ]
  return { resourceSpans: [{ resource: { attributes: encodeAttributes(resource) }, scopeSpans }] }
}

function encodeSpan(fleet: string, span: Span, newId: () => string): object {
  const { stage, revision, start, end, ok, attributes = {} } = span
  const root = rootSpanIdOf(fleet, revision)
  const isRoot = stage === 'push'
  return {
    traceId: traceIdOf(fleet, revision),
    spanId: isRoot ? root : newId(),
    ...(!isRoot && { parentSpanId: root }),
    name: stage,
    // Internal: nothing of it is a call from one process to another.
    kind: 1,
    startTimeUnixNano: toNanoseconds(start),
    endTimeUnixNano: toNanoseconds(Math.max(start, end)),
    attributes: encodeAttributes({ 'groundswell.revision': revision, ...attributes }),
    status: ok ? { code: 1 } : { code: 2 },
  }
}

function encodeAttributes(attributes: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }))
}

/** A double has no nanoseconds of today: microseconds are what it can tell. */
function toNanoseconds(milliseconds: number): string {
  return (BigInt(Math.round(milliseconds * 1_000)) * 1_000n).toString()
}
