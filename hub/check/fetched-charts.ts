import type { FindChart } from '../fleet/input/render-source.ts'
import type { Charts } from '../source/chart/chart.ts'

/** Charts of repositories and registries, for whoever may fetch them. */
export interface FetchedCharts {
  readonly find: FindChart
  readonly read: Charts['read']
}
