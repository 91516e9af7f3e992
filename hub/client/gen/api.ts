/* Made of the hub's OpenAPI document by `npm run generate`; never edited by hand. */

/** RFC 9457 problem details. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** the request id, as in the log */
  readonly instance: string
  /** closed list; what a program should look at */
  readonly code: string
  /** every fault found */
  readonly errors: readonly {
    /** JSON Pointer into the request */
    readonly pointer?: string
    readonly file?: string
    readonly line?: number
    readonly column?: number
    readonly object?: string
    readonly cluster?: string
    readonly message: string
  }[]
}

/** A rollout: its plan and where each cluster is. */
export interface RolloutView {
  readonly id: string
  readonly application: string
  readonly revision: string
  readonly contentDigest: string
  readonly version: number
  /** Planned, Progressing, Paused, RollingBack, Succeeded, Failed, RolledBack, Aborted or Superseded */
  readonly phase: string
  readonly active: boolean
  readonly wave: number
  readonly waveName: string
  readonly waveCount: number
  readonly message: string
  readonly waitingFor: readonly string[]
  readonly trigger: { readonly kind: string; readonly actor: string; readonly reason: string }
  readonly createdAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  readonly counts: {
    readonly total: number
    readonly pending: number
    readonly inFlight: number
    readonly succeeded: number
    readonly failed: number
    readonly timedOut: number
    readonly unreachable: number
    readonly vetoed: number
    readonly skipped: number
    readonly reverted: number
  }
  /** who made the commit, as Git has it; not known of old ones */
  readonly author?: string
  /** where a gate asks for somebody else: who made the commits that it brings; null where nobody can tell */
  readonly authors?: readonly string[] | null
  readonly maxFailures: number
  readonly onFailure: string
  readonly offline: string
  readonly supersede: string
  /** when it will be done, by what rollouts took before; null: it does not move */
  readonly eta: {
    readonly typical: string | null
    readonly longest: string | null
    /** what nobody can foretell */
    readonly uncounted: readonly string[]
  } | null
  readonly waves: readonly {
    readonly index: number
    readonly name: string
    readonly state: 'Waiting' | 'Current' | 'Passed'
    readonly maxConcurrent: number
    readonly maxFailures: number
    readonly soakSeconds: number
    /** RFC 3339, UTC; when it will have soaked if it stays healthy; null: it does not soak */
    readonly soakEndsAt: string | null
    readonly progressDeadlineSeconds: number
    readonly before: readonly {
      /** approval, soak, metric, cel or webhook */
      readonly kind: string
      /** what it is, in words */
      readonly name: string
      /** pending until the rollout comes to it */
      readonly state: 'pending' | 'waiting' | 'measuring' | 'passed' | 'failed'
      /** what was measured or answered last */
      readonly message: string
      /** of an approval */
      readonly role: string | null
      readonly approvedBy: string | null
      /** RFC 3339, UTC; when it will have soaked if it stays healthy; null: it does not soak */
      readonly soakEndsAt: string | null
    }[]
    readonly after: readonly {
      /** approval, soak, metric, cel or webhook */
      readonly kind: string
      /** what it is, in words */
      readonly name: string
      /** pending until the rollout comes to it */
      readonly state: 'pending' | 'waiting' | 'measuring' | 'passed' | 'failed'
      /** what was measured or answered last */
      readonly message: string
      /** of an approval */
      readonly role: string | null
      readonly approvedBy: string | null
      /** RFC 3339, UTC; when it will have soaked if it stays healthy; null: it does not soak */
      readonly soakEndsAt: string | null
    }[]
    readonly counts: {
      readonly total: number
      readonly pending: number
      readonly inFlight: number
      readonly succeeded: number
      readonly failed: number
      readonly timedOut: number
      readonly unreachable: number
      readonly vetoed: number
      readonly skipped: number
      readonly reverted: number
    }
    readonly clusters: readonly {
      readonly name: string
      /** Pending, Offered, Soaking, Done, Reverting or Reverted */
      readonly state: string
      /** Succeeded, Failed, TimedOut, Unreachable, Vetoed or Skipped */
      readonly outcome: string | null
      readonly message: string
      /** null removes it */
      readonly digest: string | null
      readonly previousDigest: string | null
      readonly previousRevision: string | null
      /** RFC 3339, UTC; when it will have soaked if it stays healthy; null: it does not soak */
      readonly soakEndsAt: string | null
    }[]
  }[]
}

/** A rollout, in counters. */
export interface RolloutSummary {
  readonly id: string
  readonly application: string
  readonly revision: string
  readonly contentDigest: string
  readonly version: number
  /** Planned, Progressing, Paused, RollingBack, Succeeded, Failed, RolledBack, Aborted or Superseded */
  readonly phase: string
  readonly active: boolean
  readonly wave: number
  readonly waveName: string
  readonly waveCount: number
  readonly message: string
  readonly waitingFor: readonly string[]
  readonly trigger: { readonly kind: string; readonly actor: string; readonly reason: string }
  readonly createdAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  readonly counts: {
    readonly total: number
    readonly pending: number
    readonly inFlight: number
    readonly succeeded: number
    readonly failed: number
    readonly timedOut: number
    readonly unreachable: number
    readonly vetoed: number
    readonly skipped: number
    readonly reverted: number
  }
}

/** Where a cluster is in a rollout. */
export interface RolloutClusterView {
  readonly wave: number
  readonly name: string
  /** Pending, Offered, Soaking, Done, Reverting or Reverted */
  readonly state: string
  /** Succeeded, Failed, TimedOut, Unreachable, Vetoed or Skipped */
  readonly outcome: string | null
  readonly message: string
  /** null removes it */
  readonly digest: string | null
  readonly previousDigest: string | null
  readonly previousRevision: string | null
  /** RFC 3339, UTC; when it will have soaked if it stays healthy; null: it does not soak */
  readonly soakEndsAt: string | null
}

export interface RolloutClusterList {
  readonly items: readonly RolloutClusterView[]
  /** null on the last page */
  readonly continue: string | null
}

/** A cluster, in counters. */
export interface ClusterSummary {
  readonly name: string
  readonly displayName: string
  readonly labels: Readonly<Record<string, string>>
  readonly groups: readonly string[]
  readonly lifecycle: 'Declared' | 'Pending' | 'Enrolled' | 'Locked' | 'Detached' | 'Revoked'
  /** why it is locked or revoked, or empty */
  readonly lifecycleReason: string
  readonly suspended: boolean
  readonly connection: {
    readonly state: 'Connected' | 'Disconnected' | 'NeverConnected'
    readonly since: string | null
  }
  readonly lastSeen: string | null
  readonly agentVersion: string
  readonly kubernetesVersion: string
  /** what charts are rendered for, and who said so */
  readonly facts?: {
    /** empty: what the engine takes by itself */
    readonly kubernetesVersion: string
    readonly kubernetesVersionFrom: 'git' | 'agent' | 'nobody'
    readonly apis: number
    readonly apisFrom: 'git' | 'agent' | 'nobody'
  }
  readonly nodes: number
  /** newest snapshot accepted */
  readonly acceptedSequence: number
  /** newest snapshot signed */
  readonly offeredSequence: number
  /** how long the newest snapshot has waited; 0 when accepted, null when unknown */
  readonly lagSeconds: number | null
  /** whether nobody can vouch that what it has is the newest */
  readonly stale?: boolean
  readonly refusal: { readonly code: string; readonly message: string } | null
  /** what its agent was told of the ledger contradicts itself, or the ledger */
  readonly auditFault?: { readonly code: string; readonly message: string } | null
  /** two snapshots under one sequence, proved by their signatures */
  readonly equivocations?: readonly {
    readonly epoch: number
    readonly sequence: number
    readonly accepted: string
    readonly refused: string
    /** RFC 3339, UTC */
    readonly at: string
  }[]
  /** local vetoes: updates that whoever keeps the cluster has wait, or refuses */
  readonly holds?: readonly {
    readonly mode: 'postpone' | 'refuse'
    readonly until: string | null
    readonly reason: string
    /** none: all of them */
    readonly applications: readonly string[]
    /** where it was said at the cluster */
    readonly source: string
    /** why it cannot be read, or empty; it holds everything */
    readonly fault: string
  }[]
  readonly driftedObjects: number
  readonly counts: {
    readonly applications: number
    readonly updated: number
    readonly pending: number
    readonly failed: number
  }
}

