import type { PlannedView } from '../../client/gen/api.ts'
import { Word } from './words.tsx'

type Live = NonNullable<PlannedView['live']>

const words = { error: 'Refused', warning: 'Warning', note: 'Note' } as const satisfies Record<
  Live['findings'][number]['severity'],
  string
>

/** What the API servers of clusters said to a dry run. */
export function LiveFindings({ live }: { readonly live: Live }) {
  const { clusters, left, findings, unanswered } = live
  return (
    <section class="card">
      <h2>What the clusters say</h2>
      <p>
        {clusters} were asked{left > 0 && `, ${left} were not`}.{' '}
        {findings.length === 0 && unanswered.length === 0 && 'None has anything against it.'}
      </p>
      <ul>
        {findings.map((one) => (
          <li key={JSON.stringify(one)}>
            <Word word={words[one.severity]} /> {one.object} <code>{one.file}</code> {one.message} (
            {one.clusters.join(', ')})
          </li>
        ))}
        {unanswered.map((why) => (
          <li key={why} class="stale">
            {why}
          </li>
        ))}
      </ul>
    </section>
  )
}
