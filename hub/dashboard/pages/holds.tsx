import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { ask } from '../parts/confirm.tsx'
import { Link, toApplication, toPlan, toRollout } from '../parts/link.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Ago, Short, shorten } from '../parts/words.tsx'

/** Content that failed and went back, and does not come again by itself. */
export function Holds() {
  const holds = useWatched(
    'holds',
    () => call('listHolds', { query: { limit: 500 } }),
    ({ type }) => type.startsWith('hold.') || type.startsWith('rollout.'),
  )
  return (
    <main>
      <h1>Holds</h1>
      <p class="quiet">
        Content that failed and was rolled back. It stays away until Git moves, or until somebody
        releases it.
      </p>
      <Shown of={holds}>
        {({ items }) =>
          items.length === 0 ? (
            <p>Nothing is held.</p>
          ) : (
            <Table columns={['Application', 'Commit', 'Since', 'Rollout', 'Why', '']}>
              {items.map(({ application, revision, at, rollout, reason }) => (
                <tr key={application}>
                  <th scope="row">
                    <Link to={toApplication(application)}>{application}</Link>
                  </th>
                  <td>
                    <Short text={revision} />
                  </td>
                  <td>
                    <Ago at={at} />
                  </td>
                  <td>
                    <Link to={toRollout(rollout)}>{rollout}</Link>
                  </td>
                  <td class="message">{reason}</td>
                  <td>
                    <button
                      type="button"
                      onClick={() =>
                        ask({
                          title: `Release ${application} at ${shorten(revision)}?`,
                          words:
                            'What failed before is rolled out again, through its waves and gates, as soon as nothing else keeps it back.',
                          shown: (
                            <p>
                              <Link to={toPlan(application)}>What would roll out</Link>
                            </p>
                          ),
                          typed: application,
                          action: 'Release',
                          async run(why) {
                            const body = why === '' ? {} : { reason: why }
                            await call('releaseHold', { path: { name: application }, body })
                            holds.reload()
                          },
                        })
                      }
                    >
                      Release
                    </button>
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Shown>
    </main>
  )
}
