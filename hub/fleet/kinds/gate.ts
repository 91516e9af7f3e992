import { parseDuration } from '@groundswell/proto/duration.ts'
import { CelError, parseCel } from '@groundswell/proto/cel.ts'
import { type Static, Type } from 'typebox'
import { closed, DurationText, Name } from './fields.ts'
import { checkName, type Names, type Path, type Report } from './names.ts'
import { whyBadAddress } from './web-address.ts'

/** People who agree, each once. */
const Approval = Type.Object(
  {
    role: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
    /** So many different people. */
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })),
    /** Neither who made a commit that it brings nor who started the rollout counts. */
    notAuthor: Type.Optional(Type.Boolean()),
  },
  closed,
)

/** A measurement by the name of its MetricTemplate. */
const Metric = Type.Object({ template: Name }, closed)

/** A condition on what the clusters are known to be; waits until it holds. */
const Cel = Type.Object(
  {
    expression: Type.String({ minLength: 1, maxLength: 4_000 }),
    /** What it means, for whoever reads why the rollout waits. */
    message: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
    interval: Type.Optional(DurationText),
    /** It fails when it does not hold by then; waits for ever when left out. */
    deadline: Type.Optional(DurationText),
  },
  closed,
)

/** Asks somebody else's program, which answers pass, fail or wait. */
const Webhook = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 2_048 }),
    /** Name of the secret the hub signs with, from the hub's own configuration. */
    credential: Type.String({ minLength: 1 }),
    interval: Type.Optional(DurationText),
    deadline: Type.Optional(DurationText),
  },
  closed,
)

/** What must hold before or after a wave: exactly one of these. */
export const Gate = Type.Object(
  {
    approval: Type.Optional(Approval),
    /** This long, from when all else that comes before the gate is done. */
    soak: Type.Optional(DurationText),
    metric: Type.Optional(Metric),
    cel: Type.Optional(Cel),
    webhook: Type.Optional(Webhook),
  },
  closed,
)

export type Gate = Static<typeof Gate>

const kinds = ['approval', 'soak', 'metric', 'cel', 'webhook'] as const
/** What a gate's expression may use. */
export const gateVariables = ['rollout', 'clusters', 'fleet'] as const
/** Shortest time between two questions to somebody else, in milliseconds. */
const shortestInterval = 1_000

export function checkGates(
  gates: readonly Gate[] | undefined,
  path: Path,
  names: Names,
  report: Report,
): void {
  gates?.forEach((gate, index) => {
    const at = [...path, index]
    if (kinds.filter((kind) => gate[kind] !== undefined).length !== 1) {
      report(at, `a gate is exactly one of ${kinds.join(', ')}; several are several items`)
    }
    const { metric, cel, webhook } = gate
    if (metric) {
      const where = [...at, 'metric', 'template']
      checkName(metric.template, names.metricTemplates, 'MetricTemplate', where, report)
    }
    if (webhook) {
      const wrong = whyBadAddress(webhook.url, ['https', 'http'])
      if (wrong) report([...at, 'webhook', 'url'], wrong)
    }
    const why = cel && whyBadExpression(cel.expression)
    if (why !== undefined) report([...at, 'cel', 'expression'], why)
    for (const [kind, asked] of Object.entries({ cel, webhook })) {
      if (asked?.interval !== undefined && parseDuration(asked.interval) < shortestInterval) {
        report([...at, kind, 'interval'], `"${asked.interval}" is shorter than 1s`)
      }
    }
  })
}

function whyBadExpression(expression: string): string | undefined {
  try {
    parseCel(expression, gateVariables)
    return undefined
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return `character ${error.offset + 1}: ${error.message}`
  }
}
