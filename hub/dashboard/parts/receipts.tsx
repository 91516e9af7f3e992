import { useState } from 'preact/hooks'
import type { ReceiptView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { readFirstPages } from '../data/pages.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toApplication } from './link.tsx'
import { More } from './more.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'
import { Ago, Short, Word } from './words.tsx'

const pageSize = 20

const words = {
  applied: 'Applied',
  failed: 'Failed',
  removed: 'Removed',
} as const satisfies Record<ReceiptView['outcome'], string>

/** What a cluster's agent signed of what it did, newest first, as the ledger keeps it. */
export function Receipts({ cluster }: { readonly cluster: string }) {
  const [pages, setPages] = useState(1)
  const [open, setOpen] = useState<string | null>(null)
  const receipts = useWatched(
    `receipts ${cluster} ${pages}`,
    () =>
      readFirstPages(pages, (after) =>
        call('listReceipts', {
          path: { name: cluster },
          query: { limit: pageSize, continue: after },
        }),
      ),
    ({ type, actor }) => type.startsWith('receipt') || actor === cluster,
  )
  return (
    <section>
      <h2>Receipts</h2>
      <Shown of={receipts}>
        {({ items, more }) =>
          items.length === 0 ? (
            <p class="quiet">Its agent has signed none yet.</p>
          ) : (
            <>
              <Table columns={['When', 'Application', 'What came of it', 'Objects', 'Content', '']}>
                {items.map((one) => (
                  <tr key={one.id} class={one.id === open ? 'chosen' : ''}>
                    <th scope="row">
                      <Ago at={one.at} />
                    </th>
                    <td>
                      <Link to={toApplication(one.application)}>{one.application}</Link>
                    </td>
                    <td>
                      <Word word={words[one.outcome]} />
                    </td>
                    <td>{one.objects}</td>
                    <td>
                      <Short text={one.content} />
                    </td>
                    <td>
                      <button
                        type="button"
                        class="small"
                        aria-expanded={one.id === open}
                        aria-label={`Details: what came of each object of ${one.application}`}
                        onClick={() => setOpen(one.id === open ? null : one.id)}
                      >
                        Details
                      </button>
                    </td>
                  </tr>
                ))}
              </Table>
              {more && <More onMore={() => setPages(pages + 1)} />}
            </>
          )
        }
      </Shown>
      {open !== null && <Details key={open} cluster={cluster} id={open} />}
    </section>
  )
}

/** One receipt: what was signed, and what came of each object. */
function Details({ cluster, id }: { readonly cluster: string; readonly id: string }) {
  const receipt = useWatched(
    `receipt ${cluster} ${id}`,
    () => call('getReceipt', { path: { name: cluster, id }, query: { limit: 500 } }),
    () => false,
  )
  return (
    <section class="card" aria-label={`Receipt ${id}`}>
      <h3>
        Receipt <code>{id}</code>
      </h3>
      <Shown of={receipt}>
        {(one) => (
          <>
            <p>
              Of snapshot <Short text={one.snapshot} />, sequence {one.sequence} of epoch{' '}
              {one.epoch}; kept <Ago at={one.keptAt} />
            </p>
            {one.resultsKept ? (
              <ul class="plain">
                {one.items.map(({ object, result, code }) => (
                  <li key={object}>
                    <code>{object}</code> {result} {code}
                  </li>
                ))}
                {one.continue !== null && <li class="quiet">and more</li>}
              </ul>
            ) : (
              <p class="quiet">
                What came of each object is not kept by this hub; that it was signed is.
              </p>
            )}
            <details>
              <summary>As it was signed</summary>
              <pre class="wrapped">{one.envelope}</pre>
            </details>
          </>
        )}
      </Shown>
    </section>
  )
}
