import type { RepositoryAt } from '../fleet/input/plan-renders.ts'

/** The files of a repository as they are, or were. */
export interface Snapshot extends RepositoryAt {
  /** `HEAD@sha1:…`; of uncommitted files `working-tree@sha1:…` with the id of their tree. */
  readonly revision: string
}

/** A checkout on this machine. Nothing in it is ever changed. */
export interface LocalRepository {
  /**
   * The files at a commit by any name Git knows, or as they lie there now, uncommitted changes
   * included and ignored files left out, when no name is given.
   *
   * @throws HubError `revision_not_found`, `source_refused`, `internal`
   */
  at(name?: string): Promise<Snapshot>
  /**
   * Where two commits parted, by its id.
   *
   * @throws HubError `revision_not_found` when they have nothing in common
   */
  mergeBase(one: string, other: string): Promise<string>
  close(): Promise<void>
}
