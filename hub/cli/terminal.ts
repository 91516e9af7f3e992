import type { OpenCheckout } from '../check/checkout.ts'
import type { Forge, ForgeProject } from '../forge/forge.ts'
import type { OpenProvider } from './login.ts'
import type { ForeignFile } from '../migrate/migration.ts'

/** What is asked of the hub. */
export interface HttpAsked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  /** Whether the status is one of success. */
  readonly ok: boolean
  readonly status: number
  readonly statusText: string
  /** By name in lower case. */
  readonly headers: { readonly get: (name: string) => string | null }
  readonly body: AsyncIterable<Uint8Array> | null
}

/** As the web's `fetch`, but never follows: a token is for this hub, not for wherever it might point. */
export type Fetch = (url: URL, asked: HttpAsked) => Promise<HttpAnswer>

/** What the commands have of the outside world. */
export interface Terminal {
  /** Data only. */
  readonly out: (text: string) => void
  /** Progress, hints and errors. */
  readonly say: (text: string) => void
  /** Whether `out` may carry colour. */
  readonly color: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Undefined when there is no such file. */
  readonly readFile: (path: string) => Promise<string | undefined>
  /** A new file; one that is there is never overwritten. */
  readonly writeFile: (path: string, content: string | Uint8Array, mode: number) => Promise<void>
  /** Whole or not at all, for the owner alone; directories on the way are made. */
  readonly replaceFile: (path: string, text: string) => Promise<void>
  /** One that is not there is as good as removed. */
  readonly removeFile: (path: string) => Promise<void>
  /** The identity provider; loaded only when one is asked. */
  readonly openProvider: OpenProvider
  /** A line from whoever sits there; missing when nobody does. */
  readonly ask?: (question: string) => Promise<string | undefined>
  readonly fetch: Fetch
  /** For commands that need no hub; loaded only when one does. */
  readonly openCheckout: OpenCheckout
  /** A repository's Git host; loaded only when one is asked. */
  readonly openForge: (
    project: ForgeProject,
    token: string,
  ) => Promise<Forge & { close(): Promise<void> }>
  /** Files of another tool, and new files of ours. */
  readonly migration: {
    readonly read: (directory: string) => Promise<readonly ForeignFile[]>
    readonly write: (directory: string, files: readonly ForeignFile[]) => Promise<void>
  }
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Resolves early when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
}
