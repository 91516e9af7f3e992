import { parseDuration } from '@groundswell/proto/duration.ts'
import type { Fault } from '../../errors.ts'
import type { Gate } from '../../fleet/kinds/gate.ts'
import type { MetricTemplateSpec } from '../../fleet/kinds/metric-template.ts'
import { type TemplateFault, fillTemplate } from '../../fleet/resolve/template.ts'
import type { PlanCluster } from './pick.ts'
import type { PlannedGate } from '../gate/planned-gate.ts'

/** What gates refer to besides their strategy. */
export interface GateContext {
  /** MetricTemplates by name. */
  readonly metrics?: ReadonlyMap<string, { readonly spec: MetricTemplateSpec }>
  /** Whether the Project wants every approval by somebody else than the change's author. */
  readonly notAuthor?: boolean
}

const usual = { celInterval: 15_000, webhookInterval: 30_000, metricInterval: 60_000 } as const
const usualTimeout = 10_000
/** A server that never answers keeps one of the few questions that are on their way at once for so long. */
const longestTimeout = 300_000

/**
 * A gate with every default filled in; what it refers to is copied, so that a later change in Git
 * moves no goal posts.
 *
 * @throws Error when it names a MetricTemplate that is not there; the fleet was checked for that
 */
export function freezeGate(gate: Gate, context: GateContext = {}): PlannedGate {
  const { approval, soak, metric, cel, webhook } = gate
  if (approval) {
    const notAuthor = approval.notAuthor === true || context.notAuthor === true
    return {
      kind: 'approval',
      role: approval.role ?? 'operator',
      ...(approval.count !== undefined && approval.count > 1 && { count: approval.count }),
      ...(notAuthor && { notAuthor }),
    }
  }
  if (soak !== undefined) return { kind: 'soak', duration: parseDuration(soak) }
  if (metric) return freezeMetric(metric.template, context)
  if (cel) {
    const { expression, message } = cel
    const times = freezeTimes(cel, usual.celInterval)
    return { kind: 'cel', expression, ...(message !== undefined && { message }), ...times }
  }
  if (webhook) {
    const { url, credential } = webhook
    return { kind: 'webhook', url, credential, ...freezeTimes(webhook, usual.webhookInterval) }
  }
  throw new Error('a gate without a kind passed the check of the fleet')
}

function freezeMetric(template: string, { metrics }: GateContext): PlannedGate {
  const found = metrics?.get(template)
  if (!found) throw new Error(`there is no MetricTemplate ${template}`)
  const { provider, query, per = 'cluster', success, missing = 'fail', ...rest } = found.spec
  const { min, max } = success
  return {
    kind: 'metric',
    template,
    address: provider.address,
    ...(provider.credential !== undefined && { credential: provider.credential }),
    query,
    per,
    labels: {},
    success: { ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    interval: toMilliseconds(rest.interval, usual.metricInterval),
    count: rest.count ?? 1,
    failureLimit: rest.failureLimit ?? 0,
    missing,
    timeout: Math.min(longestTimeout, toMilliseconds(rest.timeout, usualTimeout)),
  }
}

/**
 * Adds to a metric what its query names of the wave's clusters.
 *
 * @param faults gets a cluster without a label that the query names.
 */
export function freezeLabels(
  gate: PlannedGate,
  names: readonly string[],
  clusters: Readonly<Record<string, PlanCluster>>,
  faults: Fault[],
): PlannedGate {
  if (gate.kind !== 'metric' || gate.per === 'wave') return gate
  const keys = new Set(
    [...gate.query.matchAll(/(?<!\$)\$\{cluster\.labels\.([^}]+)\}/g)].map(([, key]) => key!),
  )
  if (keys.size === 0) return gate
  const labels: Record<string, Record<string, string>> = {}
  for (const name of names) {
    const known = clusters[name]?.labels ?? {}
    const found: TemplateFault[] = []
    labels[name] = Object.fromEntries(
      [...keys].map((key) => [
        key,
        fillTemplate(`\${cluster.labels.${key}}`, { name, labels: known }, found),
      ]),
    )
    for (const { message } of found) {
      faults.push({ cluster: name, message: `MetricTemplate ${gate.template}: ${message}` })
    }
  }
  return { ...gate, labels }
}

function freezeTimes(
  { interval, deadline }: { interval?: string; deadline?: string },
  fallback: number,
) {
  return {
    interval: toMilliseconds(interval, fallback),
    ...(deadline !== undefined && { deadline: parseDuration(deadline) }),
  }
}

function toMilliseconds(text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : parseDuration(text)
}
