import { useState } from 'preact/hooks'
import { call } from '../data/client.ts'
import { readFirstPages } from '../data/pages.ts'
import { useWatched } from '../data/watched.ts'
import { More } from './more.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'
import { Short } from './words.tsx'

const pageSize = 50

/** Images of an application: on how many clusters each should run, and does. */
export function Images({ application }: { readonly application: string }) {
  const [pages, setPages] = useState(1)
  const images = useWatched(
    `images ${application} ${pages}`,
    () =>
      readFirstPages(pages, (after) =>
        call('listImages', {
          path: { name: application },
          query: { limit: pageSize, continue: after },
        }),
      ),
    ({ type }) => type.startsWith('rollout.') || type.startsWith('health.'),
  )
  return (
    <section>
      <h2>Images</h2>
      <Shown of={images}>
        {({ items, more }) =>
          items.length === 0 ? (
            <p class="quiet">Nothing of it runs an image, or it is on no cluster yet.</p>
          ) : (
            <>
              <Table
                columns={['Image', 'Tag', 'Digest', 'Should run on', 'Runs on', 'Not known of']}
              >
                {items.map((one) => (
                  <tr key={one.image}>
                    <th scope="row">
                      <code>{one.repository}</code>
                    </th>
                    <td>{one.tag ?? ''}</td>
                    <td>{one.digest !== null && <Short text={one.digest} />}</td>
                    <td>{one.wanted}</td>
                    <td class={one.running === one.wanted ? '' : 'pending'}>{one.running}</td>
                    <td>{one.unreachable > 0 ? one.unreachable : ''}</td>
                  </tr>
                ))}
              </Table>
              {more && <More onMore={() => setPages(pages + 1)} />}
            </>
          )
        }
      </Shown>
    </section>
  )
}
