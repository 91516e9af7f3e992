import type { Digest } from '@groundswell/proto/digest.ts'
import type { Assignment } from '../rollout/rollout.ts'
import type { ApplicationStatus, ClusterStatus } from '../status/status.ts'

/* A hub that was restored from a backup meets agents that run what it decided after it. What its ledger
   says of them is old: offered as it stands, it would undo everywhere at once what had come in waves. */

/** What Git asks of an application on a cluster, as far as that is known. */
export interface Wish {
  /** Null where Git asks for nothing; undefined where it cannot be told, such as for a fault. */
  readonly digest: Digest | null | undefined
  /** The ledger ended with this line when the wish was first decided on: what is newer was decided with it known. */
  readonly since: number
}

export interface AheadDeps {
  readonly status: (cluster: string) => ClusterStatus
  /** Undefined until this hub has fetched what the application is made of, and decided. */
  readonly wish: (application: string, cluster: string) => Wish | undefined
  /** The cluster has more than the ledger knows, in words; null when nothing is kept from it any more. */
  readonly onRestrained: (cluster: string, message: string | null) => void
}

/**
 * Decides what may be offered to an agent that has come further than this hub remembers: of each
 * application what was decided since Git was read, what Git asks for, or what runs there already.
 * All else is left out until its rollout gets there, and what is not listed is left alone.
 */
export function createRestraint(deps: AheadDeps) {
  const watched = new Set<string>()
  /** Whose agents have said in this stream what they run, and of whom that is waited for. */
  const [heard, awaited] = [new Set<string>(), new Set<string>()]

  const isSuspect = (cluster: string): boolean =>
    watched.has(cluster) || Boolean(deps.status(cluster).ledgerFault)

  /** What may be listed; `wait` where nothing may be yet, or nothing has to be. */
  function restrain(
    cluster: string,
    assignments: readonly Assignment[],
  ): readonly Assignment[] | 'wait' {
    const runs = listRunning(deps.status(cluster))
    const left = assignments.filter((assignment) => {
      const wish = deps.wish(assignment.application, cluster)
      return !isSafe(assignment, wish, runs?.get(assignment.application))
    })
    if (left.length === 0) {
      if (watched.delete(cluster) || isSuspect(cluster)) deps.onRestrained(cluster, null)
      return assignments
    }
    watched.add(cluster)
    // What it runs is told in a moment; nothing is said of it before.
    if (!runs) return 'wait'
    const names = left.map(({ application }) => application).sort()
    deps.onRestrained(
      cluster,
      `it has had more of ${names.join(', ')} than this hub's ledger knows of, which was restored from an older one: left as it is until Git was read and a rollout gets there`,
    )
    const others = assignments.filter((assignment) => !left.includes(assignment))
    const brings = others.some(({ application, digest }) => runs.get(application) !== digest)
    return brings ? others : 'wait'
  }

  /**
   * Whether its agent runs anything that was decided later than what this ledger knows of it: then the ledger is
   * older, whatever a signer's record says, which may be newer. Undefined before the agent has said what it runs.
   */
  function runsBeyond(cluster: string, assignments: readonly Assignment[]): boolean | undefined {
    if (!heard.has(cluster)) {
      awaited.add(cluster)
      return undefined
    }
    const status = deps.status(cluster)
    return assignments.some(({ application, generation }) => {
      const running = findRunning(status, application)
      return running !== undefined && running.generation > generation
    })
  }

  return {
    restrain,
    runsBeyond,
    /** Its agent begins a stream. */
    greet: (cluster: string): void => void heard.delete(cluster),
    /** Its agent has said what it runs; true where something waited for that. */
    hear(cluster: string): boolean {
      heard.add(cluster)
      return awaited.delete(cluster)
    },
    /** Its agent was told of more than is in the ledger. */
    suspect: (cluster: string): void => void watched.add(cluster),
    /** Whether a cluster has to be asked about although its sequence is known; over restarts too. */
    isSuspect,
    /** From whom something is kept: what they report, and what Git says, may change that. */
    list: (): readonly string[] => [...watched],
    isWatched: (cluster: string): boolean => watched.has(cluster),
  }
}

function isSafe(
  { digest, generation }: Assignment,
  wish: Wish | undefined,
  running: Digest | null | undefined,
): boolean {
  if (wish && (generation > wish.since || wish.digest === digest)) return true
  return digest !== null && running === digest
}

/** Whether a cluster would get anything by these that its agent has not said it runs. */
export function bringsNews(status: ClusterStatus, assignments: readonly Assignment[]): boolean {
  const runs = listRunning(status)
  return (
    runs !== undefined &&
    assignments.some(({ application, digest }) => runs.get(application) !== digest)
  )
}

/** What an agent says it runs of an application, in this stream. */
export function findRunning(
  { connection, applications }: ClusterStatus,
  application: string,
): ApplicationStatus | undefined {
  const told = applications[application]
  const isFresh = connection.state === 'Connected' && told && told.updatedAt >= connection.since
  return isFresh ? told : undefined
}

/** What an agent says it runs, in this stream; undefined before its first report. */
function listRunning(status: ClusterStatus): ReadonlyMap<string, Digest | null> | undefined {
  const told = Object.keys(status.applications).flatMap((name) => findRunning(status, name) ?? [])
  if (told.length === 0) return undefined
  return new Map(told.map(({ application, digest }) => [application, digest]))
}

export type Restraint = ReturnType<typeof createRestraint>
