import { agentGoals, measureAgent } from './agent.ts'
import { applyObjects } from './apply-objects.ts'
import { applyGoals, measureApply } from './apply.ts'
import { checkApplications, checkOverlays } from './check-fleet.ts'
import { checkGoals, measureCheck } from './check.ts'
import { driftObjects } from './drift-fleet.ts'
import { driftGoals, driftTrials, measureDrift } from './drift.ts'
import { objects } from './fleet-text.ts'
import { idleGoals, measureIdle } from './idle.ts'
import { filesInApplication, monorepoApplications } from './monorepo-files.ts'
import { measureMonorepo, monorepoGoals } from './monorepo.ts'
import type { BenchName, BenchOptions, SizedOptions } from './options.ts'
import { measurePropagation, propagationGoals } from './propagation.ts'
import { measureReconnect, reconnectGoals } from './reconnect.ts'
import { measureRender, renderGoals } from './render.ts'
import type { BenchResult, Figures } from './result.ts'
import type { Goal } from './table.ts'
import { measureUi, uiApplications, uiGoals } from './ui.ts'
import { measureRest, restApplications, restGoals } from './rest.ts'
import { measureRollout, rolloutGoals } from './rollout.ts'
import { measureStatus, reportsEach, statusGoals } from './status.ts'
import { measureStart, startGoals } from './start.ts'
import { measureWire, wireGoals } from './wire.ts'

export interface Benchmark {
  /** Of one that has no choice: real agent processes and a real API server, or no clusters at all. */
  readonly fidelity?: 'A' | 'C'
  readonly goals: readonly Goal[]
  /** What the result was measured with. */
  params(options: BenchOptions): BenchResult['params']
  /** One object of figures for each measured run. */
  measure(options: BenchOptions, say: (text: string) => void): Promise<Figures[]>
}

/** Where all agents get the same application, and one number of them is enough. */
function ofOneSize(
  goals: readonly Goal[],
  measure: (options: SizedOptions, say: (text: string) => void) => Promise<Figures[]>,
): Benchmark {
  return {
    goals,
    params: ({ clusters, load, runs }) => ({
      ...{ clusters: clusters[0]!, load, runs },
      ...{ objects, variant: 'identical' },
    }),
    measure: (options, say) => measure({ ...options, clusters: options.clusters[0]! }, say),
  }
}

export const benchmarks: Readonly<Record<BenchName, Benchmark>> = {
  propagation: ofOneSize(propagationGoals, measurePropagation),
  wire: ofOneSize(wireGoals, measureWire),
  reconnect: ofOneSize(reconnectGoals, measureReconnect),
  check: {
    goals: checkGoals,
    params: ({ clusters, runs }) => ({
      ...{ clusters: clusters[0]!, runs },
      ...{ applications: checkApplications, overlays: checkOverlays },
    }),
    measure: (options, say) => measureCheck({ ...options, clusters: options.clusters[0]! }, say),
  },
  monorepo: {
    goals: monorepoGoals,
    params: ({ clusters, runs }) => ({
      ...{ clusters: clusters[0]!, runs, applications: monorepoApplications },
      files: monorepoApplications * filesInApplication,
    }),
    measure: (options, say) => measureMonorepo({ ...options, clusters: options.clusters[0]! }, say),
  },
  apply: {
    fidelity: 'A',
    goals: applyGoals,
    params: ({ runs }) => ({ runs, objects: applyObjects }),
    measure: measureApply,
  },
  idle: {
    goals: idleGoals,
    params: ({ clusters, load, quiet }) => ({ clusters: clusters.join(), load, quiet }),
    measure: measureIdle,
  },
  agent: {
    fidelity: 'A',
    goals: agentGoals,
    params: ({ quiet, runs }) => ({ quiet, runs }),
    measure: measureAgent,
  },
  drift: {
    fidelity: 'A',
    goals: driftGoals,
    params: ({ runs }) => ({ runs, trials: driftTrials, objects: driftObjects }),
    measure: measureDrift,
  },
  ui: {
    fidelity: 'C',
    goals: uiGoals,
    params: ({ clusters, runs }) => ({
      ...{ clusters: clusters[0]!, runs, applications: uiApplications },
      fleet: 'simulated',
    }),
    measure: (options, say) => measureUi({ ...options, clusters: options.clusters[0]! }, say),
  },
  rest: {
    fidelity: 'C',
    goals: restGoals,
    params: ({ clusters, runs }) => ({
      ...{ clusters: clusters[0]!, runs, applications: restApplications },
      fleet: 'simulated',
    }),
    measure: (options, say) => measureRest({ ...options, clusters: options.clusters[0]! }, say),
  },
  status: {
    fidelity: 'C',
    goals: statusGoals,
    params: ({ clusters, load, runs }) => ({ clusters: clusters[0]!, load, runs, reportsEach }),
    measure: (options, say) => measureStatus({ ...options, clusters: options.clusters[0]! }, say),
  },
  start: { goals: startGoals, params: ({ runs }) => ({ runs }), measure: measureStart },
  rollout: {
    fidelity: 'C',
    goals: rolloutGoals,
    params: ({ clusters, waves, concurrent, runs }) => ({
      ...{ clusters: clusters[0]!, waves, concurrent, runs },
      fleet: 'simulated',
    }),
    measure: ({ clusters, ...options }, say) =>
      measureRollout({ ...options, clusters: clusters[0]! }, say),
  },
  render: {
    goals: renderGoals,
    params: ({ runs }) => ({ runs, workers: 2 }),
    measure: measureRender,
  },
}
