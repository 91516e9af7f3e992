import type { PlannedView } from '../../client/gen/api.ts'
import { sayLong } from './words.tsx'

type Estimated = NonNullable<PlannedView['estimate']>

/** How long it may take, and what nobody can foretell. */
export function Estimate({ estimate }: { readonly estimate: Estimated }) {
  const { typicalSeconds, longestSeconds, withheldSeconds, rollouts, uncounted } = estimate
  return (
    <>
      <p>
        {typicalSeconds === null || longestSeconds === null
          ? 'How long it takes is not known: nothing like it was rolled out before.'
          : `It takes about ${sayBoth(typicalSeconds, longestSeconds)}, as ${rollouts === 1 ? 'the rollout' : `${rollouts} rollouts`} before took.`}
        {withheldSeconds
          ? ` ${sayLong(withheldSeconds)} of that is waiting for windows and for what comes first.`
          : ''}
      </p>
      {uncounted.length > 0 && (
        <>
          <p>Not counted in it:</p>
          <ul>
            {uncounted.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

/** Seconds; what looks the same is said once. */
function sayBoth(typical: number, longest: number): string {
  const [usual, most] = [sayLong(typical), sayLong(longest)]
  return usual === most ? usual : `${usual}, ${most} at the longest`
}

/** Seconds as a cell of a table. */
export function sayMaybe(seconds: number | null | undefined): string {
  return seconds === null || seconds === undefined ? 'not known' : sayLong(seconds)
}
