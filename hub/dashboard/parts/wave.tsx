import type { RolloutView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { ask } from './confirm.tsx'
import { Link, toCluster } from './link.tsx'
import { Word } from './words.tsx'

type PlannedWave = RolloutView['waves'][number]

const mostShown = 300

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
  const done = wave.counts.succeeded
  return (
    <section class={`wave ${wave.state.toLowerCase()}`} aria-label={`Wave ${wave.name}`}>
      <h2>
        {wave.name} <small>{wave.state === 'Current' ? 'now' : wave.state.toLowerCase()}</small>
      </h2>
      <Gates gates={wave.before} when="before" />
      <progress max={Math.max(1, wave.counts.total)} value={done} aria-label="clusters done" />
      <p class="quiet">
        {done} of {wave.counts.total} · {wave.maxConcurrent} at a time · at most {wave.maxFailures}{' '}
        failures
        {wave.soakSeconds > 0 && ` · soaks ${wave.soakSeconds} s`}
      </p>
      <ul class="plain">
        {wave.clusters.slice(0, mostShown).map((one) => (
          <li key={one.name} title={one.message}>
            <Link to={toCluster(one.name)}>{one.name}</Link>{' '}
            <Word word={one.outcome ?? one.state} />
            {one.digest === null && <small class="stale">removes it</small>}
            {one.message !== '' && <p class="message">{one.message}</p>}
            {rollout.active && one.outcome !== 'Succeeded' && one.outcome !== 'Skipped' && (
              <button
                type="button"
                class="small"
                onClick={() =>
                  ask({
                    title: `Skip ${one.name}?`,
                    words: `${one.name} keeps what it has, and the rollout goes on without it.`,
                    action: 'Skip',
                    async run(reason) {
                      const body = { cluster: one.name, ...(reason && { reason }) }
                      await call('skipCluster', { path: { id: rollout.id }, body })
                      reload()
                    },
                  })
                }
              >
                Skip
              </button>
            )}
          </li>
        ))}
        {wave.clusters.length > mostShown && (
          <li class="quiet">and {wave.clusters.length - mostShown} more</li>
        )}
      </ul>
      <Gates gates={wave.after} when="after" />
    </section>
  )
}

const words = {
  pending: 'Pending',
  waiting: 'Waiting',
  measuring: 'Measuring',
  passed: 'Passed',
  failed: 'Failed',
} as const satisfies Record<PlannedWave['before'][number]['state'], string>

function Gates({ gates, when }: { readonly gates: PlannedWave['before']; readonly when: string }) {
  return (
    <>
      {gates.map((gate) => (
        <p key={JSON.stringify(gate)} class="gate">
          Gate {when}: {gate.kind}
          {gate.role !== null && ` by ${gate.role}`} <Word word={words[gate.state]} />
          {gate.approvedBy !== null && ` by ${gate.approvedBy}`}
          {gate.message !== '' && <span class="message"> {gate.message}</span>}
        </p>
      ))}
    </>
  )
}