/** Desired against reported state of an application on a cluster. */
export interface ClusterDiffView {
  readonly cluster: string
  readonly connection: {
    readonly state: 'Connected' | 'Disconnected' | 'NeverConnected'
    readonly since: string | null
  }
  readonly desiredDigest: string | null
  readonly desiredRevision: string | null
  readonly reportedDigest: string | null
  readonly upToDate: boolean
  readonly driftedObjects: number
  /** bounded; driftedObjects counts all */
  readonly drift: readonly {
    /** group/kind/namespace/name */
    readonly object: string
    readonly missing: boolean
    /** RFC 3339, UTC */
    readonly firstSeen: string
    readonly fields: readonly {
      /** JSON Pointer */
      readonly path: string
      readonly desired: string
      readonly live: string
      /** field manager that made the live value, or empty */
      readonly manager: string
      /** RFC 3339, UTC */
      readonly changedAt?: string
    }[]
    /** field manager that undoes repairs, which are held back for it */
    readonly contestedBy?: string
  }[]
}

/** A cluster, and a letter for each application. */
export interface MatrixRow {
  readonly cluster: string
  readonly groups: readonly string[]
  readonly connection: 'Connected' | 'Disconnected' | 'NeverConnected'
  readonly stale: boolean
  /** a letter for each of `applications`: updated, pending, failed, drifted, vetoed, x unreachable, - none */
  readonly cells: string
}

/** Something that happened. Ids rise in the order of the stream. */
export interface EventView {
  readonly id: string
  /** RFC 3339, UTC */
  readonly at: string
  /** such as rollout.moved */
  readonly type: string
  readonly actor: string
  /** kind/name, such as rollout/r-1 */
  readonly subject: string
  readonly message: string
}

/** Events after an id are kept no more: what follows them has to be read anew. */
export interface EventGap {
  /** what was to be gone on from */
  readonly after: string
  /** the first that is still kept: stream and list go on with it */
  readonly oldest: string | null
  readonly message: string
}

/** An agent that joined and waits for approval. */
export interface PendingView {
  readonly cluster: string
  readonly clusterId: string
  /** of the kube-system namespace */
  readonly clusterUid: string
  /** compare it with the one in the agent’s log */
  readonly fingerprint: string
  /** RFC 3339, UTC */
  readonly since: string
  /** another agent of this name is enrolled until then */
  readonly replaces: boolean
}

/** A certificate authority of the hub that agents trust. */
export interface AuthorityView {
  /** sha256:… of its public key; what join tokens pin */
  readonly pin: string
  readonly state: 'Announced' | 'Issuing' | 'Retiring'
  /** RFC 3339, UTC */
  readonly from: string
  /** RFC 3339, UTC */
  readonly to: string
  readonly daysLeft: number
}

/** A revision that is not rolled out again by itself. */
export interface HeldView {
  readonly application: string
  readonly revision: string
  readonly contentDigest: string
  readonly rollout: string
  /** RFC 3339, UTC */
  readonly at: string
  readonly reason: string
}

/** A gate that waits for approval. */
export interface OpenGateView {
  readonly rollout: string
  readonly application: string
  readonly wave: number
  readonly waveName: string
  readonly gate: 'before' | 'after'
  /** one for each approval still missing */
  readonly roles: readonly string[]
}

/** An application that is not on a cluster as it should be. */
export interface DriftRow {
  readonly cluster: string
  readonly application: string
  readonly driftedObjects: number
  /** bounded; driftedObjects counts all */
  readonly objects: readonly string[]
}

/** What an application was, or is, rolled out at. */
export interface RevisionView {
  readonly revision: string
  readonly contentDigest: string
  readonly rollout: string
  /** the rollout's */
  readonly phase: string
  /** RFC 3339, UTC */
  readonly createdAt: string
  /** that are assigned it now */
  readonly clusters: number
}

/** When rollouts may or may not move. */
export interface WindowView {
  /** what declares it */
  readonly ownerKind: 'Project' | 'ClusterGroup' | 'Cluster'
  /** its name */
  readonly owner: string
  readonly kind: 'allow' | 'deny'
  /** now */
  readonly open: boolean
  /** RFC 3339, UTC: when that changes; null when it never does, or not for long */
  readonly until: string | null
  readonly schedule: string
  readonly duration: string
  readonly timeZone: string
  /** globs; none is all */
  readonly applications: readonly string[]
  /** names; none is any name */
  readonly clusters: readonly string[]
  readonly clusterGroup: string | null
  /** as kubectl writes it; all that is given has to hold, and nothing given is all */
  readonly clusterSelector: string | null
  readonly reason: string
}

/** A policy of the newest commit. */
export interface PolicyView {
  readonly name: string
  /** or empty */
  readonly description: string
  /** what comes of a violation, at most */
  readonly action: 'deny' | 'warn' | 'audit'
  /** files, or rules of its own, in words */
  readonly judges: readonly string[]
  /** in words; none is to everything */
  readonly applies: readonly string[]
  /** in words, each with its reason */
  readonly exceptions: readonly string[]
}

/** A line of the ledger, in words. */
export interface AuditEntry {
  readonly index: number
  /** RFC 3339, UTC */
  readonly at: string
  readonly actor: string
  readonly type: string
  readonly subject: string
  readonly message: string
  /** digest of the line before */
  readonly previous: string
  /** of this line, which the next one names */
  readonly digest: string
}

