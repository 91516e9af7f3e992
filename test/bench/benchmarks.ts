import { objects } from './fleet-text.ts'
import { idleGoals, measureIdle } from './idle.ts'
import type { BenchName, BenchOptions } from './options.ts'
import { measurePropagation, propagationGoals } from './propagation.ts'
import { measureReconnect, reconnectGoals } from './reconnect.ts'
import type { BenchResult, Figures } from './result.ts'
import type { Goal } from './table.ts'
import { measureWire, wireGoals } from './wire.ts'

export interface Benchmark {
  readonly fidelity: BenchResult['fidelity']
  readonly goals: readonly Goal[]
  /** What the result was measured with. */
  params(options: BenchOptions): BenchResult['params']
  /** One object of figures for each measured run. */
  measure(options: BenchOptions, say: (text: string) => void): Promise<Figures[]>
}

/** Where all agents get the same application, and one number of them is enough. */
function ofOneSize(
  goals: readonly Goal[],
  measure: (
    options: { readonly clusters: number; readonly runs: number },
    say: (text: string) => void,
  ) => Promise<Figures[]>,
): Benchmark {
  const sizeOf = ({ clusters, runs }: BenchOptions) => ({ clusters: clusters[0]!, runs })
  return {
    fidelity: 'B',
    goals,
    params: (options) => ({ ...sizeOf(options), objects, variant: 'identical' }),
    measure: (options, say) => measure(sizeOf(options), say),
  }
}

export const benchmarks: Readonly<Record<BenchName, Benchmark>> = {
  propagation: ofOneSize(propagationGoals, measurePropagation),
  wire: ofOneSize(wireGoals, measureWire),
  reconnect: ofOneSize(reconnectGoals, measureReconnect),
  idle: {
    fidelity: 'B',
    goals: idleGoals,
    params: ({ clusters, quiet }) => ({ clusters: clusters.join(), quiet }),
    measure: measureIdle,
  },
}
