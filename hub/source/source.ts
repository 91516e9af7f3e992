import type { CommitRange } from './authors.ts'
import type { VisitedRef } from './visit.ts'

/** One file of a commit's tree; regular files only. */
export interface TreeFile {
  /** Relative to the tree's root, forward slashes. */
  readonly path: string
  /** Git object id of the blob. */
  readonly oid: string
  readonly size: number
}

/** A directory of one commit, as Git has it: `id` is the tree's object id, so same id, same files. */
export interface Tree {
  readonly id: string
  readonly files: readonly TreeFile[]
}

/** The newest tag that is a version of this range. */
export interface VersionRef {
  readonly semver: string
}

/** What is followed in a repository. */
export interface SourceSpec {
  /** Name of the Repository, or `fleet`. */
  readonly name: string
  readonly url: string
  readonly ref:
    | { readonly branch: string }
    | { readonly tag: string }
    | { readonly commit: string }
    | VersionRef
  /** Milliseconds for one fetch. */
  readonly timeout: number
  readonly credential?: string
  /** What has to be signed, and by whose keys. */
  readonly verify?: SourceVerify
}

/** Signatures a source must have. The keys behind the name are the hub's own to say. */
export interface SourceVerify {
  readonly signers: string
  /** The commit that is followed, or the annotated tag. */
  readonly object: 'commit' | 'tag'
}

/** A repository the hub mirrors: bare, objects only, nothing checked out. */
export interface Mirror {
  /**
   * Brings the ref up to date and returns its revision (`main@sha1:…`).
   * @throws HubError `source_unreachable`, `source_refused`, `revision_not_found`
   */
  fetch(signal: AbortSignal): Promise<string>
  /**
   * Brings something else of this repository, to be looked at: it is not followed, and no signature
   * is asked of it. Returns its revision.
   * @throws HubError `source_unreachable`, `source_refused`, `revision_not_found`
   */
  visit(ref: VisitedRef, signal: AbortSignal): Promise<string>
  /** The commit where two that are here parted; null when they have nothing in common. */
  meet(one: string, other: string): Promise<string | null>
  /**
   * Whether the second is the first, or one that it was made on; false for one that is not here.
   *
   * @throws HubError `source_unreachable` where the first is not here, or Git fails
   */
  contains(commit: string, older: string): Promise<boolean>
  /** The revision of the last fetch, this process's or an earlier one's; null before the first. */
  head(): Promise<string | null>
  /**
   * Whether this commit's objects are here, without asking the network, and signed as they have to
   * be.
   */
  has(commit: string): Promise<boolean>
  /**
   * The directory `path` (`.` for the root) at a commit.
   * @throws HubError `revision_not_found` when commit or path does not exist, `source_refused` for
   *   symlinks out of the tree, submodules and LFS pointers
   */
  readTree(commit: string, path: string): Promise<Tree>
  /** Bytes of blobs by object id, in the order asked. */
  readBlobs(oids: readonly string[]): Promise<Uint8Array[]>
  /** Who signed what was fetched last; null where nothing has to be signed, or nothing was. */
  signer(): string | null
  /** Who made commits, `Name <address>` each. @throws HubError `revision_not_found` */
  authors(range: CommitRange): Promise<string[]>
  /** Author and first line of the message, for people and for the ledger. */
  describe(commit: string): Promise<{ author: string; subject: string; committedAt: number }>
  close(): Promise<void>
}
