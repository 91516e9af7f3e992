import { createTimeBound } from '@groundswell/proto/v8.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { readGateCredentials } from '../fs.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { createAsk } from '../rollout/measure/http.ts'
import { createMeasure } from '../rollout/measure/measure.ts'
import type { Measure } from '../rollout/measure/measuring.ts'
import { findGateFacts } from '../status/gate-facts.ts'
import type { ClusterStatus } from '../status/status.ts'
import type { Surroundings } from './surroundings.ts'

/** Milliseconds an expression of a gate may take. */
const celTime = 200

export interface MeasuringParts {
  readonly state: LedgerState
  readonly status: (cluster: string) => ClusterStatus
  readonly fleet: () => Fleet | null
  /** Until when agents have time to say how they are, after the hub began to listen. */
  readonly heardBy: () => number
}

/** Reads whom gates may ask and how, and gives what asks them. */
export function startMeasuring(
  { config, clock }: Surroundings,
  { state, status, fleet, heardBy }: MeasuringParts,
): Measure {
  return createMeasure({
    ask: createAsk({
      hosts: config.gateHosts,
      credentials: readGateCredentials(config.gateCredentialsFile),
    }),
    facts: ({ application }, clusters) =>
      findGateFacts(
        { fleet: fleet(), state, status, heardBy: heardBy(), now: clock() },
        application,
        clusters,
      ),
    within: createTimeBound(celTime),
    clock,
  })
}
