import type { Digest } from '@groundswell/proto/digest.ts'
import type { Proposal } from '../check/proposal.ts'
import type { ClusterFacts, FleetFacts } from '../fleet/resolve/cluster-facts.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { SourceView } from '../source/sources.ts'
import type { VisitedRef } from '../source/visit.ts'
import type { AuthorsRequest } from './authors.ts'
import type { Contents } from './contents.ts'

/** What one application on one cluster was made of, to make it again. */
export interface RebuildRequest {
  readonly application: string
  readonly cluster: string
  readonly fleetRevision: string
  /** Of the application's own repository. */
  readonly revision: string
  /** What the cluster was when it was made. */
  readonly facts?: ClusterFacts | undefined
}

/**
 * The holder of mirrors and credentials, as the rest of the hub sees it. It follows what the fleet
 * repository names by itself, and tells the signer by itself what Git asks for: whoever uses this
 * port can make it render, but has no say in what is attested.
 *
 * Every call throws HubError `renderer_unavailable` when the renderer cannot be asked.
 */
export interface Renderer {
  /** @throws HubError `fleet_invalid` with every fault, `revision_not_found`, `source_*` */
  readFleet(revision: string): Promise<Fleet>
  /** Whether this commit of the fleet repository is at hand, without asking the network. */
  has(revision: string): Promise<boolean>
  /**
   * Renders the whole fleet, each repository at the revision fetched last, stores and attests it.
   *
   * @param facts what agents reported of their clusters; it can change only what charts ask of them
   * @throws HubError `conflict` when the fleet has moved on: news of it is on its way
   */
  render(fleetRevision: string, signal: AbortSignal, facts?: FleetFacts): Promise<Contents>
  /** Renders again what was lost; the digest it has now, null when it is not meant to run there. */
  rebuild(request: RebuildRequest, signal: AbortSignal): Promise<Digest | null>
  /**
   * What another state of the fleet repository would change. Nothing of it is stored or attested.
   *
   * @throws HubError `source_refused`, `revision_not_found`, `source_unreachable`, `busy`
   */
  propose(ref: VisitedRef, signal: AbortSignal, facts?: FleetFacts): Promise<Proposal>
  /** Who made a commit and what they said; `git` and nothing when it is not at hand. */
  describe(repository: string, revision: string): Promise<{ author: string; subject: string }>
  /**
   * Whether a commit is that of a revision, or one that it was made on.
   *
   * @throws HubError `source_unreachable` where the revision is not at hand
   */
  contains(repository: string, revision: string, commit: string): Promise<boolean>
  /** Who made the commits that a rollout brings. @throws HubError where nobody can tell */
  authors(request: AuthorsRequest): Promise<readonly string[]>
  /** Look soon at a source. Says whether there is such a source. */
  hint(name: string): Promise<boolean>
  list(): Promise<readonly SourceView[]>
}