/** A cluster and each application it should run or still reports. */
export interface ClusterView {
  readonly name: string
  readonly displayName: string
  readonly labels: Readonly<Record<string, string>>
  readonly groups: readonly string[]
  readonly lifecycle: 'Declared' | 'Pending' | 'Enrolled' | 'Locked' | 'Detached' | 'Revoked'
  /** why it is locked or revoked, or empty */
  readonly lifecycleReason: string
  readonly suspended: boolean
  readonly connection: {
    readonly state: 'Connected' | 'Disconnected' | 'NeverConnected'
    readonly since: string | null
  }
  readonly lastSeen: string | null
  readonly agentVersion: string
  readonly kubernetesVersion: string
  /** what charts are rendered for, and who said so */
  readonly facts?: {
    /** empty: what the engine takes by itself */
    readonly kubernetesVersion: string
    readonly kubernetesVersionFrom: 'git' | 'agent' | 'nobody'
    readonly apis: number
    readonly apisFrom: 'git' | 'agent' | 'nobody'
  }
  readonly nodes: number
  /** newest snapshot accepted */
  readonly acceptedSequence: number
  /** newest snapshot signed */
  readonly offeredSequence: number
  /** how long the newest snapshot has waited; 0 when accepted, null when unknown */
  readonly lagSeconds: number | null
  /** whether nobody can vouch that what it has is the newest */
  readonly stale?: boolean
  readonly refusal: { readonly code: string; readonly message: string } | null
  /** what its agent was told of the ledger contradicts itself, or the ledger */
  readonly auditFault?: { readonly code: string; readonly message: string } | null
  /** two snapshots under one sequence, proved by their signatures */
  readonly equivocations?: readonly {
    readonly epoch: number
    readonly sequence: number
    readonly accepted: string
    readonly refused: string
    /** RFC 3339, UTC */
    readonly at: string
  }[]
  /** local vetoes: updates that whoever keeps the cluster has wait, or refuses */
  readonly holds?: readonly {
    readonly mode: 'postpone' | 'refuse'
    readonly until: string | null
    readonly reason: string
    /** none: all of them */
    readonly applications: readonly string[]
    /** where it was said at the cluster */
    readonly source: string
    /** why it cannot be read, or empty; it holds everything */
    readonly fault: string
  }[]
  readonly driftedObjects: number
  readonly counts: {
    readonly applications: number
    readonly updated: number
    readonly pending: number
    readonly failed: number
  }
  readonly applications: readonly {
    readonly name: string
    readonly desiredDigest: string | null
    readonly desiredRevision: string | null
    readonly reportedDigest: string | null
    /** the agent reports the desired digest, applied */
    readonly upToDate: boolean
    readonly phase: ('Pending' | 'Applying' | 'Applied' | 'Failed' | 'Removed') | null
    readonly health:
      ('Unknown' | 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound') | null
    readonly objects: number
    readonly readyObjects: number
    readonly driftedObjects: number
    /** first error or unhealthy object, or empty */
    readonly message: string
    /** a local veto keeps what it should run from being applied */
    readonly held?: boolean
    readonly updatedAt: string | null
  }[]
}

/** What agents reported of their clusters; `swell check --facts` reads it. */
export interface FactsView {
  /** each list once */
  readonly apis: readonly {
    readonly digest: string
    /** `v1`, `apps/v1`, `apps/v1/Deployment`; sorted */
    readonly names: readonly string[]
  }[]
  readonly clusters: readonly {
    readonly name: string
    readonly kubernetesVersion: string
    /** digest of one of `apis` */
    readonly apis: string | null
  }[]
}

/** Clusters × applications, a letter for each. */
export interface MatrixView {
  /** the columns, by name */
  readonly applications: readonly string[]
  readonly items: readonly MatrixRow[]
  /** null on the last page */
  readonly continue: string | null
}

/** Desired against reported state of an application, a row a cluster. */
export interface DiffView {
  readonly application: string
  readonly clusters: readonly ClusterDiffView[]
  /** null on the last page */
  readonly continue: string | null
}

/** What a cluster would say to some objects. Nothing was written. */
export interface DryRunView {
  readonly cluster: string
  readonly application: string
  readonly results: readonly {
    /** group/kind/namespace/name */
    readonly object: string
    readonly file: string
    readonly outcome: 'Created' | 'Changed' | 'Unchanged' | 'Refused' | 'NotTried'
    /** why it was refused, or empty */
    readonly code: string
    /** what the API server or a webhook said, or empty */
    readonly message: string
    readonly warnings: readonly string[]
    /** what would change; values only of objects the application has */
    readonly fields: readonly {
      readonly path: string
      readonly before: string
      readonly after: string
    }[]
  }[]
}

/** The hub’s own part of a support bundle. */
export interface SupportView {
  readonly at: string
  readonly version: string
  readonly node: string
  /** Operating system and processor */
  readonly platform: string
  readonly uptimeSeconds: number
  readonly memoryBytes: { readonly resident: number; readonly heap: number }
  /** Every setting in force and where it comes from; passwords are hidden */
  readonly settings: Readonly<Record<string, string>>
  /** The newest lines of the log, oldest first */
  readonly log: readonly string[]
  /** As /metrics answers */
  readonly metrics: string
}

/** What the hub last read from Git, and what is wrong with it. */
export interface FleetView {
  /** last good revision */
  readonly revision: string | null
  /** newer revision that was refused for its faults */
  readonly refused: string | null
  readonly lastFetch: string | null
  readonly sources: readonly {
    /** `fleet`, or a Repository */
    readonly name: string
    /** without credentials */
    readonly url: string
    /** branch, tag, commit or range of versions */
    readonly ref: string
    /** the last good one, which stays when a fetch fails */
    readonly revision: string | null
    readonly lastFetch: string | null
    /** unless a webhook comes first; null while a fetch runs */
    readonly nextFetch: string | null
    /** such as 1m */
    readonly interval: string | null
    /** in Git: it is not fetched */
    readonly suspended: boolean
    /** who signed the revision; null where nothing has to be signed */
    readonly signer: string | null
    readonly failure: {
      readonly code: string
      readonly message: string
      /** RFC 3339, UTC */
      readonly since: string
      /** fetches that failed in a row */
      readonly count: number
    } | null
  }[]
  readonly faults: readonly {
    readonly file?: string
    readonly line?: number
    readonly column?: number
    readonly object?: string
    readonly cluster?: string
    readonly message: string
  }[]
  /** what is right but does not do all that its author may expect */
  readonly warnings: readonly {
    readonly file?: string
    readonly line?: number
    readonly column?: number
    readonly object?: string
    readonly cluster?: string
    readonly message: string
  }[]
  readonly counts: {
    readonly clusters: number
    readonly groups: number
    readonly applications: number
  }
}

/** A cluster group. */
export interface GroupView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** members, by name */
  readonly clusters: readonly string[]
  readonly counts: {
    readonly clusters: number
    readonly connected: number
    readonly unreachable: number
  }
}

/** Whether the hub can do its work. */
export interface HealthView {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[]
  /** codes of what needs a person before long */
  readonly warnings?: readonly string[]
}

