import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Line } from '../data/lines.ts'
import { lookOf } from '../data/standing.ts'
import { cellId, GridLine } from './grid-line.tsx'

export interface GridProps {
  readonly applications: readonly string[]
  readonly lines: readonly Line[]
  /** Names of the clusters that are on the screen, whenever they change. */
  readonly onVisible: (clusters: readonly string[]) => void
  readonly onOpen: (cluster: string, application: string | null) => void
}

/** Pixels; style.css has the same. */
const size = { line: 24, cell: 26, head: 130 }
const nameWidths = { narrow: 130, wide: 210 }
const narrowPage = 640
/** Lines and columns beyond the edge, so that scrolling shows no gap. */
const spare = 6

/** What is on the screen, in lines and columns. */
interface View {
  readonly first: number
  readonly lines: number
  readonly from: number
  readonly columns: number
  /** Of the names, in pixels. */
  readonly name: number
}

/** Clusters × applications, of which only what is on the screen is in the page. */
export function Grid({ applications, lines, onVisible, onOpen }: GridProps) {
  const frame = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<View>({
    ...{ first: 0, lines: 40, from: 0, columns: 50 },
    name: nameWidths.wide,
  })
  const [active, setActive] = useState<{ line: number; column: number } | null>(null)

  const look = (): void => {
    if (!frame.current) return
    const next = readView(frame.current)
    setView((now) => (isSame(now, next) ? now : next))
  }
  useLayoutEffect(() => {
    look()
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])

  const { first, from } = view
  const shown = lines.slice(first, first + view.lines)
  const columns = useMemo(
    () => applications.slice(from, from + view.columns),
    [applications, from, view.columns],
  )
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
      show(frame.current, line, column, view.name)
    }
    const chosen = lines[at.line]
    if (event.key === 'Enter' && chosen?.kind === 'cluster') {
      onOpen(chosen.row.cluster, applications[at.column] ?? null)
    }
  }

  function openCell({ target }: MouseEvent): void {
    const cell = target instanceof Element ? target.closest('.cell') : null
    const cluster = cell?.closest<HTMLElement>('.grid-line')?.dataset['cluster']
    if (!cell || cluster === undefined) return
    const column = [...cell.parentElement!.children].indexOf(cell)
    onOpen(cluster, columns[column] ?? null)
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
        onClick={openCell}
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
            width: `${view.name + applications.length * size.cell + 40}px`,
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
                style={{ left: `${view.name + (from + at) * size.cell}px` }}
                title={name}
              >
                {name}
              </span>
            ))}
          </div>
          {shown.map((line, at) => (
            <GridLine
              key={line.kind === 'group' ? `group ${line.name}` : line.row.cluster}
              line={line}
              index={first + at}
              top={(first + at) * size.line}
              columns={columns}
              from={from}
              left={view.name + from * size.cell}
              active={active?.line === first + at ? active.column : null}
            />
          ))}
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

function readView(frame: HTMLElement): View {
  const { scrollTop, scrollLeft, clientHeight, clientWidth } = frame
  const name = clientWidth <= narrowPage ? nameWidths.narrow : nameWidths.wide
  return {
    name,
    first: Math.max(0, Math.floor(scrollTop / size.line) - spare),
    lines: Math.ceil(clientHeight / size.line) + 2 * spare,
    from: Math.max(0, Math.floor(scrollLeft / size.cell) - spare),
    columns: Math.ceil((clientWidth - name) / size.cell) + 2 * spare,
  }
}

function isSame(one: View, other: View): boolean {
  return (
    one.first === other.first &&
    one.lines === other.lines &&
    one.from === other.from &&
    one.columns === other.columns &&
    one.name === other.name
  )
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value))
}

function show(frame: HTMLDivElement | null, line: number, column: number, name: number): void {
  if (!frame) return
  const [top, left] = [line * size.line, column * size.cell]
  const bottom = top + size.head + size.line - frame.clientHeight
  if (top < frame.scrollTop) frame.scrollTop = top
  else if (bottom > frame.scrollTop) frame.scrollTop = bottom
  const right = left + name + size.cell - frame.clientWidth
  if (left < frame.scrollLeft) frame.scrollLeft = left
  else if (right > frame.scrollLeft) frame.scrollLeft = right
}
