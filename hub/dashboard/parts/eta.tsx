import type { RolloutView } from '../../client/gen/api.ts'
import { sayUntil, useNow } from './words.tsx'

/** When a rollout will be done, counted down, by what earlier ones took; and what nobody can foretell. */
export function Eta({ eta }: { readonly eta: NonNullable<RolloutView['eta']> }) {
  const now = useNow(1_000)
  const { typical, longest, uncounted } = eta
  const say = (at: string) => (
    <time dateTime={at} title={at}>
      {sayUntil(Date.parse(at), now)}
    </time>
  )
  return (
    <p role="timer" aria-label="When it will be done">
      {typical === null ? (
        'When it will be done is not known: nothing like it was rolled out before'
      ) : (
        <>
          Done about <b>{say(typical)}</b>
          {longest !== null && <>, {say(longest)} at the latest</>}
        </>
      )}
      {uncounted.length > 0 && <>; not counting {uncounted.join(', ')}</>}
    </p>
  )
}

/** How long it still soaks, counted down. */
export function Soak({ until }: { readonly until: string }) {
  const now = useNow(1_000)
  return (
    <span class="soak">
      soaks until{' '}
      <time dateTime={until} title={until}>
        {sayUntil(Date.parse(until), now)}
      </time>
    </span>
  )
}