/** Objects of one application on one cluster, with what the agent says of each of them. */
export interface ObjectsView {
  readonly cluster: string
  readonly application: string
  readonly digest: string
  readonly revision: string
  readonly reportedDigest: string | null
  /** of the whole manifest, whatever page this is */
  readonly kinds: readonly {
    /** empty for the core group */
    readonly group: string
    readonly kind: string
    readonly objects: number
    /** not Current, or different from Git */
    readonly unwell: number
  }[]
  /** by id */
  readonly items: readonly {
    /** group/kind/namespace/name */
    readonly id: string
    readonly apiVersion: string
    readonly digest: string
    readonly size: number
    readonly file: string
    readonly health:
      ('Unknown' | 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound') | null
    readonly message: string
    readonly drift: {
      /** group/kind/namespace/name */
      readonly object: string
      readonly missing: boolean
      /** RFC 3339, UTC */
      readonly firstSeen: string
      readonly fields: readonly {
        /** JSON Pointer */
        readonly path: string
        readonly desired: string
        readonly live: string
        /** field manager that made the live value, or empty */
        readonly manager: string
        /** RFC 3339, UTC */
        readonly changedAt?: string
      }[]
      /** field manager that undoes repairs, which are held back for it */
      readonly contestedBy?: string
    } | null
  }[]
  /** null on the last page */
  readonly continue: string | null
}

/** What an agent signed of an application it applied or took away. */
export interface ReceiptView {
  /** line of the ledger, and which of that line’s */
  readonly id: string
  readonly cluster: string
  readonly application: string
  readonly outcome: 'applied' | 'failed' | 'removed'
  readonly generation: number
  /** digest of the manifest; null where it was taken away */
  readonly content: string | null
  readonly snapshot: string
  readonly epoch: number
  readonly sequence: number
  readonly objects: number
  readonly results: string
  /** RFC 3339, UTC; by the agent’s clock */
  readonly at: string
  /** RFC 3339, UTC */
  readonly keptAt: string
  /** compact JWS, signed by the agent */
  readonly envelope: string
}

export interface ReceiptList {
  readonly items: readonly ReceiptView[]
  /** null on the last page */
  readonly continue: string | null
}

/** A receipt with what came of each object. */
export interface ReceiptResultsView {
  /** line of the ledger, and which of that line’s */
  readonly id: string
  readonly cluster: string
  readonly application: string
  readonly outcome: 'applied' | 'failed' | 'removed'
  readonly generation: number
  /** digest of the manifest; null where it was taken away */
  readonly content: string | null
  readonly snapshot: string
  readonly epoch: number
  readonly sequence: number
  readonly objects: number
  readonly results: string
  /** RFC 3339, UTC; by the agent’s clock */
  readonly at: string
  /** RFC 3339, UTC */
  readonly keptAt: string
  /** compact JWS, signed by the agent */
  readonly envelope: string
  /** false: the hub that kept them no longer has them, or was another replica */
  readonly resultsKept: boolean
  /** what came of each object */
  readonly items: readonly {
    /** group/kind/namespace/name */
    readonly object: string
    readonly result: 'applied' | 'unchanged' | 'deleted' | 'failed'
    /** empty when it is not there */
    readonly resourceVersion: string
    /** of what went wrong, or empty */
    readonly code: string
  }[]
  /** null on the last page */
  readonly continue: string | null
}

/** Images of an application: how many clusters should run each, and how many do. */
export interface ImageList {
  readonly application: string
  /** by name */
  readonly items: readonly {
    /** as the objects name it */
    readonly image: string
    /** with its registry; the text itself if it is no reference */
    readonly repository: string
    readonly tag: string | null
    readonly digest: string | null
    /** clusters that should run it */
    readonly wanted: number
    /** connected clusters that have it applied */
    readonly running: number
    /** away; it was applied when last heard of */
    readonly unreachable: number
    /** group/kind/namespace/name; a few of them */
    readonly objects: readonly string[]
  }[]
  /** clusters whose content was not at hand, or too much to read in one call */
  readonly unread: { readonly wanted: number; readonly running: number }
  /** null on the last page */
  readonly continue: string | null
}

export interface SourceList {
  readonly items: readonly SourceView[]
  /** null on the last page */
  readonly continue: string | null
}

/** A repository the hub follows, and how that goes. */
export interface SourceView {
  /** `fleet`, or a Repository */
  readonly name: string
  /** without credentials */
  readonly url: string
  /** branch, tag, commit or range of versions */
  readonly ref: string
  /** the last good one, which stays when a fetch fails */
  readonly revision: string | null
  readonly lastFetch: string | null
  /** unless a webhook comes first; null while a fetch runs */
  readonly nextFetch: string | null
  /** such as 1m */
  readonly interval: string | null
  /** in Git: it is not fetched */
  readonly suspended: boolean
  /** who signed the revision; null where nothing has to be signed */
  readonly signer: string | null
  readonly failure: {
    readonly code: string
    readonly message: string
    /** RFC 3339, UTC */
    readonly since: string
    /** fetches that failed in a row */
    readonly count: number
  } | null
}

/** Whether the hub takes a commit into account. */
export interface CommitView {
  readonly commit: string
  /** taken: part of what clusters are to run; refused: the fleet repository has a fault since then; notYet: not read, or not decided on yet */
  readonly state: 'taken' | 'refused' | 'notYet'
  readonly repository: string | null
  /** of the repository: this commit, or one made on it */
  readonly revision: string | null
}

/** The fleet in counters; deployments are applications on clusters. */
export interface SummaryView {
  readonly clusters: {
    readonly total: number
    readonly connected: number
    readonly disconnected: number
    readonly neverConnected: number
    readonly stale: number
    readonly waitForApproval: number
    readonly locked: number
    readonly revoked: number
  }
  readonly deployments: {
    readonly updated: number
    readonly pending: number
    readonly failed: number
    readonly unreachable: number
    readonly drifted: number
  }
  readonly applications: number
  readonly groups: number
  readonly rollouts: { readonly active: number; readonly paused: number; readonly waiting: number }
  readonly holds: number
}

export interface HeldList {
  readonly items: readonly HeldView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface OpenGateList {
  readonly items: readonly OpenGateView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface DriftList {
  readonly items: readonly DriftRow[]
  /** null on the last page */
  readonly continue: string | null
}

export interface RevisionList {
  readonly items: readonly RevisionView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface WindowList {
  readonly items: readonly WindowView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface PolicyList {
  readonly items: readonly PolicyView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface AuditList {
  readonly items: readonly AuditEntry[]
  /** what `after` goes on with */
  readonly next: number | null
}

/** A join token for one cluster. */
export interface TokenView {
  readonly cluster: string
  /** shown once; the hub keeps only its hash */
  readonly token: string
  /** RFC 3339, UTC */
  readonly expiresAt: string
  /** what the agent dials, host:port */
  readonly address: string
  /** nobody has to compare a fingerprint */
  readonly preApproved: boolean
}

export interface ApiTokenList {
  readonly items: readonly ApiTokenView[]
  /** null on the last page */
  readonly continue: string | null
}

/** A bearer token for a program; never its secret. */
export interface ApiTokenView {
  readonly id: string
  readonly name: string
  readonly role: ('viewer' | 'operator' | 'admin') | null
  readonly groups: readonly string[]
  /** RFC 3339, UTC */
  readonly expiresAt: string
}

/** A bearer token that was just made. */
export interface MadeApiTokenView {
  readonly id: string
  readonly name: string
  readonly role: ('viewer' | 'operator' | 'admin') | null
  readonly groups: readonly string[]
  /** RFC 3339, UTC */
  readonly expiresAt: string
  /** shown once; the hub keeps only its hash */
  readonly token: string
}

/** Who the caller is to the hub. */
export interface WhoView {
  /** as the ledger names them */
  readonly actor: string
  /** over the whole fleet */
  readonly role: ('viewer' | 'operator' | 'admin') | null
  readonly groups: readonly string[]
  readonly expiresAt: string | null
  /** what X-CSRF-Token has to say; of a browser that logged in */
  readonly csrf: string | null
  /** that may be done to some application */
  readonly actions: readonly string[]
}

/** The identity provider that logs people in. */
export interface LoginView {
  readonly issuer: string | null
  /** of the device flow */
  readonly clientId: string | null
  readonly scopes: readonly string[]
  /** which of its tokens callers send */
  readonly accept: 'idToken' | 'accessToken'
  /** whether /auth/login is there */
  readonly browser: boolean
}

/** The newest root statement. */
export interface TrustView {
  readonly fleet: string
  readonly version: number
  readonly epoch: number
  readonly digest: string
  /** RFC 3339, UTC */
  readonly expiresAt: string
  readonly roles: readonly {
    readonly role: string
    readonly threshold: number
    readonly keys: readonly string[]
  }[]
  readonly policies: readonly {
    readonly group: string
    readonly clusters: readonly string[]
    readonly approvers: number
  }[]
  /** what goes wrong unless another one is published */
  readonly warnings?: readonly { readonly code: string; readonly message: string }[]
  readonly envelopes: readonly string[]
}

/** An approver's statement, as it was recorded. */
export interface ApprovalView {
  readonly application: string
  /** digest of a manifest, or removed */
  readonly content: string
  readonly clusters: readonly string[]
  /** RFC 3339, UTC */
  readonly expiresAt: string
}

/** An application over all its clusters. */
export interface ApplicationView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly source: {
    /** `fleet` for the fleet repository itself */
    readonly repository: string
    readonly path: string
    readonly kind: 'directory' | 'kustomize' | 'helm'
  }
  /** its RolloutStrategy, `inline`, or `allAtOnce` */
  readonly strategy: string
  readonly suspended: boolean
  readonly revision: string | null
  readonly targets: number
  readonly counts: {
    readonly updated: number
    readonly pending: number
    readonly failed: number
    readonly unreachable: number
    readonly drifted: number
  }
  /** targets that were given something else than Git asks for now: no rollout came to them yet, or it was aborted or rolled back. `counts` says how they are with what they were given */
  readonly behind?: number
  readonly rollout: { readonly id: string; readonly phase: string; readonly message: string } | null
  readonly hold: {
    readonly contentDigest: string
    readonly revision: string
    readonly rollout: string
    /** RFC 3339, UTC */
    readonly at: string
    readonly reason: string
  } | null
  /** why the newest commit is not rolled out: it does not render, or a policy denies it */
  readonly faults?: readonly {
    readonly file?: string
    readonly line?: number
    readonly column?: number
    readonly object?: string
    readonly cluster?: string
    readonly message: string
  }[]
  /** what policies say that keeps nothing back */
  readonly warnings?: readonly {
    readonly file?: string
    readonly line?: number
    readonly column?: number
    readonly object?: string
    readonly cluster?: string
    readonly message: string
  }[]
}

export interface ClusterList {
  readonly items: readonly ClusterSummary[]
  /** null on the last page */
  readonly continue: string | null
}

export interface PendingList {
  readonly items: readonly PendingView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface AuthorityList {
  readonly items: readonly AuthorityView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface GroupList {
  readonly items: readonly GroupView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface ApplicationList {
  readonly items: readonly ApplicationView[]
  /** null on the last page */
  readonly continue: string | null
}

export interface RolloutList {
  readonly items: readonly RolloutSummary[]
  /** null on the last page */
  readonly continue: string | null
}

export interface EventList {
  readonly items: readonly EventView[]
  /** set where events before the first item are kept no more, after the id asked for */
  readonly gap: EventGap | null
}

/** What would roll out now. Nothing has moved. */
export interface PlannedView {
  readonly application: string
  /** null when every cluster has what Git asks */
  readonly rollout: RolloutView | null
  readonly changes: {
    readonly removed: number
    readonly changed: number
    readonly added: number
    readonly objects: readonly {
      /** `Deployment shop/web` */
      readonly object: string
      /** group/kind/namespace/name */
      readonly id: string
      readonly file: string
      /** the same change is there once, with all its clusters */
      readonly variants: readonly {
        readonly change: 'added' | 'changed' | 'removed'
        /** lines of a unified diff; secrets masked */
        readonly patch: string
        /** what becomes of an object that is removed */
        readonly fate: string | null
        readonly clusters: readonly string[]
      }[]
    }[]
    /** that differ, beyond the bound */
    readonly objectsLeftOut: number
    /** clusters of which nothing is said */
    readonly notCompared: readonly string[]
    /** deletions that agents will hold back until they are confirmed */
    readonly held: readonly string[]
  } | null
  /** what policies say that keeps nothing back; what they deny is no plan */
  readonly policy: readonly string[]
  readonly estimate: {
    /** null where nothing like it was rolled out before */
    readonly typicalSeconds: number | null
    /** null where nothing like it was rolled out before */
    readonly longestSeconds: number | null
    /** of the typical time, until windows open, freezes end and applications that come first are there */
    readonly withheldSeconds: number | null
    /** of the application, that it rests on */
    readonly rollouts: number
    readonly waves: readonly {
      readonly wave: string
      /** null where nothing like it was rolled out before */
      readonly typicalSeconds: number | null
      /** null where nothing like it was rolled out before */
      readonly longestSeconds: number | null
      /** of the typical time, until windows open, freezes end and applications that come first are there */
      readonly withheldSeconds: number | null
      /** whether this wave went before, or only others did */
      readonly basis: 'wave' | 'application' | 'none'
    }[]
    /** waits that nobody can foretell */
    readonly uncounted: readonly string[]
  } | null
  /** null when it was not asked for */
  readonly live: {
    /** that were asked */
    readonly clusters: number
    /** that were not asked, beyond the bound */
    readonly left: number
    readonly findings: readonly {
      readonly severity: 'error' | 'warning' | 'note'
      readonly object: string
      readonly file: string
      readonly message: string
      readonly clusters: readonly string[]
    }[]
    /** why a cluster could not be asked */
    readonly unanswered: readonly string[]
  } | null
}

/** What would come of a change to the fleet repository. Nothing has moved. */
export interface ProposalView {
  /** such as feature@sha1:… */
  readonly revision: string
  readonly author: string
  readonly subject: string
  /** where it parted from what is followed */
  readonly base: string
  /** what is followed has moved since */
  readonly behind: boolean
  /** incomplete: nothing wrong was found, but not everything was looked at */
  readonly verdict: 'passed' | 'failed' | 'incomplete'
  /** null when nothing could be compared */
  readonly counts: {
    readonly clusters: number
    /** clusters on which anything differs */
    readonly changed: number
    readonly applications: number
    readonly objectsRemoved: number
    readonly objectsChanged: number
    readonly objectsAdded: number
  } | null
  readonly findings: readonly {
    readonly severity: 'error' | 'warning' | 'note'
    /** configuration, render, or a policy by its name */
    readonly rule: string
    readonly message: string
    /** or empty */
    readonly file: string
    /** 0 when it is not known */
    readonly line: number
    /** or empty */
    readonly object: string
    /** or empty */
    readonly application: string
    readonly clusters: readonly string[]
  }[]
  readonly findingsLeftOut: number
  /** what nothing is said of, and why */
  readonly gaps: readonly string[]
  /** how applications roll out from then on, where that is set otherwise */
  readonly strategies: readonly {
    /** of which it is the same */
    readonly applications: readonly string[]
    readonly changes: readonly {
      /** such as `wave prod: maxConcurrent` */
      readonly what: string
      /** null: it was not set */
      readonly from: string | null
      /** null: it is not set */
      readonly to: string | null
    }[]
  }[]
  readonly applicationsLeftOut: number
  readonly applications: readonly {
    readonly application: string
    /** where anything of it differs */
    readonly clusters: readonly string[]
    /** what is assigned now → what would be */
    readonly changes: {
      readonly removed: number
      readonly changed: number
      readonly added: number
      readonly objects: readonly {
        /** `Deployment shop/web` */
        readonly object: string
        /** group/kind/namespace/name */
        readonly id: string
        readonly file: string
        /** the same change is there once, with all its clusters */
        readonly variants: readonly {
          readonly change: 'added' | 'changed' | 'removed'
          /** lines of a unified diff; secrets masked */
          readonly patch: string
          /** what becomes of an object that is removed */
          readonly fate: string | null
          readonly clusters: readonly string[]
        }[]
      }[]
      /** that differ, beyond the bound */
      readonly objectsLeftOut: number
      /** clusters of which nothing is said */
      readonly notCompared: readonly string[]
      /** deletions that agents will hold back until they are confirmed */
      readonly held: readonly string[]
    }
    /** how it would roll out if it were merged now; null when it would not */
    readonly plan: {
      readonly clusters: number
      readonly waves: readonly {
        readonly name: string
        readonly clusters: number
        /** what each is, in words */
        readonly gates: readonly string[]
      }[]
      readonly estimate: {
        /** null where nothing like it was rolled out before */
        readonly typicalSeconds: number | null
        /** null where nothing like it was rolled out before */
        readonly longestSeconds: number | null
        /** of the typical time, until windows open, freezes end and applications that come first are there */
        readonly withheldSeconds: number | null
        /** of the application, that it rests on */
        readonly rollouts: number
        readonly waves: readonly {
          readonly wave: string
          /** null where nothing like it was rolled out before */
          readonly typicalSeconds: number | null
          /** null where nothing like it was rolled out before */
          readonly longestSeconds: number | null
          /** of the typical time, until windows open, freezes end and applications that come first are there */
          readonly withheldSeconds: number | null
          /** whether this wave went before, or only others did */
          readonly basis: 'wave' | 'application' | 'none'
        }[]
        /** waits that nobody can foretell */
        readonly uncounted: readonly string[]
      }
    } | null
  }[]
}

/** A pull or merge request that is open. */
export interface PullRequestView {
  readonly number: number
  readonly title: string
  /** an account of the Git host; empty once it is gone */
  readonly author: string
  /** where it comes from */
  readonly branch: string
  /** that is a branch of another repository */
  readonly fork: boolean
  /** the branch it is to be merged into */
  readonly base: string
  readonly draft: boolean
  /** RFC 3339, UTC */
  readonly updatedAt: string
  /** where people see it */
  readonly url: string
}

export interface PullRequestList {
  /** null when the hub was not told where the fleet repository is hosted */
  readonly host: ('github' | 'gitlab' | 'gitea') | null
  /** into the branch that is followed; those that changed last first */
  readonly items: readonly PullRequestView[]
  /** open ones that go into other branches, and change nothing here */
  readonly elsewhere: number
  /** there are more than were read */
  readonly more: boolean
}

export interface VersionView {
  readonly version: string
}

/** What each operation takes and answers, by its operationId. */
export interface Operations {
  /** Whether the process answers */
  readonly getLiveness: { readonly answer: undefined }

  /** Whether the hub can do its work; 503 when it cannot */
  readonly getReadiness: { readonly answer: HealthView }

  /** Whether the hub can do its work; 503 when it cannot */
  readonly getHealth: { readonly answer: HealthView }

  /** Prometheus text format */
  readonly getMetrics: { readonly answer: undefined }

  /** The hub's version */
  readonly getVersion: { readonly answer: VersionView }

  /** Clusters by name */
  readonly listClusters: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      /** label selector: env=prod,region in (a,b) */
      readonly selector?: string | undefined
      /** what the list is sorted by; `-` before it turns it round */
      readonly sort?:
        | 'name'
        | '-name'
        | 'connection'
        | '-connection'
        | 'lastSeen'
        | '-lastSeen'
        | 'lag'
        | '-lag'
        | 'updated'
        | '-updated'
        | 'pending'
        | '-pending'
        | 'failed'
        | '-failed'
        | 'unreachable'
        | '-unreachable'
        | 'drifted'
        | '-drifted'
        | 'nodes'
        | '-nodes'
        | 'kubernetesVersion'
        | '-kubernetesVersion'
        | 'agentVersion'
        | '-agentVersion'
        | undefined
    }
    readonly answer: ClusterList
  }

  /** One cluster and its applications */
  readonly getCluster: {
    readonly path: { readonly name: string }
    readonly query?: {
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
    }
    readonly answer: ClusterView
  }

  /** Objects of an application on a cluster, with the state of each */
  readonly listObjects: {
    readonly path: { readonly name: string; readonly application: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      /** empty: the core group */
      readonly group?: string | undefined
      readonly kind?: string | undefined
      /** only those that are not Current, or differ from Git */
      readonly unwell?: boolean | undefined
    }
    readonly answer: ObjectsView
  }

  /** Clusters × applications, a letter for each */
  readonly getMatrix: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these rows, names with commas between, at most 200 */
      readonly clusters?: string | undefined
    }
    readonly answer: MatrixView
  }

  /** Ask a cluster what it would say to some objects; nothing is written */
  readonly dryRun: {
    readonly path: { readonly name: string }
    readonly body: {
      readonly application: string
      /** for namespaced objects that name none */
      readonly targetNamespace?: string
      /** of an application that the hub does not know */
      readonly project?: string
      /** namespace/name in whose name to ask; the one that the application names when absent */
      readonly serviceAccount?: string
      readonly objects: readonly {
        /** group/kind/namespace/name */
        readonly id: string
        readonly apiVersion: string
        readonly file?: string
        /** the object */
        readonly json: string
      }[]
    }
    readonly answer: DryRunView
  }

  /** Make a join token for a cluster; shown only now */
  readonly createToken: {
    readonly path: { readonly name: string }
    readonly body: {
      /** such as 30s, 5m or 1h30m */
      readonly ttl?: string
      /** no fingerprint has to be compared */
      readonly preApproved?: boolean
      /** may replace an agent that is enrolled */
      readonly replace?: boolean
      /** the only cluster that may use it */
      readonly clusterUid?: string
      /** labels the cluster must have in Git */
      readonly labels?: Readonly<Record<string, string>>
      /** kept in the ledger */
      readonly project?: string
    }
    readonly answer: TokenView
  }

  /** Agents that joined and wait for approval */
  readonly listPendingClusters: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: PendingList
  }

  /** The hub's certificate authorities that agents trust, the issuing one first */
  readonly listAuthorities: { readonly answer: AuthorityList }

  /** Trust the agent that waits, whose fingerprint was compared */
  readonly approveCluster: {
    readonly path: { readonly name: string }
    readonly body: { readonly fingerprint: string }
    readonly answer: ClusterView
  }

  /** End a cluster's identity; what runs on it is left alone */
  readonly revokeCluster: {
    readonly path: { readonly name: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: ClusterView
  }

  /** Let a locked cluster take a new certificate by its bound key */
  readonly unlockCluster: {
    readonly path: { readonly name: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: ClusterView
  }

  /** Let a cluster whose certificate expired take one more by its bound key */
  readonly recoverCluster: {
    readonly path: { readonly name: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: ClusterView
  }

  /** What was last read from Git, and its faults */
  readonly getFleet: { readonly answer: FleetView }

  /** Cluster groups by name */
  readonly listGroups: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      /** label selector: env=prod,region in (a,b) */
      readonly selector?: string | undefined
      /** what the list is sorted by; `-` before it turns it round */
      readonly sort?:
        | 'name'
        | '-name'
        | 'clusters'
        | '-clusters'
        | 'connected'
        | '-connected'
        | 'unreachable'
        | '-unreachable'
        | undefined
    }
    readonly answer: GroupList
  }

  /** One cluster group */
  readonly getGroup: {
    readonly path: { readonly name: string }
    readonly query?: {
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
    }
    readonly answer: GroupView
  }

  /** Applications by name */
  readonly listApplications: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      /** label selector: env=prod,region in (a,b) */
      readonly selector?: string | undefined
      /** what the list is sorted by; `-` before it turns it round */
      readonly sort?:
        | 'name'
        | '-name'
        | 'targets'
        | '-targets'
        | 'updated'
        | '-updated'
        | 'pending'
        | '-pending'
        | 'failed'
        | '-failed'
        | 'unreachable'
        | '-unreachable'
        | 'drifted'
        | '-drifted'
        | undefined
    }
    readonly answer: ApplicationList
  }

  /** One application over its clusters */
  readonly getApplication: {
    readonly path: { readonly name: string }
    readonly query?: {
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
    }
    readonly answer: ApplicationView
  }

  /** Desired against reported state, a row a cluster */
  readonly diffApplication: {
    readonly path: { readonly name: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      readonly cluster?: string | undefined
    }
    readonly answer: DiffView
  }

  /** What clusters are and serve, by the word of their agents */
  readonly getFacts: { readonly answer: FactsView }

  /** Repositories by name: what was fetched last, and what goes wrong */
  readonly listSources: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      /** what the list is sorted by; `-` before it turns it round */
      readonly sort?:
        'name' | '-name' | 'lastFetch' | '-lastFetch' | 'failures' | '-failures' | undefined
    }
    readonly answer: SourceList
  }

