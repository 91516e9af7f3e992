import { CelError, parseCel, type TimeBound } from '@groundswell/proto/cel.ts'
import { gateVariables } from '../../fleet/kinds/gate.ts'
import type { GateAnswer } from '../gate/gate-state.ts'
import type { CelGate } from '../gate/planned-gate.ts'
import type { Measurement, RolloutPlan } from '../rollout.ts'

/** What an expression may look at of a cluster. */
export interface ClusterFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly connected: boolean
  readonly kubernetesVersion: string
  readonly nodes: number
  /** By name: what its agent last said. */
  readonly applications: Readonly<Record<string, ApplicationFacts>>
}

export interface ApplicationFacts {
  readonly phase: string
  readonly health: string
  /** Whether it runs what it is assigned, and says so. */
  readonly current: boolean
  readonly driftedObjects: number
}

/** What an expression may look at of the whole fleet: counts, whatever its size. */
export interface FleetFacts {
  readonly clusters: number
  readonly connected: number
  /** Clusters where the application is so, by its health. */
  readonly health: Readonly<Record<string, number>>
}

export interface CelFacts {
  readonly clusters: readonly ClusterFacts[]
  readonly fleet: FleetFacts
}

/** Evaluates a gate's expression on what is known now; a false one waits. */
export function evaluateGate(
  plan: RolloutPlan,
  { planned, wave }: Measurement & { readonly planned: CelGate },
  { clusters, fleet }: CelFacts,
  within: TimeBound,
): GateAnswer {
  const { id, application, revision } = plan
  const rollout = { id, application, revision, wave }
  try {
    const holds = parseCel(planned.expression, gateVariables).test(
      { rollout, clusters, fleet },
      within,
    )
    return holds
      ? { kind: 'verdict', verdict: 'pass', message: 'it holds' }
      : { kind: 'verdict', verdict: 'wait', message: 'it does not hold yet' }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { kind: 'unanswered', message: error.message }
  }
}
