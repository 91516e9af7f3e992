import type { ClusterView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { type Question, ask } from './confirm.tsx'

/** What may be done about the agent of a cluster as it is trusted now. */
export function Membership({
  cluster: { name, lifecycle },
  reload,
}: {
  readonly cluster: Pick<ClusterView, 'name' | 'lifecycle'>
  readonly reload: () => void
}) {
  const question = (about: Pick<Question, 'title' | 'words' | 'action'>, id: Operation) => ({
    ...about,
    typed: name,
    async run(reason: string) {
      await call(id, { path: { name }, body: reason === '' ? {} : { reason } })
      reload()
    },
  })
  const mayRevoke = lifecycle === 'Enrolled' || lifecycle === 'Locked'
  return (
    <p class="buttons">
      {mayRevoke && (
        <button type="button" onClick={() => ask(question(revoke(name), 'revokeCluster'))}>
          Revoke
        </button>
      )}
      {lifecycle === 'Locked' && (
        <button type="button" onClick={() => ask(question(unlock(name), 'unlockCluster'))}>
          Unlock
        </button>
      )}
    </p>
  )
}

type Operation = 'revokeCluster' | 'unlockCluster'

const revoke = (name: string) => ({
  title: `Revoke ${name}?`,
  words: `Its agent is cut off at once and its certificate counts no more. What runs on the cluster stays as it is; it has to join anew to get anything again.`,
  action: 'Revoke',
})

const unlock = (name: string) => ({
  title: `Unlock ${name}?`,
  words: `Two agents said they were ${name}. Unlock it only when you know which one is, and that the other is gone.`,
  action: 'Unlock',
})
