import { parseRevision } from '@groundswell/proto/revision.ts'
import type { LedgerState } from '../ledger/replay.ts'
import {
  type ClusterProgress,
  finalPhases,
  type RolloutPhase,
  type RolloutPlan,
  type RolloutRun,
} from '../rollout/rollout.ts'

/** What became of one commit on all clusters together. */
export interface CommitStanding {
  readonly repository: string
  readonly commit: string
  readonly state: 'pending' | 'success' | 'failure' | 'error'
  /** `wave 2/4, 380/412 clusters at this commit, 2 failed, 30 offline`. */
  readonly description: string
}

/** The rollouts of one commit, oldest first. */
export interface CommitRollouts {
  readonly repository: string
  readonly commit: string
  readonly rollouts: readonly Rollout[]
  /** Changes with every step of any of them. */
  readonly version: string
}

interface Rollout {
  readonly plan: RolloutPlan
  readonly run: RolloutRun
}

/** Commits looked at: the newest. */
const mostCommits = 500

/**
 * The rollouts of each commit that is on its way, or was since then.
 *
 * @param repositoryOf where an application comes from; undefined when it is declared no more
 * @param since milliseconds by the hub's clock
 */
export function listCommitRollouts(
  { plans, runs }: Pick<LedgerState, 'plans' | 'runs'>,
  repositoryOf: (application: string) => string | undefined,
  since: number,
): CommitRollouts[] {
  const byCommit = new Map<string, Rollout[]>()
  for (const plan of plans.values()) {
    const run = runs.get(plan.id)
    if (!run || plan.trigger.kind === 'rollback') continue
    for (const key of keysOf(plan, repositoryOf)) {
      const known = byCommit.get(key)
      if (known) known.push({ plan, run })
      else byCommit.set(key, [{ plan, run }])
    }
  }
  return [...byCommit]
    .filter(([, rollouts]) =>
      rollouts.some(
        ({ plan, run }) => !finalPhases.has(run.phase) || lastChange(plan, run) >= since,
      ),
    )
    .slice(-mostCommits)
    .map(([key, rollouts]) => {
      const [repository, commit] = key.split(' ') as [string, string]
      const version = rollouts.map(({ run }) => `${run.id}.${run.version}`).join()
      return { repository, commit, rollouts, version }
    })
}

function lastChange({ createdAt }: RolloutPlan, { finishedAt }: RolloutRun): number {
  return Math.max(createdAt, finishedAt ?? 0)
}

/** A commit of the source, and the fleet's own that it was rolled out by. */
function keysOf(
  { application, revision, fleetRevision }: RolloutPlan,
  repositoryOf: (application: string) => string | undefined,
): Set<string> {
  const repository = repositoryOf(application)
  const keys = new Set<string>()
  if (repository !== undefined) keys.add(`${repository} ${parseRevision(revision).commit}`)
  if (fleetRevision !== undefined) keys.add(`fleet ${parseRevision(fleetRevision).commit}`)
  return keys
}

/** How far a commit is. A cluster is at it when it has all of what the commit changes there. */
export function judgeCommit({ repository, commit, rollouts }: CommitRollouts): CommitStanding {
  const clusters = new Map<string, Place>()
  for (const progress of newestProgress(rollouts)) {
    const worst = clusters.get(progress.cluster)
    const place = placeOf(progress)
    if (!worst || places.indexOf(place) > places.indexOf(worst))
      clusters.set(progress.cluster, place)
  }
  const count = (place: Place) => [...clusters.values()].filter((one) => one === place).length
  const counts = [
    `${count('there')}/${clusters.size} clusters at this commit`,
    ...(['failed', 'offline', 'skipped', 'reverted'] as const)
      .filter((place) => count(place) > 0)
      .map((place) => `${count(place)} ${place}`),
  ]
  const last = newestOfEach(rollouts)
  return {
    ...{ repository, commit },
    state: stateOf(last.map(({ run }) => run.phase)),
    description: [...describePhase(last), ...counts].join(', '),
  }
}

/** From good to bad: a cluster is where the worst of its applications is. */
const places = ['there', 'skipped', 'waiting', 'offline', 'reverted', 'failed'] as const
type Place = (typeof places)[number]

interface Progress {
  readonly cluster: string
  readonly progress: ClusterProgress
}

/** Of every application on every cluster, by the last rollout that names it. */
function newestProgress(rollouts: readonly Rollout[]): Progress[] {
  const newest = new Map<string, Progress>()
  for (const { plan, run } of rollouts) {
    for (const cluster of Object.keys(plan.targets)) {
      const progress = run.clusters[cluster] ?? { state: 'Pending' }
      newest.set(`${plan.application} ${cluster}`, { cluster, progress })
    }
  }
  return [...newest.values()]
}

function placeOf({ progress }: Progress): Place {
  switch (progress.state) {
    case 'Pending':
    case 'Offered':
    case 'Soaking':
      return 'waiting'
    case 'Reverting':
    case 'Reverted':
      return 'reverted'
    case 'Done': {
      const { outcome } = progress
      switch (outcome) {
        case 'Succeeded':
          return 'there'
        case 'Skipped':
          return 'skipped'
        case 'Unreachable':
          return 'offline'
        case 'Failed':
        case 'TimedOut':
        case 'Vetoed':
          return 'failed'
        default:
          return outcome satisfies never
      }
    }
    default:
      return progress satisfies never
  }
}

/** Of each application the last rollout: what came before was made up for by it. */
function newestOfEach(rollouts: readonly Rollout[]): Rollout[] {
  return [...new Map(rollouts.map((rollout) => [rollout.plan.application, rollout])).values()]
}

function stateOf(phases: readonly RolloutPhase[]): CommitStanding['state'] {
  if (phases.some((phase) => !finalPhases.has(phase))) return 'pending'
  if (phases.every((phase) => phase === 'Succeeded')) return 'success'
  // One that a newer commit replaced came to nothing, but nothing is wrong with it.
  return phases.every((phase) => phase === 'Succeeded' || phase === 'Superseded')
    ? 'error'
    : 'failure'
}

const words: Readonly<Record<RolloutPhase, string>> = {
  Planned: 'waits to be started',
  Progressing: '',
  Paused: 'paused',
  RollingBack: 'rolling back',
  Succeeded: '',
  Failed: 'failed',
  RolledBack: 'rolled back',
  Aborted: 'aborted',
  Superseded: 'replaced by a newer commit',
}

/** The wave of the rollout that is least far, and what is out of the ordinary. */
function describePhase(rollouts: readonly Rollout[]): string[] {
  const active = rollouts.filter(({ run }) => !finalPhases.has(run.phase))
  const odd = new Set(rollouts.map(({ run }) => words[run.phase]).filter(Boolean))
  const share = ({ plan, run }: Rollout) => (run.wave + 1) / plan.waves.length
  const [behind] = active.toSorted((a, b) => share(a) - share(b))
  return [...odd, ...(behind ? [`wave ${behind.run.wave + 1}/${behind.plan.waves.length}`] : [])]
}
