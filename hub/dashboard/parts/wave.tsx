import type { RolloutView } from '../../client/gen/api.ts'
import { orderCells } from '../data/wave-cells.ts'
import { call } from '../data/client.ts'
import { ask } from './confirm.tsx'
import { Soak } from './eta.tsx'
import { Gates } from './gates.tsx'
import { Link, toCluster } from './link.tsx'
import { Preview } from './outlook.tsx'
import { sayLong, shapeOf, Word } from './words.tsx'

type PlannedWave = RolloutView['waves'][number]
type Cell = PlannedWave['clusters'][number]

/** One wave as a column: its gates, its pace, and its clusters. */
export function Wave({
  wave,
  rollout,
  reload,
}: {
  readonly wave: PlannedWave
  readonly rollout: RolloutView
  readonly reload: () => void
}) {
  const { told, small, left } = orderCells(wave.clusters)
  const { total, succeeded, failed, timedOut } = wave.counts
  const bad = failed + timedOut
  return (
    <section class={`wave ${wave.state.toLowerCase()}`} aria-label={`Wave ${wave.name}`}>
      <h2>
        {wave.name} <small>{wave.state === 'Current' ? 'now' : wave.state.toLowerCase()}</small>
      </h2>
      <Gates gates={wave.before} when="before" />
      <progress max={Math.max(1, total)} value={succeeded} aria-label="clusters done" />
      <p>
        {total === 0 ? 'No cluster' : `${succeeded} of ${total} done`}
        {bad > 0 && <b class="failed"> · {bad} failed</b>}
      </p>
      <p class="quiet">
        {wave.maxConcurrent} at a time · {sayTolerance(wave.maxFailures)}
        {wave.soakSeconds > 0 && ` · soaks ${sayLong(wave.soakSeconds)}`}
      </p>
      <ul class="plain">
        {told.map((one) => (
          <ClusterCell key={one.name} one={one} rollout={rollout} reload={reload} />
        ))}
      </ul>
      {small.length > 0 && (
        <ul class="cells" aria-label="Other clusters">
          {small.map((one) => (
            <SmallCell key={one.name} one={one} />
          ))}
        </ul>
      )}
      {left > 0 && <p class="quiet">and {left} more</p>}
      <Gates gates={wave.after} when="after" />
    </section>
  )
}

function sayTolerance(most: number): string {
  if (most === 0) return 'no failure is tolerated'
  return `${most} ${most === 1 ? 'failure is' : 'failures are'} tolerated`
}

function ClusterCell({
  one,
  rollout,
  reload,
}: {
  readonly one: Cell
  readonly rollout: RolloutView
  readonly reload: () => void
}) {
  const isOpen = rollout.active && one.outcome !== 'Succeeded' && one.outcome !== 'Skipped'
  return (
    <li>
      <span class="cluster">
        <Link to={toCluster(one.name)}>{one.name}</Link> <Word word={one.outcome ?? one.state} />
        {one.digest === null && <small class="stale">removes it</small>}
        {isOpen && (
          <button
            type="button"
            class="small"
            aria-label={`Skip ${one.name}`}
            onClick={() => askToSkip(one, rollout, reload)}
          >
            Skip
          </button>
        )}
      </span>
      {one.soakEndsAt !== null && (
        <p class="message">
          <Soak until={one.soakEndsAt} />
        </p>
      )}
      {one.message !== '' && one.outcome !== 'Succeeded' && <p class="message">{one.message}</p>}
    </li>
  )
}

function askToSkip({ name }: Cell, { id }: RolloutView, reload: () => void): void {
  ask({
    title: `Skip ${name}?`,
    words: `${name} keeps what it has, and the rollout goes on without it. What it would not get:`,
    shown: <Preview id={id} cluster={name} />,
    action: 'Skip',
    async run(reason) {
      const body = { cluster: name, ...(reason && { reason }) }
      await call('skipCluster', { path: { id }, body })
      reload()
    },
  })
}

/** A cluster of which there is nothing more to say than how it is. */
function SmallCell({ one: { name, state, outcome } }: { readonly one: Cell }) {
  const word = outcome ?? state
  const { shape, css } = shapeOf(word)
  return (
    <li>
      <Link to={toCluster(name)} class={`cell ${css}`} label={`${name}: ${word}`}>
        {shape}
      </Link>
    </li>
  )
}
