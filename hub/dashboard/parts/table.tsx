import type { ComponentChildren } from 'preact'

/** A table with a name for each column; wider than its page it scrolls by itself, also by keyboard. */
export function Table({
  columns,
  children,
}: {
  readonly columns: readonly string[]
  readonly children: ComponentChildren
}) {
  return (
    // It scrolls by itself, so it has to be reached by keyboard.
    <div class="wide" tabIndex={0} role="group" aria-label={`Table: ${columns[0]}`}>
      <table>
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
