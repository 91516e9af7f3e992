import type { Forge } from './forge.ts'

/** A commit that is to be undone, by a branch and a pull request that people merge. */
export interface RevertRequest {
  readonly commit: string
  /** Made for it; the same commit has the same one, so that it is proposed once. */
  readonly branch: string
  /** Where it is merged into; the host's default branch when it is not known. */
  readonly base: string | undefined
  readonly title: string
  /** Markdown. */
  readonly body: string
}

/** A host that may be written to: a right of its own, with a token of its own. */
export interface RevertingForge extends Forge {
  /**
   * Proposes to undo a commit. What was proposed before is found and not proposed again, be it
   * open, merged or closed.
   *
   * @returns where people see it
   * @throws HubError `forge_unreachable`, `forge_refused` when the host cannot undo it by itself
   */
  proposeRevert(request: RevertRequest, signal: AbortSignal): Promise<string>
}
