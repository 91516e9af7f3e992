import { Component } from 'preact'
import type { Line } from '../data/lines.ts'
import { lookOf } from '../data/standing.ts'
import { Link, toCluster } from './link.tsx'

export interface GridLineProps {
  readonly line: Line
  /** Its place among all lines. */
  readonly index: number
  readonly top: number
  /** The applications that are shown, and the column of the first. */
  readonly columns: readonly string[]
  readonly from: number
  /** Pixels left of the first. */
  readonly left: number
  /** The column that the keyboard is at, when it is in this line. */
  readonly active: number | null
}

/** One line of the fleet; scrolling makes only those anew that come to the screen. */
export class GridLine extends Component<GridLineProps> {
  override shouldComponentUpdate(next: GridLineProps): boolean {
    const now = this.props
    const line =
      now.line === next.line ||
      (now.line.kind === 'cluster' &&
        next.line.kind === 'cluster' &&
        now.line.row === next.line.row)
    return !(
      line &&
      now.index === next.index &&
      now.columns === next.columns &&
      now.from === next.from &&
      now.left === next.left &&
      now.active === next.active
    )
  }

  override render({ line, index, top, columns, from, left, active }: GridLineProps) {
    const place = { transform: `translateY(${top}px)` }
    if (line.kind === 'group') {
      return (
        <div class="grid-group" role="row" style={place}>
          <span role="rowheader">
            {line.name} <small>{line.size}</small>
          </span>
        </div>
      )
    }
    const { cluster, cells, stale, connection } = line.row
    const away = connection !== 'Connected'
    return (
      <div
        class={away ? 'grid-line away' : 'grid-line'}
        role="row"
        aria-rowindex={index + 2}
        data-cluster={cluster}
        style={place}
      >
        <span class="grid-name" role="rowheader" title={cluster}>
          <Link to={toCluster(cluster)}>{cluster}</Link>
          {stale && <small class="stale">stale</small>}
        </span>
        <span role="presentation" class="grid-cells" style={{ left: `${left}px` }}>
          {columns.map((name, at) => {
            const { symbol, word, css } = lookOf(cells[from + at])
            const isActive = active === from + at
            return (
              <span
                key={name}
                id={isActive ? cellId(index, from + at) : undefined}
                class={isActive ? `cell ${css} active` : `cell ${css}`}
                role="gridcell"
                aria-label={`${name}: ${word}`}
              >
                {symbol}
              </span>
            )
          })}
        </span>
      </div>
    )
  }
}

export function cellId(line: number, column: number): string {
  return `cell-${line}-${column}`
}
