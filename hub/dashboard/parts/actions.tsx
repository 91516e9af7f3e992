import type { PlannedView, RolloutView } from '../../client/gen/api.ts'
import { read } from '../data/client.ts'
import { Changes, sayChanges } from './changes.tsx'
import { type Question, ask } from './confirm.tsx'

type Kind = 'start' | 'approve' | 'pause' | 'resume' | 'retry' | 'rollback' | 'abort'

const said: Readonly<
  Record<Kind, { readonly label: string; readonly words: string; readonly undoes?: true }>
> = {
  start: { label: 'Start', words: 'Its first wave begins, once its gates are open.' },
  approve: { label: 'Approve', words: 'The gate it waits at opens, in your name.' },
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
  Progressing: ['approve', 'pause', 'retry', 'rollback', 'abort'],
  Paused: ['approve', 'resume', 'retry', 'rollback', 'abort'],
  RollingBack: ['abort'],
  Succeeded: ['rollback'],
  Failed: ['rollback'],
  Aborted: ['rollback'],
}

/** These have clusters get what they do not have yet. */
const brings: readonly Kind[] = ['start', 'approve', 'resume', 'retry']

/** Whether something that runs is deleted by what is still to come. */
function deletes(rollout: RolloutView, planned: PlannedView | undefined): boolean {
  if ((planned?.changes?.removed ?? 0) > 0) return true
  return rollout.waves.some(({ clusters }) =>
    clusters.some(({ digest, outcome }) => digest === null && outcome === null),
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
  const kinds = (possible[rollout.phase] ?? []).filter((kind) => kind !== 'approve' || atGate)
  const toQuestion = (kind: Kind): Question => ({
    title: `${said[kind].label}: ${rollout.application} at ${rollout.revision.slice(-12)}?`,
    words: said[kind].words,
    shown: brings.includes(kind) && planned?.changes && (
      <>
        <p>Still to come: {sayChanges(planned.changes)}</p>
        <Changes changes={planned.changes} open={false} />
      </>
    ),
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
        <button key={kind} type="button" onClick={() => ask(toQuestion(kind))}>
          {said[kind].label}
        </button>
      ))}
    </p>
  )
}
