import type { ProposalView } from '../../client/gen/api.ts'
import { type FindingGroup, groupFindings } from '../data/finding-groups.ts'
import { Word } from './words.tsx'

type Finding = ProposalView['findings'][number]

const mostNamed = 5
const words = { error: 'Denied', warning: 'Warning', note: 'Note' } as const satisfies Record<
  Finding['severity'],
  string
>

/** What checks and policies say of a change, errors first; of applications that it leaves alone, folded. */
export function Findings({
  findings,
  left,
  changed,
}: {
  readonly findings: readonly Finding[]
  readonly left: number
  /** Applications that differ. */
  readonly changed: readonly string[]
}) {
  if (findings.length === 0) return null
  const { mine, others } = groupFindings(findings, changed)
  return (
    <section class="card" aria-label="What checks and policies say">
      <h2>What checks and policies say</h2>
      {mine.length === 0 && <p>Nothing of what it changes.</p>}
      <Groups groups={mine} />
      {others.length > 0 && (
        <details>
          <summary>Of applications that it does not change: {others.length}</summary>
          <Groups groups={others} />
        </details>
      )}
      {left > 0 && <p class="quiet">and {left} more</p>}
    </section>
  )
}

function Groups({ groups }: { readonly groups: readonly FindingGroup[] }) {
  return (
    <ul class="plain">
      {groups.map(({ severity, rule, message, at }) => (
        <li key={`${severity} ${rule} ${message}`}>
          <Word word={words[severity]} /> {rule}: {message}
          <ul>
            {at.slice(0, mostNamed).map((one) => (
              <li key={JSON.stringify(one)}>
                {[one.object || one.application, sayClusters(one.clusters)]
                  .filter(Boolean)
                  .join(' on ')}{' '}
                {one.file !== '' && (
                  <code>{one.line > 0 ? `${one.file}:${one.line}` : one.file}</code>
                )}
              </li>
            ))}
            {at.length > mostNamed && <li class="quiet">and {at.length - mostNamed} more</li>}
          </ul>
        </li>
      ))}
    </ul>
  )
}

function sayClusters(names: readonly string[]): string {
  if (names.length === 0) return ''
  const more = names.length - mostNamed
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
