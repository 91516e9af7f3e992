import type { PlannedView, RolloutView } from '../../client/gen/api.ts'
import { read } from '../data/client.ts'
import { type Question, ask } from './confirm.tsx'
import { Preview } from './outlook.tsx'
import { shorten } from './words.tsx'

type Kind = 'start' | 'approve' | 'promote' | 'pause' | 'resume' | 'retry' | 'rollback' | 'abort'

const said: Readonly<
  Record<Kind, { readonly label: string; readonly words: string; readonly undoes?: true }>
> = {
  start: { label: 'Start', words: 'Its first wave begins, once its gates are open.' },
  approve: { label: 'Approve', words: 'The gate it waits at opens, in your name.' },
  promote: {
    label: 'Promote',
    words:
      'The gates it waits at that are no approvals open, in your name, whatever they would have measured.',
  },
  pause: { label: 'Pause', words: 'No further cluster is offered anything until it is resumed.' },
  resume: { label: 'Resume', words: 'It goes on from where it is.' },
  retry: { label: 'Retry failed', words: 'Clusters that failed are offered the same again.' },
  rollback: {
    label: 'Roll back',
    words:
      'Every cluster it reached gets its last good content again, and this content is held until Git moves or somebody releases it.',
    undoes: true,
  },
  abort: {
    label: 'Abort',
    words:
      'It ends where it is: clusters that have the new content keep it, the others never get it.',
    undoes: true,
  },
}

const possible: Readonly<Record<string, readonly Kind[]>> = {
  Planned: ['start', 'abort'],
  Progressing: ['approve', 'promote', 'pause', 'retry', 'rollback', 'abort'],
  Paused: ['approve', 'promote', 'resume', 'retry', 'rollback', 'abort'],
  RollingBack: ['abort'],
  Succeeded: ['rollback'],
  Failed: ['rollback'],
  Aborted: ['rollback'],
}

/** These have clusters get what they do not have yet. */
const brings: readonly Kind[] = ['start', 'approve', 'promote', 'resume', 'retry']

/** Whether something that runs is deleted by what is still to come. */
function deletes(rollout: RolloutView, planned: PlannedView | undefined): boolean {
  if ((planned?.changes?.removed ?? 0) > 0) return true
  return rollout.waves.some(({ clusters }) =>
    clusters.some(({ digest, outcome }) => digest === null && outcome === null),
  )
}

function isAtMeasuredGate({ waves }: RolloutView): boolean {
  return waves.some(({ before, after }) =>
    [...before, ...after].some(
      ({ kind, state }) => kind !== 'approval' && (state === 'waiting' || state === 'measuring'),
    ),
  )
}

/** What a person may do to a rollout as it is now; refused should it have moved on meanwhile. */
export function Actions({
  rollout,
  planned,
  etag,
  reload,
}: {
  readonly rollout: RolloutView
  /** What is left of it, where that is known. */
  readonly planned: PlannedView | undefined
  readonly etag: string | null
  readonly reload: () => void
}) {
  const atGate = rollout.waitingFor.some((words) => words.includes('approv'))
  const isUseful: Partial<Record<Kind, boolean>> = {
    approve: atGate,
    promote: isAtMeasuredGate(rollout),
    retry: rollout.counts.failed + rollout.counts.timedOut > 0,
  }
  const kinds = (possible[rollout.phase] ?? []).filter((kind) => isUseful[kind] ?? true)
  const toQuestion = (kind: Kind): Question => ({
    title: `${said[kind].label}: ${rollout.application} at ${shorten(rollout.revision)}?`,
    words: said[kind].words,
    shown: <Preview id={rollout.id} back={kind === 'rollback'} />,
    ...((said[kind].undoes || (brings.includes(kind) && deletes(rollout, planned))) && {
      typed: rollout.application,
    }),
    action: said[kind].label,
    async run(reason) {
      const body = reason === '' ? {} : { reason }
      const id = kind === 'start' ? 'startPlannedRollout' : (`${kind}Rollout` as const)
      await read(id, { path: { id: rollout.id }, body }, etag)
      reload()
    },
  })
  return (
    <p class="buttons">
      {kinds.map((kind) => (
        <button
          key={kind}
          type="button"
          class={kind === 'approve' ? 'primary' : ''}
          onClick={() => ask(toQuestion(kind))}
        >
          {said[kind].label}
        </button>
      ))}
    </p>
  )
}
