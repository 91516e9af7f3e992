import type { PolicyView } from '../../client/gen/api.ts'
import { Table } from './table.tsx'
import { Word } from './words.tsx'

const words = { deny: 'Denies', warn: 'Warns', audit: 'Notes' } as const satisfies Record<
  PolicyView['action'],
  string
>

/** What the newest commit is judged by. It is changed in Git. */
export function PolicyList({ items }: { readonly items: readonly PolicyView[] }) {
  if (items.length === 0) {
    return <p>No Policy is in Git: what the hub always looks for is denied, as its guide says.</p>
  }
  return (
    <Table columns={['Policy', 'A violation', 'Judges by', 'Applies to', 'Exceptions']}>
      {items.map((one) => (
        <tr key={one.name}>
          <th scope="row">
            {one.name}
            {one.description !== '' && <p class="message quiet">{one.description}</p>}
          </th>
          <td>
            <Word word={words[one.action]} />
          </td>
          <td>{one.judges.join(', ')}</td>
          <td>{one.applies.join(', ') || 'everything'}</td>
          <td class="message">{one.exceptions.join('; ') || 'none'}</td>
        </tr>
      ))}
    </Table>
  )
}
