import { CelError, celLimits } from '@groundswell/proto/cel.ts'
import { parseHealthExpression } from '@groundswell/proto/health-check.ts'
import { groupOf } from '@groundswell/proto/object-id.ts'
import { type Static, Type } from 'typebox'
import { closed } from './fields.ts'
import type { Path, Report } from './names.ts'

const Expression = Type.String({ minLength: 1, maxLength: celLimits.text })

/** The shape Flux gives it, so that what people have written goes on to work. */
export const HealthCheckExpr = Type.Object(
  {
    apiVersion: Type.String({ minLength: 1 }),
    kind: Type.String({ minLength: 1 }),
    inProgress: Type.Optional(Expression),
    failed: Type.Optional(Expression),
    current: Expression,
  },
  closed,
)
export type HealthCheckExpr = Static<typeof HealthCheckExpr>

export function checkHealthExpressions(
  checks: readonly HealthCheckExpr[] = [],
  path: Path,
  report: Report,
): void {
  const seen = new Set<string>()
  checks.forEach((check, index) => {
    for (const field of ['inProgress', 'failed', 'current'] as const) {
      const text = check[field]
      if (text === undefined) continue
      const fault = findFault(text)
      if (fault) report([...path, index, field], fault)
    }
    const key = `${groupOf(check.apiVersion)}/${check.kind}`
    if (seen.has(key)) {
      report([...path, index, 'kind'], `${check.kind} of this group is there already`)
    }
    seen.add(key)
  })
}

/** Where in the expression, too: one text may be long. */
function findFault(text: string): string | undefined {
  try {
    parseHealthExpression(text)
    return undefined
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return `CEL, at character ${error.offset + 1}: ${error.message}`
  }
}
