import type { Action } from '../access/action.ts'
import type { Rights } from '../access/rights.ts'
import { HubError } from '../errors.ts'
import { isGap } from '../status/event.ts'
import { namesAny } from '../status/unseen.ts'
import type { Hub, Listing } from './hub.ts'
import type { EventGap, EventView } from './views.ts'

/** Events read in one go, to find some that may be seen. */
const eventsRead = 500
/** Reads of one call: more than the log of events holds. */
const mostReads = 25

/**
 * The hub as one caller may see and use it. What they may not see is not there: lists leave it
 * out, lookups find nothing, actions throw `not_found` as for what does not exist (T34). What they
 * see but may not do is `forbidden`, and says which action it takes.
 */
export function limitHub(hub: Hub, rights: Rights): Hub {
  const everything = rights.principal.role !== null
  const sees = (application: string): boolean => rights.sees(application)

  function need(action: Action, application: string): void {
    if (!sees(application)) throw new HubError('not_found', `No application ${application}`)
    if (rights.may(action, application)) return
    throw new HubError('forbidden', `This needs the action ${action} on ${application}`)
  }

  /** Undefined for what is not there, and for what may not be seen, by as little work (T34). */
  function applicationOf(id: string): string | undefined {
    const application = hub.applicationOf(id)
    return application !== undefined && sees(application) ? application : undefined
  }

  function needRollout(id: string): string {
    const application = applicationOf(id)
    if (application === undefined) throw new HubError('not_found', `No rollout ${id}`)
    return application
  }

  /** Applications of others on a cluster; undefined for one that may not be seen. */
  async function findOthers(cluster: string): Promise<ReadonlySet<string> | undefined> {
    if ((await hub.cluster(cluster, sees)) === undefined) return undefined
    const whole = await hub.cluster(cluster)
    const names = (whole?.applications ?? []).map((application) => application.name)
    return new Set(names.filter((name) => !sees(name)))
  }

  async function seesEvent(
    { subject, message }: EventView,
    othersOn: typeof findOthers = findOthers,
  ): Promise<boolean> {
    if (everything) return true
    const [kind = '', name = ''] = subject.split('/', 2)
    switch (kind) {
      case 'application':
        return sees(name)
      case 'rollout':
        return applicationOf(name) !== undefined
      case 'cluster': {
        // What is told of a cluster as a whole may name applications of others.
        const others = await othersOn(name)
        return others !== undefined && !namesAny(message, others)
      }
      default:
        return false
    }
  }

  const sight = everything ? undefined : sees
  return {
    rights: (principal) => hub.rights(principal),
    clusters: (query) => hub.clusters(query, sight),
    cluster: (name) => hub.cluster(name, sight),
    matrix: () => hub.matrix(sight),
    groups: (after) => hub.groups(after, sight),
    group: (name) => hub.group(name, sight),
    applications: (after) => keepSome(hub.applications(after), async ({ name }) => sees(name)),
    application: async (name) => (sees(name) ? hub.application(name) : undefined),
    async commit(application, commit) {
      if (!sees(application)) throw new HubError('not_found', `No application ${application}`)
      return hub.commit(application, commit)
    },
    diff(application) {
      if (!sees(application)) throw new HubError('not_found', `No application ${application}`)
      return hub.diff(application)
    },
    manifest: async (cluster, application) =>
      sees(application) ? hub.manifest(cluster, application) : undefined,
    receipts: (cluster, query) => hub.receipts(cluster, query, sight),
    receipt: (cluster, place) => hub.receipt(cluster, place, sight),
    images: async (application) => (sees(application) ? hub.images(application) : undefined),

    rollouts: (query) => keepSome(hub.rollouts(query), async ({ plan }) => sees(plan.application)),
    rollout: async (id) =>
      everything || applicationOf(id) !== undefined ? hub.rollout(id) : undefined,
    applicationOf,
    async planRollout(application, options) {
      need('plan', application)
      if (options.live) need('start', application)
      return hub.planRollout(application, options)
    },
    async previewRollout(id, options) {
      need('plan', needRollout(id))
      return hub.previewRollout(id, options)
    },
    propose: (ref) => hub.propose(ref),
    async startRollout(application, by, reason) {
      need('start', application)
      return hub.startRollout(application, by, reason)
    },
    async actOnRollout(id, action, by, reason, version) {
      need(action.kind, needRollout(id))
      return hub.actOnRollout(id, action, by, reason, version)
    },

    async events(query) {
      if (everything) return hub.events(query)
      const { after, limit } = query
      // News comes of few clusters again and again.
      const looked = new Map<string, ReturnType<typeof findOthers>>()
      const othersOn: typeof findOthers = (cluster) => {
        const known = looked.get(cluster) ?? findOthers(cluster)
        looked.set(cluster, known)
        return known
      }
      let place: Pick<typeof query, 'after' | 'before'> = query
      let kept: EventView[] = []
      let gap: EventGap | null = null
      for (let reads = 0; kept.length < limit && reads < mostReads; reads++) {
        const page = await hub.events({ ...place, limit: eventsRead })
        // Trimmed while it was read: the next call goes on from the last of these, and is told.
        if (page.gap && kept.length > 0) break
        gap ??= page.gap
        const found = page.items
        const seen = await Promise.all(found.map((event) => seesEvent(event, othersOn)))
        const mine = found.filter((_, at) => seen[at])
        kept = after === null ? [...mine, ...kept] : [...kept, ...mine]
        if (found.length < eventsRead) break
        place = after === null ? { after, before: found[0]!.id } : { after: found.at(-1)!.id }
      }
      return { items: after === null ? kept.slice(-limit) : kept.slice(0, limit), gap }
    },
    subscribe: (after, signal) =>
      keepSome(hub.subscribe(after, signal), async (one) => isGap(one) || seesEvent(one)),

    summary: () => hub.summary(),
    holds: () => hub.holds().filter(({ application }) => sees(application)),
    async releaseHold(application, by, reason) {
      need('start', application)
      await hub.releaseHold(application, by, reason)
    },
    gates: () => hub.gates().filter(({ application }) => sees(application)),
    drift: (after) => keepSome(hub.drift(after), async ({ application }) => sees(application)),
    revisions: (application) => (sees(application) ? hub.revisions(application) : []),

    // What belongs to no application. The policy of each route asks for a role of the fleet; one
    // by one here, so that what is new is not open by itself.
    dryRun: (cluster, request) => hub.dryRun(cluster, request),
    createToken: (cluster, request, by) => hub.createToken(cluster, request, by),
    pendingClusters: () => hub.pendingClusters(),
    authorities: () => hub.authorities(),
    approveCluster: (cluster, fingerprint, by) => hub.approveCluster(cluster, fingerprint, by),
    revokeCluster: (cluster, by, reason) => hub.revokeCluster(cluster, by, reason),
    unlockCluster: (cluster, by, reason) => hub.unlockCluster(cluster, by, reason),
    recoverCluster: (cluster, by, reason) => hub.recoverCluster(cluster, by, reason),
    pullRequests: () => hub.pullRequests(),
    windows: (from) => hub.windows(from),
    policies: () => hub.policies(),
    audit: (after) => hub.audit(after),
    fleet: () => hub.fleet(),
    facts: () => hub.facts(),
    sources: () => hub.sources(),
    webhook: (name, headers, rawBody) => hub.webhook(name, headers, rawBody),
    health: () => hub.health(),
  }
}

async function* keepSome<T>(
  all: Listing<T>,
  keep: (item: T) => Promise<boolean>,
): AsyncGenerator<T> {
  for await (const item of all) if (await keep(item)) yield item
}
