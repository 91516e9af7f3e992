import { parseDuration } from '@groundswell/proto/duration.ts'
import { type Static, Type } from 'typebox'
import { whyUnclosed } from '../resolve/template.ts'
import { closed, DurationText } from './fields.ts'
import type { Report } from './names.ts'
import { whyBadAddress } from './web-address.ts'

/** A measurement a wave's gate can ask for by name. */
export const MetricTemplateSpec = Type.Object(
  {
    provider: Type.Object(
      {
        type: Type.Literal('prometheus'),
        /** Base URL, such as `https://prometheus.example`. */
        address: Type.String({ minLength: 1 }),
        /** Name of a credential the hub's own configuration defines. */
        credential: Type.Optional(Type.String({ minLength: 1 })),
      },
      closed,
    ),
    /**
     * PromQL, which may hold `${application}` and `${wave.name}`; asked for each cluster also
     * `${cluster.name}` and `${cluster.labels.KEY}`, asked once `${wave.clusters}`: its clusters'
     * names with `|` between, for `=~`. They are filled in as the inside of a quoted string.
     */
    query: Type.String({ minLength: 1, maxLength: 10_000 }),
    /** Asked once for each cluster of a wave, or once for all of them; `cluster` when left out. */
    per: Type.Optional(Type.Union([Type.Literal('cluster'), Type.Literal('wave')])),
    /** The value is good from `min` to `max`, each included. */
    success: Type.Object(
      { min: Type.Optional(Type.Number()), max: Type.Optional(Type.Number()) },
      closed,
    ),
    interval: Type.Optional(DurationText),
    /** So many good values in all make the gate pass. */
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    /** More bad values than these make it fail. */
    failureLimit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
    /** What an answer without data counts as; a failure when left out. */
    missing: Type.Optional(
      Type.Union([Type.Literal('fail'), Type.Literal('pass'), Type.Literal('wait')]),
    ),
    timeout: Type.Optional(DurationText),
  },
  closed,
)

export type MetricTemplateSpec = Static<typeof MetricTemplateSpec>

/** What `${…}` may name, by how it is asked. */
const references = {
  cluster: /^(application|wave\.name|cluster\.name|cluster\.labels\..+)$/,
  wave: /^(application|wave\.name|wave\.clusters)$/,
} as const

export function checkMetricTemplate(spec: MetricTemplateSpec, report: Report): void {
  const { provider, success, per = 'cluster' } = spec
  const unclosed = whyUnclosed(spec.query)
  if (unclosed !== undefined) report(['spec', 'query'], unclosed)
  for (const [whole, name] of spec.query.matchAll(/\$\{([^}]*)\}/g)) {
    if (references[per].test(name!)) continue
    const known =
      per === 'cluster' ? '${cluster.name} and ${cluster.labels.KEY}' : '${wave.clusters}'
    report(
      ['spec', 'query'],
      `${whole} is not known where it is asked per ${per}; there are \${application}, \${wave.name}, ${known}`,
    )
  }
  if (spec.interval !== undefined && parseDuration(spec.interval) < 1_000) {
    report(['spec', 'interval'], `"${spec.interval}" is shorter than 1s`)
  }
  const wrong = whyBadAddress(provider.address, ['https', 'http'])
  if (wrong) report(['spec', 'provider', 'address'], wrong)
  const { min, max } = success
  if (min === undefined && max === undefined) {
    report(['spec', 'success'], 'give `min` or `max`: without either every value is good')
  }
  if (min !== undefined && max !== undefined && min > max) {
    report(['spec', 'success', 'min'], `${min} is more than \`max\`, ${max}: no value is good`)
  }
}
