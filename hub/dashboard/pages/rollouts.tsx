import { useState } from 'preact/hooks'
import type { RolloutSummary } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { mostPages, readFirstPages } from '../data/pages.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toApplication, toRollout } from '../parts/link.tsx'
import { More } from '../parts/more.tsx'
import { OpenGates } from '../parts/open-gates.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Ago, Sentence, Short, Word } from '../parts/words.tsx'

const pageSize = 100

/** All that are under way, however many newer ones are over; of those, the newest. */
export function Rollouts() {
  const [pages, setPages] = useState(1)
  const rollouts = useWatched(
    `rollouts ${pages}`,
    async () => {
      const list = (active: boolean) => (after: string | undefined) =>
        call('listRollouts', { query: { active, limit: pageSize, continue: after } })
      const [underWay, over] = await Promise.all([
        readFirstPages(mostPages, list(true)),
        readFirstPages(pages, list(false)),
      ])
      return { underWay, over }
    },
    ({ type }) => type.startsWith('rollout.'),
  )
  return (
    <main>
      <h1>Rollouts</h1>
      <OpenGates />
      <Shown of={rollouts}>
        {({ underWay, over }) => (
          <>
            <List title="Under way" items={underWay.items} />
            <List title="Over" items={over.items} />
            {over.more && <More onMore={() => setPages(pages + 1)} />}
          </>
        )}
      </Shown>
    </main>
  )
}

function List({
  title,
  items,
}: {
  readonly title: string
  readonly items: readonly RolloutSummary[]
}) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {items.length === 0 ? (
        <p class="quiet">None.</p>
      ) : (
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
                {one.active ? one.waveName : ''} {Math.min(one.wave + 1, one.waveCount)}/
                {one.waveCount}
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
              <td class="message">
                <Sentence text={one.waitingFor[0] ?? (one.phase === 'Failed' ? one.message : '')} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}
