import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/**
 * A table with a name for each column; wider than its page it scrolls by itself, also by keyboard. On a
 * phone each row is a card, and each cell says what it is.
 */
export function Table({
  columns,
  children,
}: {
  readonly columns: readonly string[]
  readonly children: ComponentChildren
}) {
  const table = useRef<HTMLTableElement>(null)
  useLayoutEffect(() => {
    for (const row of table.current?.tBodies[0]?.rows ?? []) {
      for (const cell of row.cells) cell.dataset['label'] = columns[cell.cellIndex] ?? ''
    }
  })
  return (
    <div class="wide" tabIndex={0} role="group" aria-label={`Table: ${columns[0]}`}>
      <table ref={table}>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