  /** One repository */
  readonly getSource: { readonly path: { readonly name: string }; readonly answer: SourceView }

  /** Images of an application, and how many clusters run or should run each */
  readonly listImages: {
    readonly path: { readonly name: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
    }
    readonly answer: ImageList
  }

  /** What the agent of a cluster signed of each application it applied, newest first */
  readonly listReceipts: {
    readonly path: { readonly name: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      readonly application?: string | undefined
    }
    readonly answer: ReceiptList
  }

  /** One receipt, with what came of each object */
  readonly getReceipt: {
    readonly path: { readonly name: string; readonly id: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: ReceiptResultsView
  }

  /** Rollouts, newest first */
  readonly listRollouts: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      /** what the list is sorted by; `-` before it turns it round */
      readonly sort?: 'createdAt' | '-createdAt' | undefined
      readonly application?: string | undefined
      /** only unfinished, or only finished ones */
      readonly active?: boolean | undefined
    }
    readonly answer: RolloutList
  }

  /** Roll out what Git asks of an application now */
  readonly startRollout: {
    readonly body: {
      readonly application: string
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** One rollout: its plan and where each cluster is */
  readonly getRollout: {
    readonly path: { readonly id: string }
    readonly query?: {
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
    }
    readonly answer: RolloutView
  }

  /** Where the clusters of a rollout are, wave by wave */
  readonly listRolloutClusters: {
    readonly path: { readonly id: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
      /** only these members of each item, such as `name,counts.failed` */
      readonly fields?: string | undefined
      readonly wave?: number | undefined
      readonly state?:
        'Pending' | 'Offered' | 'Soaking' | 'Done' | 'Reverting' | 'Reverted' | undefined
      readonly outcome?:
        'Succeeded' | 'Failed' | 'TimedOut' | 'Unreachable' | 'Vetoed' | 'Skipped' | undefined
    }
    readonly answer: RolloutClusterList
  }

  /** What is left of a rollout, or what undoing it would change; moves nothing */
  readonly previewRollout: {
    readonly path: { readonly id: string }
    readonly query?: {
      /** what undoing it would change */
      readonly back?: boolean | undefined
    }
    readonly answer: PlannedView
  }

  /** What would roll out now, and what it would change; starts nothing */
  readonly planRollout: {
    readonly body: {
      readonly application: string
      /** ask the clusters what their API servers would say */
      readonly live?: boolean
    }
    readonly answer: PlannedView
  }

  /** Start a planned rollout */
  readonly startPlannedRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** Offer nothing more */
  readonly pauseRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** Go on */
  readonly resumeRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** End it; what was offered stays */
  readonly abortRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** Give back what ran before, and hold the revision */
  readonly rollbackRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** Try the failed clusters again */
  readonly retryRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** Approve the gate it waits at */
  readonly approveRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
      /** the gate that was seen: refused where the rollout waits at another */
      readonly at?: {
        /** counted from 0 */
        readonly wave: number
        readonly gate: 'before' | 'after'
      }
    }
    readonly answer: RolloutView
  }

  /** Open the gates it waits at that are no approvals */
  readonly promoteRollout: {
    readonly path: { readonly id: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
      /** the gate that was seen: refused where the rollout waits at another */
      readonly at?: {
        /** counted from 0 */
        readonly wave: number
        readonly gate: 'before' | 'after'
      }
    }
    readonly answer: RolloutView
  }

  /** Go on without a cluster */
  readonly skipCluster: {
    readonly path: { readonly id: string }
    readonly body: {
      readonly cluster: string
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: RolloutView
  }

  /** What a branch, commit or pull request would change; merges and starts nothing */
  readonly planFleet: {
    readonly body: {
      readonly branch?: string
      readonly commit?: string
      /** its number on the Git host */
      readonly pullRequest?: number
    }
    readonly answer: ProposalView
  }

  /** Open pull or merge requests of the fleet repository, as its Git host tells them */
  readonly listPullRequests: { readonly answer: PullRequestList }

  /** The newest events, or those after an id; oldest first */
  readonly listEvents: {
    readonly query?: { readonly limit?: number | undefined; readonly after?: string | undefined }
    readonly answer: EventList
  }

  /** Events as they happen (server-sent events) */
  readonly streamEvents: {
    readonly query?: { readonly after?: string | undefined }
    readonly answer: undefined
  }

  /** The newest root statement, and the envelopes of all */
  readonly getTrust: { readonly answer: TrustView }

  /** Publish the root statement that follows the newest; agents get it at once */
  readonly publishRoot: {
    readonly body: {
      /** base64 */
      readonly envelope: string
    }
    readonly answer: TrustView
  }

  /** Record an approver's statement; it is sent along with what it approves */
  readonly recordApproval: {
    readonly body: {
      /** base64 */
      readonly envelope: string
    }
    readonly answer: ApprovalView
  }

  /** Who you are to the hub, and what you may do */
  readonly getCaller: { readonly answer: WhoView }

  /** Bearer tokens of programs that hold now, by name */
  readonly listApiTokens: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: ApiTokenList
  }

  /** Make a bearer token for a program; shown only now */
  readonly createApiToken: {
    readonly body: {
      readonly name: string
      /** over the whole fleet */
      readonly role?: 'viewer' | 'operator' | 'admin'
      /** as roles of Projects name them; that, or a role */
      readonly groups?: readonly string[]
      /** such as 30s, 5m or 1h30m */
      readonly ttl?: string
    }
    readonly answer: MadeApiTokenView
  }

  /** End a token; whoever streams by it is cut within a minute */
  readonly revokeApiToken: { readonly path: { readonly id: string }; readonly answer: undefined }

  /** Version, settings, metrics and newest lines of the log, without secrets */
  readonly getSupport: { readonly answer: SupportView }

  /** The fleet in counters */
  readonly getSummary: { readonly answer: SummaryView }

  /** Revisions that are not rolled out again by themselves, by application */
  readonly listHolds: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: HeldList
  }

  /** Let the held revision of an application be rolled out again */
  readonly releaseHold: {
    readonly path: { readonly name: string }
    readonly body: {
      /** kept in the ledger */
      readonly reason?: string
    }
    readonly answer: undefined
  }

  /** Gates of rollouts that wait for approval now */
  readonly listOpenGates: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: OpenGateList
  }

  /** What is not as it should be, by cluster and application */
  readonly listDrift: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: DriftList
  }

  /** What an application was rolled out at, newest first */
  readonly listRevisions: {
    readonly path: { readonly name: string }
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: RevisionList
  }

  /** Whether what an application's clusters are to run takes a commit into account */
  readonly getCommit: {
    readonly path: { readonly name: string; readonly commit: string }
    readonly answer: CommitView
  }

  /** When rollouts may or may not move: windows of Projects, ClusterGroups and Clusters */
  readonly listWindows: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: WindowList
  }

  /** What is judged by, at the newest commit */
  readonly listPolicies: {
    readonly query?: {
      readonly limit?: number | undefined
      /** from the page before */
      readonly continue?: string | undefined
    }
    readonly answer: PolicyList
  }

  /** Lines of the ledger after an index, or the newest; oldest first */
  readonly listAudit: {
    readonly query?: { readonly limit?: number | undefined; readonly after?: number | undefined }
    readonly answer: AuditList
  }

  /** The identity provider that logs people in, if there is one */
  readonly getLogin: { readonly answer: LoginView }

  /** A Git host says that something was pushed */
  readonly receiveWebhook: {
    readonly path: { readonly name: string }
    readonly answer: { readonly accepted: boolean }
  }
}

