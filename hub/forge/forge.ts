import type { OpenChanges } from './open-change.ts'

/** Git hosts that show what became of a commit. */
export const forgeKinds = ['github', 'gitlab', 'gitea'] as const
export type ForgeKind = (typeof forgeKinds)[number]

/** One repository on a Git host. */
export interface ForgeProject {
  readonly kind: ForgeKind
  /** Where its API is: `https://api.github.com`, `https://git.example/api/v4`. */
  readonly api: string
  /** `owner/name`; of GitLab also its number. */
  readonly project: string
}

/** One line beside a commit. A later one with the same context takes its place. */
export interface CommitStatus {
  readonly context: string
  readonly state: 'pending' | 'success' | 'failure' | 'error'
  readonly description: string
  /** Where more is told. */
  readonly url?: string
}

/** What is asked of a Git host: to show, never to do. */
export interface Forge {
  /** @throws HubError `forge_unreachable`, `forge_refused` */
  setStatus(commit: string, status: CommitStatus, signal: AbortSignal): Promise<void>
  /**
   * Writes a comment on a change, or writes it anew where one with this marker is.
   *
   * @param change number of the pull or merge request
   * @param marker one line that is not shown
   * @throws HubError `forge_unreachable`, `forge_refused`
   */
  putComment(change: number, marker: string, body: string, signal: AbortSignal): Promise<void>
  /**
   * Pull or merge requests that are open, a bounded number of them.
   *
   * @throws HubError `forge_unreachable`, `forge_refused`
   */
  listOpenChanges(signal: AbortSignal): Promise<OpenChanges>
}

export interface ForgeRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT'
  /** After the address of the API, with its query. */
  readonly path: string
  readonly body?: unknown
  /** What to send when it has to be sent again: it may have been done, and its answer lost. */
  readonly again?: () => Promise<ForgeRequest>
}

export interface ForgeAnswer {
  readonly status: number
  readonly body: unknown
}

/**
 * Sends one request, again where that may help.
 *
 * @returns any answer but those that say "later"; a failure of the host once it failed every time
 * @throws HubError `forge_unreachable`
 */
export type AskForge = (request: ForgeRequest, signal: AbortSignal) => Promise<ForgeAnswer>

/** Longest description that a host takes, in characters. */
export function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`
}
