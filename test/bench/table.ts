import type { BenchResult } from './result.ts'

/** A goal beside a figure: `at most 1500`. */
export interface Goal {
  readonly metric: string
  readonly text: string
}

/** The result for people: each figure with its range, and the goal where there is one. */
export function formatTable(result: BenchResult, goals: readonly Goal[]): string {
  const { name, fidelity, params, machine, calibration, metrics, spread } = result
  const settings = Object.entries(params).map(([key, value]) => `${key} ${value}`)
  const rows = Object.entries(metrics).map(([metric, value]) => {
    const range = spread[metric]
    return [
      metric,
      formatNumber(value),
      range ? `${formatNumber(range.min)} – ${formatNumber(range.max)}` : '',
      goals.find((goal) => goal.metric === metric)?.text ?? '',
    ]
  })
  return [
    `${name} (fidelity ${fidelity}): ${settings.join(', ')}`,
    `on ${machine.cores} × ${machine.cpu}, ${machine.memoryGb} GB, node ${machine.node}`,
    '',
    ...alignColumns([['figure', 'median', 'min – max', 'goal'], ...rows]),
    '',
    'calibration of this machine',
    ...alignColumns(
      Object.entries(calibration).map(([figure, value]) => [figure, formatNumber(value)]),
    ),
    '',
  ].join('\n')
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  return rows.map((row) =>
    `  ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ')}`.trimEnd(),
  )
}

function formatNumber(value: number | null): string {
  if (value === null) return '–'
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 2
  return value.toFixed(digits)
}