/** Where each operation is, and the schema of its answer by name. */
export const operations = {
  getLiveness: { method: 'GET', path: '/livez', answer: null },
  getReadiness: { method: 'GET', path: '/readyz', answer: 'HealthView' },
  getHealth: { method: 'GET', path: '/healthz', answer: 'HealthView' },
  getMetrics: { method: 'GET', path: '/metrics', answer: null },
  getVersion: { method: 'GET', path: '/api/v1/version', answer: 'VersionView' },
  listClusters: { method: 'GET', path: '/api/v1/clusters', answer: 'ClusterList' },
  getCluster: { method: 'GET', path: '/api/v1/clusters/{name}', answer: 'ClusterView' },
  listObjects: {
    method: 'GET',
    path: '/api/v1/clusters/{name}/applications/{application}/objects',
    answer: 'ObjectsView',
  },
  getMatrix: { method: 'GET', path: '/api/v1/matrix', answer: 'MatrixView' },
  dryRun: { method: 'POST', path: '/api/v1/clusters/{name}/dry-runs', answer: 'DryRunView' },
  createToken: { method: 'POST', path: '/api/v1/clusters/{name}/tokens', answer: 'TokenView' },
  listPendingClusters: { method: 'GET', path: '/api/v1/pending-clusters', answer: 'PendingList' },
  listAuthorities: { method: 'GET', path: '/api/v1/authorities', answer: 'AuthorityList' },
  approveCluster: {
    method: 'POST',
    path: '/api/v1/clusters/{name}/approve',
    answer: 'ClusterView',
  },
  revokeCluster: { method: 'POST', path: '/api/v1/clusters/{name}/revoke', answer: 'ClusterView' },
  unlockCluster: { method: 'POST', path: '/api/v1/clusters/{name}/unlock', answer: 'ClusterView' },
  recoverCluster: {
    method: 'POST',
    path: '/api/v1/clusters/{name}/recover',
    answer: 'ClusterView',
  },
  getFleet: { method: 'GET', path: '/api/v1/fleet', answer: 'FleetView' },
  listGroups: { method: 'GET', path: '/api/v1/groups', answer: 'GroupList' },
  getGroup: { method: 'GET', path: '/api/v1/groups/{name}', answer: 'GroupView' },
  listApplications: { method: 'GET', path: '/api/v1/applications', answer: 'ApplicationList' },
  getApplication: { method: 'GET', path: '/api/v1/applications/{name}', answer: 'ApplicationView' },
  diffApplication: { method: 'GET', path: '/api/v1/applications/{name}/diff', answer: 'DiffView' },
  getFacts: { method: 'GET', path: '/api/v1/facts', answer: 'FactsView' },
  listSources: { method: 'GET', path: '/api/v1/sources', answer: 'SourceList' },
  getSource: { method: 'GET', path: '/api/v1/sources/{name}', answer: 'SourceView' },
  listImages: { method: 'GET', path: '/api/v1/applications/{name}/images', answer: 'ImageList' },
  listReceipts: { method: 'GET', path: '/api/v1/clusters/{name}/receipts', answer: 'ReceiptList' },
  getReceipt: {
    method: 'GET',
    path: '/api/v1/clusters/{name}/receipts/{id}',
    answer: 'ReceiptResultsView',
  },
  listRollouts: { method: 'GET', path: '/api/v1/rollouts', answer: 'RolloutList' },
  startRollout: { method: 'POST', path: '/api/v1/rollouts', answer: 'RolloutView' },
  getRollout: { method: 'GET', path: '/api/v1/rollouts/{id}', answer: 'RolloutView' },
  listRolloutClusters: {
    method: 'GET',
    path: '/api/v1/rollouts/{id}/clusters',
    answer: 'RolloutClusterList',
  },
  previewRollout: { method: 'GET', path: '/api/v1/rollouts/{id}/preview', answer: 'PlannedView' },
  planRollout: { method: 'POST', path: '/api/v1/rollouts:plan', answer: 'PlannedView' },
  startPlannedRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/start',
    answer: 'RolloutView',
  },
  pauseRollout: { method: 'POST', path: '/api/v1/rollouts/{id}/pause', answer: 'RolloutView' },
  resumeRollout: { method: 'POST', path: '/api/v1/rollouts/{id}/resume', answer: 'RolloutView' },
  abortRollout: { method: 'POST', path: '/api/v1/rollouts/{id}/abort', answer: 'RolloutView' },
  rollbackRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/rollback',
    answer: 'RolloutView',
  },
  retryRollout: { method: 'POST', path: '/api/v1/rollouts/{id}/retry', answer: 'RolloutView' },
  approveRollout: { method: 'POST', path: '/api/v1/rollouts/{id}/approve', answer: 'RolloutView' },
  promoteRollout: { method: 'POST', path: '/api/v1/rollouts/{id}/promote', answer: 'RolloutView' },
  skipCluster: { method: 'POST', path: '/api/v1/rollouts/{id}/skip', answer: 'RolloutView' },
  planFleet: { method: 'POST', path: '/api/v1/fleet:plan', answer: 'ProposalView' },
  listPullRequests: { method: 'GET', path: '/api/v1/pull-requests', answer: 'PullRequestList' },
  listEvents: { method: 'GET', path: '/api/v1/events', answer: 'EventList' },
  streamEvents: { method: 'GET', path: '/api/v1/events/stream', answer: null },
  getTrust: { method: 'GET', path: '/api/v1/trust/roots', answer: 'TrustView' },
  publishRoot: { method: 'POST', path: '/api/v1/trust/roots', answer: 'TrustView' },
  recordApproval: { method: 'POST', path: '/api/v1/trust/approvals', answer: 'ApprovalView' },
  getCaller: { method: 'GET', path: '/api/v1/whoami', answer: 'WhoView' },
  listApiTokens: { method: 'GET', path: '/api/v1/tokens', answer: 'ApiTokenList' },
  createApiToken: { method: 'POST', path: '/api/v1/tokens', answer: 'MadeApiTokenView' },
  revokeApiToken: { method: 'DELETE', path: '/api/v1/tokens/{id}', answer: null },
  getSupport: { method: 'GET', path: '/api/v1/support', answer: 'SupportView' },
  getSummary: { method: 'GET', path: '/api/v1/summary', answer: 'SummaryView' },
  listHolds: { method: 'GET', path: '/api/v1/holds', answer: 'HeldList' },
  releaseHold: { method: 'POST', path: '/api/v1/holds/{name}/release', answer: null },
  listOpenGates: { method: 'GET', path: '/api/v1/approvals', answer: 'OpenGateList' },
  listDrift: { method: 'GET', path: '/api/v1/drift', answer: 'DriftList' },
  listRevisions: {
    method: 'GET',
    path: '/api/v1/applications/{name}/revisions',
    answer: 'RevisionList',
  },
  getCommit: {
    method: 'GET',
    path: '/api/v1/applications/{name}/commits/{commit}',
    answer: 'CommitView',
  },
  listWindows: { method: 'GET', path: '/api/v1/windows', answer: 'WindowList' },
  listPolicies: { method: 'GET', path: '/api/v1/policies', answer: 'PolicyList' },
  listAudit: { method: 'GET', path: '/api/v1/audit', answer: 'AuditList' },
  getLogin: { method: 'GET', path: '/api/v1/login', answer: 'LoginView' },
  receiveWebhook: { method: 'POST', path: '/api/v1/webhooks/{name}', answer: null },
} as const satisfies Record<
  keyof Operations,
  { readonly method: string; readonly path: string; readonly answer: string | null }
>
