import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../../errors.ts'
import { type GateAnswer, wholeWave } from '../gate/gate-state.ts'
import type { MetricGate } from '../gate/planned-gate.ts'
import type { Measurement, RolloutPlan } from '../rollout.ts'
import type { Ask } from './question.ts'

/** Queries of one gate on their way at once. */
const mostAtOnce = 8
/** Proxies refuse longer addresses, often from 8 KiB on; what is longer, such as of a large wave, is posted. */
const longestSearch = 4_000

/**
 * Asks a Prometheus for what a metric gate wants to know: once, or once for each cluster. One query
 * without an answer leaves the whole gate without one.
 *
 * @throws HubError `gate_unreachable`
 */
export async function measureMetric(
  plan: RolloutPlan,
  measurement: Measurement & { readonly planned: MetricGate },
  ask: Ask,
  signal: AbortSignal,
): Promise<GateAnswer> {
  const { planned, clusters } = measurement
  const subjects = planned.per === 'wave' ? [wholeWave] : [...clusters]
  const values: Record<string, readonly number[]> = {}
  const left = [...subjects]
  const failed = new Map<string, unknown>()
  async function work(): Promise<void> {
    for (let subject = left.shift(); subject !== undefined; subject = left.shift()) {
      // Of no cluster it would ask for series without one.
      if (clusters.length === 0 && planned.query.includes('${wave.clusters}')) {
        values[subject] = []
        continue
      }
      const query = fillQuery(plan, measurement, subject)
      const { address, credential, timeout } = planned
      const url = new URL(`${address.replace(/\/+$/, '')}/api/v1/query`)
      const asked = new URLSearchParams({ query, timeout: `${timeout}ms` }).toString()
      const isLong = asked.length > longestSearch
      if (!isLong) url.search = asked
      const post = { body: asked, type: 'application/x-www-form-urlencoded' }
      const question = { url, credential, timeout, ...(isLong && { post }) }
      try {
        const { status, body } = await ask(question, signal)
        values[subject] = readValues(status, body)
      } catch (error) {
        failed.set(subject, error)
        left.length = 0
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, left.length) }, work))
  // The first in their order, not in time: the same reason each time is told once.
  const lacking = subjects.find((subject) => failed.has(subject))
  if (lacking !== undefined) throw nameSubject(lacking, failed.get(lacking))
  return { kind: 'values', values }
}

/** Of a hundred clusters, which one has no answer. */
function nameSubject(subject: string, error: unknown): unknown {
  if (subject === wholeWave || !(error instanceof HubError)) return error
  return new HubError(error.code, `${subject}: ${error.message}`, { cause: error })
}

/**
 * The query of one cluster, or of the wave, with what `${…}` names. Names and values of labels are of
 * Kubernetes' form, so that they end no string and mean nothing to a pattern but their dots.
 *
 * @throws HubError `gate_unreachable` when one is not: a query is not to be written by a label
 */
export function fillQuery(
  plan: Pick<RolloutPlan, 'application'>,
  { planned, wave, clusters }: Measurement & { readonly planned: MetricGate },
  subject: string,
): string {
  return planned.query.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
    const text = look(name)
    if (text === undefined) return whole
    if (/^[A-Za-z0-9._|-]*$/.test(text)) return text
    throw new HubError('gate_unreachable', `${whole} is ${JSON.stringify(text)}, not a plain word`)
  })

  function look(name: string): string | undefined {
    if (name === 'application') return plan.application
    if (name === 'wave.name') return wave
    if (name === 'wave.clusters') return clusters.join('|')
    if (name === 'cluster.name') return subject
    const label = /^cluster\.labels\.(.+)$/.exec(name)?.[1]
    const labels = planned.labels[subject] ?? {}
    return label !== undefined && Object.hasOwn(labels, label) ? labels[label] : undefined
  }
}

/**
 * Values of an instant query: of a scalar one, of a vector one for each series.
 *
 * @throws HubError `gate_unreachable` with what the server says
 */
export function readValues(status: number, body: unknown): number[] {
  const data = isRecord(body) && body['status'] === 'success' ? body['data'] : undefined
  if (status !== 200 || !isRecord(data)) {
    const error = isRecord(body) && typeof body['error'] === 'string' ? `: ${body['error']}` : ''
    throw new HubError('gate_unreachable', `Prometheus answered ${status}${error}`)
  }
  const lack = findWarning(body)
  if (lack !== undefined) {
    throw new HubError(
      'gate_unreachable',
      `Prometheus warns of its answer, which may lack data: ${lack}`,
    )
  }
  const { resultType, result } = data
  if (resultType === 'scalar') return [readSample(result)]
  if (resultType === 'vector' && Array.isArray(result)) {
    return result.map((series) => readSample(isRecord(series) ? series['value'] : undefined))
  }
  throw new HubError(
    'gate_unreachable',
    `the query gives a ${String(resultType)}; write one that gives a number or an instant vector`,
  )
}

/**
 * What a part of the data's store said; remarks on the query itself, which lack nothing, begin with `PromQL`.
 * VictoriaMetrics says no more than that a part is away.
 */
function findWarning(body: unknown): string | undefined {
  if (isRecord(body) && body['isPartial'] === true) return 'it is partial'
  const warnings = isRecord(body) && Array.isArray(body['warnings']) ? body['warnings'] : []
  return warnings.map(String).find((text) => !text.startsWith('PromQL '))
}

const sampleText = /^(NaN|[+-]Inf|[+-]?\d+(\.\d+)?(e[+-]?\d+)?)$/

/** `[seconds, "text"]`; the text may be NaN, +Inf or -Inf. */
function readSample(sample: unknown): number {
  const text: unknown = Array.isArray(sample) ? sample[1] : undefined
  if (typeof text !== 'string' || !sampleText.test(text)) {
    throw new HubError('gate_unreachable', 'Prometheus answered with a sample of another form')
  }
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  return Number(text)
}
