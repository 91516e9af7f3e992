import type { ClusterObservation, Veto } from '../rollout/rollout.ts'
import type { AgentHold, ApplicationStatus, ClusterStatus } from './status.ts'

/**
 * Observations of clusters, by name. Nothing is known from before `heardSince`: a hub that was away, or whose
 * clock was set, gives agents their whole grace to come back.
 *
 * @param ruled what is said of a cluster whatever it does itself
 */
export function observeClusters(
  statusOf: (cluster: string) => ClusterStatus,
  application: string,
  clusters: readonly string[],
  { heardSince, now }: { readonly heardSince: number; readonly now: number },
  ruled: (
    cluster: string,
  ) => Pick<ClusterObservation, 'withheld' | 'closed' | 'awaits' | 'unsettled'> = () => ({}),
): Record<string, ClusterObservation> {
  return Object.fromEntries(
    clusters.map((name) => {
      const seen = observeCluster(statusOf(name), application)
      const since = seen.since > now ? heardSince : Math.max(seen.since, heardSince)
      return [name, { ...seen, since, withheld: null, ...ruled(name) }]
    }),
  )
}

/** What a rollout may look at of a cluster: facts with their digest and generation, no more. */
export function observeCluster(status: ClusterStatus, application: string): ClusterObservation {
  const { connection } = status
  const told = status.applications[application]
  // What was said before the stream was opened is of another time: the agent says it all again.
  const stale = connection.state === 'Connected' && told && told.updatedAt < connection.since
  const known = stale ? undefined : told
  return {
    connected: connection.state === 'Connected',
    since: connection.state === 'NeverConnected' ? 0 : connection.since,
    refusal: isFinal(status.refusal) ? `${status.refusal.code}: ${status.refusal.message}` : null,
    ...(stale && { unheard: true }),
    ...(status.holds && { veto: findVeto(status.holds, application) }),
    application: known
      ? {
          digest: known.digest,
          generation: known.generation,
          phase: known.phase,
          health: known.gate?.health ?? known.health,
          message: describe(known),
          ...(known.held && { held: known.held }),
        }
      : null,
  }
}

/** What whoever keeps a cluster says of an application; a refusal is stronger, then the later end. */
export function findVeto(
  holds: readonly AgentHold[] | undefined,
  application: string,
): Veto | null {
  const mine = (holds ?? []).filter(
    ({ applications }) => applications.length === 0 || applications.includes(application),
  )
  const strictest = mine.reduce<AgentHold | undefined>(
    (best, hold) => (best && isStricter(best, hold) ? best : hold),
    undefined,
  )
  if (!strictest) return null
  const { refuse, until, source, reason, fault } = strictest
  const why = fault ? `, which cannot be read: ${fault}` : reason ? `: ${reason}` : ''
  return { refuse, until, words: `${source}${why}` }
}

function isStricter(a: AgentHold, b: AgentHold): boolean {
  if (a.refuse !== b.refuse) return a.refuse
  return (a.until ?? Infinity) >= (b.until ?? Infinity)
}

/**
 * Refusals that end without new content: an agent that could not get it yet asks again by itself,
 * and what waits for an approver, or for a root statement that this hub lost, is offered anew with
 * that. The wave's deadline goes on.
 */
const passing: readonly string[] = [
  'content_missing',
  'approval_missing',
  'approval_invalid',
  'root_behind',
]

function isFinal(refusal: ClusterStatus['refusal']): refusal is NonNullable<typeof refusal> {
  return refusal !== null && !passing.includes(refusal.code)
}

/** The first thing that is wrong, with file and object, as the agent named it. */
function describe(status: ApplicationStatus): string {
  const [error] = status.errors
  if (error) {
    // One of the whole application's has neither.
    const words = [error.file, error.object, `${error.message} (${error.code})`]
    return words.filter(Boolean).join(': ')
  }
  if (status.waiting !== undefined) return status.waiting
  const { gate, health, unhealthy } = status
  const stricter = gate?.objects ?? []
  const [object] =
    gate?.health === health ? [...unhealthy, ...stricter] : [...stricter, ...unhealthy]
  if (object) return `${object.object} is ${object.health}: ${object.message}`
  return ''
}
