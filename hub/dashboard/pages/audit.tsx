import type { AuditEntry } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { checkChain } from '../data/chain.ts'
import { useWatched } from '../data/watched.ts'
import { Link } from '../parts/link.tsx'
import { Shown } from '../parts/shown.tsx'
import { Subject } from '../parts/subject.tsx'
import { Table } from '../parts/table.tsx'
import { Ago, Short } from '../parts/words.tsx'

const pageSize = 100

/** Every decision, by whom, and whether the lines of the ledger follow each other. */
export function Audit({ after }: { readonly after: number | null }) {
  const query = { limit: pageSize, ...(after !== null && { after }) }
  const audit = useWatched(
    `audit ${after}`,
    () => call('listAudit', { query }),
    // A page of the past does not change; the newest does with each decision.
    () => after === null,
  )
  return (
    <main>
      <h1>Audit</h1>
      <Shown of={audit}>
        {({ items, next }) => (
          <>
            <Chain items={items} />
            <p class="buttons">
              {items[0] !== undefined && items[0].index > 1 && (
                <Link
                  class="button"
                  to={{ page: 'audit', after: Math.max(0, items[0].index - 1 - pageSize) }}
                >
                  Older
                </Link>
              )}
              {next !== null && (
                <Link class="button" to={{ page: 'audit', after: next }}>
                  Newer
                </Link>
              )}
              {after !== null && (
                <Link class="button" to={{ page: 'audit', after: null }}>
                  Newest
                </Link>
              )}
            </p>
            <Table columns={['Line', 'When', 'Who', 'Decision', 'Of', 'In words', 'Digest']}>
              {items.toReversed().map((entry) => (
                <tr key={entry.index}>
                  <th scope="row">{entry.index}</th>
                  <td>
                    <Ago at={entry.at} />
                  </td>
                  <td>{entry.actor}</td>
                  <td>{entry.type}</td>
                  <td>
                    <Subject subject={entry.subject} />
                  </td>
                  <td class="message">{entry.message}</td>
                  <td>
                    <Short text={entry.digest} />
                  </td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </Shown>
    </main>
  )
}

function Chain({ items }: { readonly items: readonly AuditEntry[] }) {
  const state = checkChain(items)
  switch (state.kind) {
    case 'empty':
      return <p class="quiet">Nothing has been decided here.</p>
    case 'broken':
      return (
        <p class="fault" role="alert">
          The chain is broken at line {state.index}: {state.message}.
        </p>
      )
    case 'whole':
      return (
        <p class="card">
          <span class="word updated">
            <span aria-hidden="true">●</span> Whole
          </span>{' '}
          Lines {state.from} to {state.to} follow each other, to <code>{state.head}</code>, as the
          hub tells it. Who does not believe the hub checks the file:{' '}
          <code>swell audit verify ledger.jsonl</code>
        </p>
      )
  }
}
