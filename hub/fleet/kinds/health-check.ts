import { healthCheckLimit } from '@groundswell/proto/health-check.ts'
import { type Static, Type } from 'typebox'
import { closed } from './fields.ts'
import { HealthCheckExpr } from './health-check-expr.ts'

/** How kinds fare in the whole fleet, where an Application says nothing else of them. */
export const HealthCheckSpec = Type.Object(
  {
    healthCheckExprs: Type.Array(HealthCheckExpr, { minItems: 1, maxItems: healthCheckLimit }),
  },
  closed,
)

export type HealthCheckSpec = Static<typeof HealthCheckSpec>
