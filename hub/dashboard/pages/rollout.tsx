import { read } from '../data/client.ts'
import { findMissing, useWatched } from '../data/watched.ts'
import { useRepositoryUrl } from '../data/repository.ts'
import { Actions } from '../parts/actions.tsx'
import { Commit } from '../parts/commit.tsx'
import { Eta } from '../parts/eta.tsx'
import { Link, toApplication } from '../parts/link.tsx'
import { Missing } from '../parts/missing.tsx'
import { Outlook, useOutlook } from '../parts/outlook.tsx'
import { Shown } from '../parts/shown.tsx'
import { Wave } from '../parts/wave.tsx'
import { Ago, Sentence, Word } from '../parts/words.tsx'

/** Waves as columns, clusters as cells, and in a sentence each what the rollout waits for. */
export function Rollout({ id }: { readonly id: string }) {
  const rollout = useWatched(
    `rollout ${id}`,
    () => read('getRollout', { path: { id } }),
    ({ type, subject }) => type.startsWith('rollout.') && subject === `rollout/${id}`,
  )
  const planned = useOutlook(rollout.value?.value)
  const url = useRepositoryUrl(rollout.value?.value.application)
  const missing = findMissing(rollout)
  if (missing) {
    return (
      <Missing title={`Rollout ${id}`} error={missing} list={{ page: 'rollouts' }}>
        All rollouts
      </Missing>
    )
  }
  return (
    <main>
      <Shown of={rollout}>
        {({ value: one, etag }) => (
          <>
            <h1>
              <Link to={toApplication(one.application)}>{one.application}</Link>{' '}
              <Word word={one.phase} />
            </h1>
            <p>
              <Commit url={url} revision={one.revision} /> {one.trigger.reason} ·{' '}
              {one.trigger.actor} · <Ago at={one.startedAt ?? one.createdAt} />
            </p>
            {/* What it waits for says it, too, while it is under way. */}
            {(!one.active || one.waitingFor.length === 0) && one.message !== '' && (
              <p class={one.phase === 'Failed' ? 'fault' : ''}>{one.message}</p>
            )}
            {one.waitingFor.length > 0 && (
              <section class="card why" aria-label="What it waits for">
                <h2>Waits for</h2>
                <ul>
                  {one.waitingFor.map((words) => (
                    <li key={words}>
                      <Sentence text={words} />
                    </li>
                  ))}
                </ul>
              </section>
            )}
            {one.eta && <Eta eta={one.eta} />}
            {planned && <Outlook planned={planned} />}
            <Actions rollout={one} planned={planned} etag={etag} reload={rollout.reload} />
            <div class="waves">
              {one.waves.map((wave) => (
                <Wave key={wave.index} wave={wave} rollout={one} reload={rollout.reload} />
              ))}
            </div>
          </>
        )}
      </Shown>
    </main>
  )
}
