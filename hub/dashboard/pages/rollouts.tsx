import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toApplication, toRollout } from '../parts/link.tsx'
import { OpenGates } from '../parts/open-gates.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Ago, Short, Word } from '../parts/words.tsx'

export function Rollouts() {
  const rollouts = useWatched(
    'rollouts',
    () => call('listRollouts', { query: { limit: 100 } }),
    ({ type }) => type.startsWith('rollout.'),
  )
  return (
    <main>
      <h1>Rollouts</h1>
      <OpenGates />
      <Shown of={rollouts}>
        {({ items }) => (
          <Table
            columns={['Rollout', 'Application', 'Wave', 'Clusters', 'Commit', 'Begun', 'Waits for']}
          >
            {items.map((one) => (
              <tr key={one.id}>
                <th scope="row">
                  <Link to={toRollout(one.id)}>
                    <Word word={one.phase} />
                  </Link>
                </th>
                <td>
                  <Link to={toApplication(one.application)}>{one.application}</Link>
                </td>
                <td>
                  {one.waveName} ({Math.min(one.wave + 1, one.waveCount)} of {one.waveCount})
                </td>
                <td>
                  {one.counts.succeeded} of {one.counts.total}
                  {one.counts.failed + one.counts.timedOut > 0 &&
                    ` · ${one.counts.failed + one.counts.timedOut} failed`}
                </td>
                <td>
                  <Short text={one.revision} /> {one.trigger.reason}
                </td>
                <td>
                  <Ago at={one.startedAt} />
                </td>
                <td class="message">{one.waitingFor[0] ?? ''}</td>
              </tr>
            ))}
          </Table>
        )}
      </Shown>
    </main>
  )
}
