import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Line } from '../data/lines.ts'
import { lookOf } from '../data/standing.ts'
import { Link, toCluster } from './link.tsx'

export interface GridProps {
  readonly applications: readonly string[]
  readonly lines: readonly Line[]
  /** Names of the clusters that are on the screen, whenever they change. */
  readonly onVisible: (clusters: readonly string[]) => void
  readonly onOpen: (cluster: string, application: string | null) => void
}

/** Pixels; style.css has the same. */
const size = { line: 24, cell: 26, name: 210, head: 130 }
/** Lines and columns beyond the edge, so that scrolling shows no gap. */
const spare = 6

interface View {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/** Clusters × applications, of which only what is on the screen is in the page. */
export function Grid({ applications, lines, onVisible, onOpen }: GridProps) {
  const frame = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<View>({ top: 0, left: 0, height: 600, width: 1_200 })
  const [active, setActive] = useState<{ line: number; column: number } | null>(null)

  const look = (): void => {
    const at = frame.current
    if (!at) return
    setView({
      top: at.scrollTop,
      left: at.scrollLeft,
      height: at.clientHeight,
      width: at.clientWidth,
    })
  }
  useLayoutEffect(() => {
    look()
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])

  const first = Math.max(0, Math.floor(view.top / size.line) - spare)
  const shown = lines.slice(first, first + Math.ceil(view.height / size.line) + 2 * spare)
  const from = Math.max(0, Math.floor(view.left / size.cell) - spare)
  const to = Math.min(
    applications.length,
    from + Math.ceil((view.width - size.name) / size.cell) + 2 * spare,
  )
  const columns = applications.slice(from, to)
  const names = shown.flatMap((line) => (line.kind === 'cluster' ? [line.row.cluster] : []))
  useLayoutEffect(() => onVisible(names), [names.join()])

  function move(event: KeyboardEvent): void {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ]
    const at = active ?? { line: first, column: 0 }
    if (step) {
      event.preventDefault()
      const line = clamp(at.line + step[0]!, lines.length - 1)
      const column = clamp(at.column + step[1]!, applications.length - 1)
      setActive({ line, column })
      show(frame.current, line, column)
    }
    const chosen = lines[at.line]
    if (event.key === 'Enter' && chosen?.kind === 'cluster') {
      onOpen(chosen.row.cluster, applications[at.column] ?? null)
    }
  }

  const told = active ? lines[active.line] : undefined
  const toldColumn = active?.column ?? 0
  return (
    <>
      <div
        class="grid"
        ref={frame}
        onScroll={look}
        onKeyDown={move}
        tabIndex={0}
        role="grid"
        aria-label="Clusters and their applications"
        aria-rowcount={lines.length + 1}
        aria-colcount={applications.length + 1}
        aria-activedescendant={active ? cellId(active.line, active.column) : undefined}
      >
        <div
          class="grid-page"
          role="rowgroup"
          style={{
            height: `${size.head + lines.length * size.line}px`,
            width: `${size.name + applications.length * size.cell + 40}px`,
          }}
        >
          <div class="grid-head" role="row" aria-rowindex={1}>
            <span class="grid-corner" role="columnheader">
              Cluster
            </span>
            {columns.map((name, at) => (
              <span
                key={name}
                class="grid-column"
                role="columnheader"
                aria-colindex={from + at + 2}
                style={{ left: `${size.name + (from + at) * size.cell}px` }}
                title={name}
              >
                {name}
              </span>
            ))}
          </div>
          {shown.map((line, at) => {
            const index = first + at
            const top = { top: `${size.head + index * size.line}px` }
            if (line.kind === 'group') {
              return (
                <div key={`group ${line.name}`} class="grid-group" role="row" style={top}>
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
                key={cluster}
                class={away ? 'grid-line away' : 'grid-line'}
                role="row"
                aria-rowindex={index + 2}
                style={top}
              >
                <span class="grid-name" role="rowheader" title={cluster}>
                  <Link to={toCluster(cluster)}>{cluster}</Link>
                  {stale && <small class="stale">stale</small>}
                </span>
                {columns.map((name, column) => {
                  const { symbol, word, css } = lookOf(cells[from + column])
                  const isActive = active?.line === index && active.column === from + column
                  return (
                    <span
                      key={name}
                      id={isActive ? cellId(index, from + column) : undefined}
                      class={`cell ${css}${isActive ? ' active' : ''}`}
                      role="gridcell"
                      aria-label={`${name}: ${word}`}
                      style={{ left: `${size.name + (from + column) * size.cell}px` }}
                      onClick={() => onOpen(cluster, name)}
                    >
                      {symbol}
                    </span>
                  )
                })}
              </div>
            )
          })}
        </div>
      </div>
      <p class="told" aria-live="polite">
        {told?.kind === 'cluster'
          ? `${told.row.cluster} · ${applications[toldColumn] ?? ''}: ${lookOf(told.row.cells[toldColumn]).words}`
          : 'Arrow keys move through the cells, Enter opens one.'}
      </p>
    </>
  )
}

function cellId(line: number, column: number): string {
  return `cell-${line}-${column}`
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value))
}

function show(frame: HTMLDivElement | null, line: number, column: number): void {
  if (!frame) return
  const [top, left] = [line * size.line, column * size.cell]
  const bottom = top + size.head + size.line - frame.clientHeight
  if (top < frame.scrollTop) frame.scrollTop = top
  else if (bottom > frame.scrollTop) frame.scrollTop = bottom
  const right = left + size.name + size.cell - frame.clientWidth
  if (left < frame.scrollLeft) frame.scrollLeft = left
  else if (right > frame.scrollLeft) frame.scrollLeft = right
}
