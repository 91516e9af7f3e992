/** Commits of the ledger's branch, here and at the remote. A commit is its id. */
export interface Branch {
  /**
   * Where the remote's branch is; null where there is none.
   * @throws HubError `source_unreachable`
   */
  look(deadlineMs: number): Promise<string | null>
  /** Whether our own branch goes on from a commit. */
  isOurs(commit: string): Promise<boolean>
  /**
   * Brings the remote's newest commit here, which may be another by now than the one that was seen.
   * @throws HubError `source_unreachable`
   */
  fetch(deadlineMs: number): Promise<string>
  readMessage(commit: string): Promise<string>
  /** Lines of a commit's file after so many bytes, without a last one that was cut. */
  readLines(commit: string, after: number): AsyncIterable<string>
  /** Whether a commit's file is the beginning of ours. */
  isBeginning(commit: string): Promise<boolean>
  /** Has our branch go on from a commit. */
  goOnFrom(commit: string): Promise<void>
  /** Commits the first so many bytes of our file. */
  record(size: number, message: string): Promise<string>
  /**
   * Moves the remote's branch from where it was seen (null: it was not there) to a commit of ours; one that
   * moved meanwhile stays as it is.
   * @throws whatever stood in the way: it may have been moved all the same
   */
  push(commit: string, seen: string | null, deadlineMs: number): Promise<void>
}
