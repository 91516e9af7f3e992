import type { RolloutView } from '../../client/gen/api.ts'
import { Sentence, Word } from './words.tsx'

type Gate = RolloutView['waves'][number]['before'][number]

const words = {
  pending: 'Pending',
  waiting: 'Waiting',
  measuring: 'Measuring',
  passed: 'Passed',
  failed: 'Failed',
} as const satisfies Record<Gate['state'], string>

/** What a wave is let through by: what it is, how it stands, why, and who let it. */
export function Gates({ gates, when }: { readonly gates: readonly Gate[]; readonly when: string }) {
  return (
    <>
      {gates.map((gate) => (
        <p key={JSON.stringify(gate)} class="gate">
          Gate {when}: {gate.name} <Word word={words[gate.state]} />
          {gate.approvedBy !== null && ` by ${gate.approvedBy}`}
          {gate.message !== '' && (
            <span class="message">
              {' '}
              <Sentence text={gate.message} />
            </span>
          )}
        </p>
      ))}
    </>
  )
}
