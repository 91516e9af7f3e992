import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Differs } from './differs.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'
import { Word } from './words.tsx'

const mostShown = 500

/** What an application is made of on a cluster, with both values of each field that drifted. */
export function Objects({
  cluster,
  application,
}: {
  readonly cluster: string
  readonly application: string
}) {
  const objects = useWatched(
    `objects ${cluster} ${application}`,
    () =>
      call('listObjects', { path: { name: cluster, application }, query: { limit: mostShown } }),
    ({ actor, type }) => actor === cluster || type.startsWith('rollout.'),
  )
  return (
    <section>
      <h2>
        Objects of {application} on {cluster}
      </h2>
      <Shown of={objects}>
        {(view) => (
          <Table columns={['Object', 'Health', 'File', 'What is wrong']}>
            {view.items.map(({ id, health, file, message, drift }) => (
              <tr key={id}>
                <th scope="row">
                  <code>{id}</code>
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
        )}
      </Shown>
    </section>
  )
}
