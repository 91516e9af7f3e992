import type { ApplicationView, ClusterView, CommitView, RolloutView } from '../client/gen/api.ts'
import { CliFailure } from './failure.ts'

/** What can be waited for; the first of a kind is meant when nothing is said. */
export const waitables = {
  rollout: ['succeeded', 'ended'],
  application: ['updated'],
  cluster: ['connected', 'updated'],
} as const

/** A kind and one of its states. */
export type Wanted = {
  [K in keyof typeof waitables]: {
    readonly kind: K
    readonly state: (typeof waitables)[K][number]
  }
}[keyof typeof waitables]

/** How it stands, in words for people. `never`: what is wanted cannot come any more. */
export interface Verdict {
  readonly state: 'met' | 'notYet' | 'never'
  readonly message: string
}

interface Views {
  readonly rollout: RolloutView
  readonly application: ApplicationView
  readonly cluster: ClusterView
}

/** @throws CliFailure for a kind or a state that is not known */
export function parseWanted(word: string, state: string | undefined): Wanted {
  const kinds = Object.keys(waitables) as (keyof typeof waitables)[]
  const kind = kinds.find((one) => word === one || word === `${one}s`) ?? shortOf(word)
  if (kind === undefined) {
    throw new CliFailure(2, `cannot wait for ${word}`, { hint: `one of ${kinds.join(', ')}` })
  }
  const states: readonly string[] = waitables[kind]
  if (state !== undefined && !states.includes(state)) {
    throw new CliFailure(2, `${kind}s cannot be waited for to be ${state}`, {
      hint: `one of ${states.join(', ')}`,
    })
  }
  return { kind, state: state ?? states[0]! } as Wanted
}

function shortOf(word: string): 'application' | undefined {
  return word === 'app' || word === 'apps' ? 'application' : undefined
}

/** Phases of a rollout that has not ended. */
const activePhases = new Set(['Planned', 'Progressing', 'Paused', 'RollingBack'])

/** Whether it is as wanted. */
export function judge<W extends Wanted>(wanted: W, view: Views[W['kind']]): Verdict {
  switch (wanted.kind) {
    case 'rollout':
      return judgeRollout(wanted.state, view as RolloutView)
    case 'application':
      return judgeApplication(view as ApplicationView)
    case 'cluster':
      return judgeCluster(wanted.state, view as ClusterView)
  }
}

function judgeRollout(state: 'succeeded' | 'ended', rollout: RolloutView): Verdict {
  const { phase, counts, active } = rollout
  const why = rollout.waitingFor[0] ?? rollout.message
  const message = `${phase}, ${counts.succeeded}/${counts.total} done${why && `, ${why}`}`
  if (active) return { state: 'notYet', message }
  return { state: state === 'ended' || phase === 'Succeeded' ? 'met' : 'never', message }
}

/**
 * Every cluster it is meant for reports what Git asks, and no rollout is on its way. One that is held, or
 * does not render, would keep the same answer until somebody changes Git.
 */
function judgeApplication(application: ApplicationView): Verdict {
  const { counts, targets, behind = 0, rollout, hold, faults = [] } = application
  if (hold) return { state: 'never', message: `held back: ${hold.reason}` }
  if (faults[0]) return { state: 'never', message: faults[0].message }
  const active = rollout !== null && activePhases.has(rollout.phase)
  const under = active ? `, rollout ${rollout.id} ${rollout.phase}` : ''
  const left = behind > 0 ? `, Git asks for something else on ${behind} of them` : ''
  const isOver = left && (rollout?.phase === 'Aborted' || rollout?.phase === 'RolledBack')
  const hint = isOver
    ? ` since rollout ${rollout.id} ${rollout.phase}: \`swell rollout start ${application.name}\` brings it`
    : ''
  const message = `${counts.updated}/${targets} updated, ${counts.failed} failed, ${counts.unreachable} unreachable${under}${left}${hint}`
  const isThere = counts.updated === targets && behind === 0
  const met = application.revision !== null && isThere && !active
  return { state: met ? 'met' : 'notYet', message }
}

/** What keeps an application from being judged by a commit; undefined where nothing does. */
export function judgeCommit({ commit, state, revision }: CommitView): Verdict | undefined {
  switch (state) {
    case 'taken':
      return undefined
    case 'notYet':
      return { state: 'notYet', message: `commit ${commit} is not read, or not decided on yet` }
    case 'refused':
      return {
        state: 'never',
        message: `the fleet repository is refused at ${revision}; \`swell fleet\` says why`,
      }
  }
}

function judgeCluster(state: 'connected' | 'updated', cluster: ClusterView): Verdict {
  const { connection, lifecycle, counts } = cluster
  if (lifecycle === 'Revoked') {
    return { state: 'never', message: `revoked: ${cluster.lifecycleReason}` }
  }
  const connected = connection.state === 'Connected'
  const message = `${lifecycle}, ${connection.state}, ${counts.updated}/${counts.applications} updated`
  const updated = connected && counts.updated === counts.applications
  return { state: (state === 'connected' ? connected : updated) ? 'met' : 'notYet', message }
}
