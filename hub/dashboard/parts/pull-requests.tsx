import { useEffect } from 'preact/hooks'
import type { PullRequestList } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { toWebAddress } from '../data/web-address.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toPullRequest } from './link.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'
import { Ago } from './words.tsx'

/** The hub has no news of a Git host: it is asked again while somebody looks. Milliseconds. */
const everyMs = 30_000

/** What is proposed to the fleet repository and waits on its Git host. */
export function PullRequests() {
  const open = useWatched(
    'pull requests',
    () => call('listPullRequests', {}),
    ({ type }) => type === 'fleet.accepted',
  )
  useEffect(() => {
    const timer = setInterval(() => document.hidden || open.reload(), everyMs)
    return () => clearInterval(timer)
  }, [])
  return (
    <section class="card" aria-label="Open pull requests">
      <h2>Open</h2>
      <Shown of={open}>{(list) => <Listed list={list} />}</Shown>
    </section>
  )
}

function Listed({ list: { host, items, elsewhere, more } }: { readonly list: PullRequestList }) {
  if (host === null) {
    return (
      <p class="quiet">
        The hub does not know which Git host has the fleet repository, so it cannot list what is
        open there; <code>--forges</code> names it.
      </p>
    )
  }
  return (
    <>
      {items.length === 0 ? (
        <p>Nothing is proposed to the branch that is followed.</p>
      ) : (
        <Table columns={['Number', 'Title', 'Author', 'Branch', 'Updated', '']}>
          {items.map(({ number, title, draft, author, branch, fork, updatedAt, url }) => (
            <tr key={number}>
              <th scope="row">
                <Link to={toPullRequest(number)} label={`What #${number} would change`}>
                  #{number}
                </Link>
              </th>
              <td class="message">
                {title}
                {draft && <span class="quiet"> (draft)</span>}
              </td>
              <td>{author || <span class="quiet">gone</span>}</td>
              <td>
                <code>{branch}</code>
                {fork && <span class="quiet"> of a fork</span>}
              </td>
              <td>
                <Ago at={updatedAt} />
              </td>
              <td>
                <OnHost url={url} number={number} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {more && <p class="quiet">Older ones are not listed.</p>}
      {elsewhere > 0 && (
        <p class="quiet">
          {elsewhere} more {elsewhere === 1 ? 'goes' : 'go'} into other branches: nothing here
          changes by {elsewhere === 1 ? 'it' : 'them'}.
        </p>
      )}
    </>
  )
}

function OnHost({ url, number }: { readonly url: string; readonly number: number }) {
  const address = toWebAddress(url)
  return address === undefined ? (
    <></>
  ) : (
    <a href={address} rel="noreferrer" target="_blank" aria-label={`#${number} on its Git host`}>
      Git host
    </a>
  )
}
