export interface LooksDeps {
  /** Looks at an application's rollouts. */
  readonly look: (application: string) => Promise<void>
  /** Clusters that its rollouts wait to hear of. */
  readonly inFlight: (application: string) => number
  readonly clock: () => number
  /** Calls back after `ms`; given in, so that tests own time. */
  readonly later: (ms: number, run: () => void) => void
}

/**
 * A look costs time in proportion to a rollout's clusters, and each of them reports several times.
 * After a look there is none for so many times what it took, however many reports come; while fewer
 * have come than clusters are in flight, none for longer still.
 */
const restFactors = { least: 6, most: 24 } as const
const longestRestMs = 500

interface Rest {
  news: number
  /** Reports after which all may have been heard of. */
  readonly enough: number
  /** True when the shorter rest is over. */
  ready: boolean
}

/**
 * When to look at rollouts. The first notice makes a look at once; those that follow share one, which
 * comes as soon as everyone may have reported. Gives the function to call with what changed.
 */
export function createLooks(deps: LooksDeps): (applications: Iterable<string>) => void {
  const { clock, later } = deps
  /** Applications that are looked at now; true when there was news since that began. */
  const looking = new Map<string, boolean>()
  const resting = new Map<string, Rest>()

  async function lookAt(application: string): Promise<void> {
    resting.delete(application)
    looking.set(application, false)
    const start = clock()
    await deps.look(application).catch(() => {})
    const took = clock() - start
    const news = looking.get(application) ? 1 : 0
    looking.delete(application)
    const rest: Rest = { news, enough: Math.max(1, deps.inFlight(application)), ready: false }
    resting.set(application, rest)
    later(Math.min(longestRestMs, took * restFactors.least), () => {
      rest.ready = true
      if (rest.news >= rest.enough) lookAfter(application, rest)
    })
    later(Math.min(longestRestMs, took * restFactors.most), () => {
      if (rest.news > 0) lookAfter(application, rest)
      else if (resting.get(application) === rest) resting.delete(application)
    })
  }

  function lookAfter(application: string, rest: Rest): void {
    if (resting.get(application) === rest) void lookAt(application)
  }

  return function notice(applications) {
    for (const application of applications) {
      const rest = resting.get(application)
      if (looking.has(application)) looking.set(application, true)
      else if (!rest) void lookAt(application)
      else {
        rest.news += 1
        if (rest.ready && rest.news >= rest.enough) lookAfter(application, rest)
      }
    }
  }
}
