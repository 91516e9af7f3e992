/** Commits of the fleet repository that were in force, of which the branch may go back to one. */
export interface AcceptedRevisions {
  /** The one in force. */
  acceptedRevision: string | null
  /** The one that was the last to be so for the first time. */
  newestAccepted: string | null
  /** The newest few, in the order in which they first were. */
  readonly everAccepted: Set<string>
}

/** By a commit each minute, most of a day. */
const keptRevisions = 1_000

export function emptyAccepted(): AcceptedRevisions {
  return { acceptedRevision: null, newestAccepted: null, everAccepted: new Set() }
}

export function foldAccepted(state: AcceptedRevisions, revision: string): void {
  state.acceptedRevision = revision
  if (state.everAccepted.has(revision)) return
  state.everAccepted.add(revision)
  state.newestAccepted = revision
  if (state.everAccepted.size <= keptRevisions) return
  const [oldest] = state.everAccepted
  state.everAccepted.delete(oldest!)
}

/** The newest commit there was in force, where this one is from before it; else undefined. */
export function findNewer(
  { everAccepted, newestAccepted }: Omit<AcceptedRevisions, 'acceptedRevision'>,
  revision: string,
): string | undefined {
  if (newestAccepted === null || newestAccepted === revision) return undefined
  return everAccepted.has(revision) ? newestAccepted : undefined
}

/** Commits that were in force, but for this one: the newest first. */
export function listOthers(
  { everAccepted }: Pick<AcceptedRevisions, 'everAccepted'>,
  revision: string,
): string[] {
  return [...everAccepted].filter((one) => one !== revision).reverse()
}

/** What is said of a branch that went back to a commit from before the newest. */
export function describeReturn(revision: string, newer: string): string {
  return `the fleet repository went back to ${revision}, which was in force before ${newer}: it was pushed by force, or its host is behind`
}
