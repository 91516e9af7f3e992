import { useState } from 'preact/hooks'
import type { ObjectsView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { readFirstPages } from '../data/pages.ts'
import { useWatched } from '../data/watched.ts'
import { Differs } from './differs.tsx'
import { More } from './more.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'
import { Word } from './words.tsx'

const pageSize = 50
/** Of so many kinds each is open at once, as long as they hold little. */
const fewObjects = 25

type Kind = ObjectsView['kinds'][number]

interface Of {
  readonly cluster: string
  readonly application: string
}

/**
 * What an application is made of on a cluster, as a tree: kinds, and below each its objects, a page at a
 * time. What is not well stands first and apart.
 */
export function Objects({ cluster, application }: Of) {
  const objects = useWatched(
    `kinds ${cluster} ${application}`,
    () => call('listObjects', { path: { name: cluster, application }, query: { limit: 1 } }),
    ({ actor, type }) => actor === cluster || type.startsWith('rollout.'),
  )
  return (
    <section aria-label={`Objects of ${application} on ${cluster}`}>
      <h2>
        Objects of {application} on {cluster}
      </h2>
      <Shown of={objects}>
        {({ kinds }) => {
          const total = kinds.reduce((sum, one) => sum + one.objects, 0)
          const unwell = kinds.reduce((sum, one) => sum + one.unwell, 0)
          return (
            <>
              {unwell > 0 && (
                <details class="branch" open>
                  <summary>
                    <span class="failed">✕ not well or different from Git</span>{' '}
                    <small>{unwell}</small>
                  </summary>
                  <Page of={{ cluster, application }} query={{ unwell: true }} name="unwell" />
                </details>
              )}
              {kinds.map((kind) => (
                <Branch
                  key={`${kind.group}/${kind.kind}`}
                  of={{ cluster, application }}
                  kind={kind}
                  open={total <= fewObjects}
                />
              ))}
            </>
          )
        }}
      </Shown>
    </section>
  )
}

function Branch({
  of,
  kind: { group, kind, objects, unwell },
  open: first,
}: {
  readonly of: Of
  readonly kind: Kind
  readonly open: boolean
}) {
  const [open, setOpen] = useState(first)
  return (
    <details class="branch" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {kind} <small class="quiet">{group}</small> <small>{objects}</small>
        {unwell > 0 && <small class="failed"> · {unwell} not well</small>}
      </summary>
      {open && <Page of={of} query={{ group, kind }} name={`${group}/${kind}`} />}
    </details>
  )
}

/** A page of objects, and more where it is asked for. */
function Page({
  of: { cluster, application },
  query,
  name,
}: {
  readonly of: Of
  readonly query: { readonly group?: string; readonly kind?: string; readonly unwell?: boolean }
  /** What of it is shown. */
  readonly name: string
}) {
  const [pages, setPages] = useState(1)
  const objects = useWatched(
    `objects ${cluster} ${application} ${name} ${pages}`,
    () =>
      readFirstPages(pages, (after) =>
        call('listObjects', {
          path: { name: cluster, application },
          query: { ...query, limit: pageSize, continue: after },
        }),
      ),
    ({ actor, type }) => actor === cluster || type.startsWith('rollout.'),
  )
  return (
    <Shown of={objects}>
      {({ items, more }) => (
        <>
          <Table columns={['Object', 'Health', 'File', 'What is wrong']}>
            {items.map(({ id, health, file, message, drift }) => (
              <tr key={id}>
                <th scope="row">
                  <span title={id}>{sayObject(id)}</span>
                </th>
                <td>{health && <Word word={health} />}</td>
                <td>
                  <code>{file}</code>
                </td>
                <td class="message">
                  {message}
                  {drift && <Differs drift={drift} />}
                </td>
              </tr>
            ))}
          </Table>
          {more && <More onMore={() => setPages(pages + 1)} />}
        </>
      )}
    </Shown>
  )
}

/** `apps/Deployment/shop/web` → `Deployment shop/web`. */
function sayObject(id: string): string {
  const [, kind = '', namespace = '', name = ''] = id.split('/')
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`
}
