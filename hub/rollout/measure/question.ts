/** One request to the server a gate names. */
export interface Question {
  readonly url: URL
  /** Name of a credential; none for a server that asks for none. */
  readonly credential: string | undefined
  /** Milliseconds for all of it. */
  readonly timeout: number
  /** What is posted, if it is not a GET. */
  readonly post?: Post
}

export interface Post {
  readonly body: string
  readonly type: string
  /**
   * Headers over the body and the credential's secret; none for what is not signed.
   * @throws HubError `gate_unreachable`
   */
  readonly sign?: (secret: Buffer) => Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly body: unknown
}

/**
 * Asks, following no redirect.
 *
 * @throws HubError `gate_unreachable` in words that hold nothing of the question's query
 */
export type Ask = (question: Question, signal: AbortSignal) => Promise<Reply>
