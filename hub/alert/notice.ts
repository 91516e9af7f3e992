/** What may be told of; the words that `Alert.eventSources` have. */
export type NoticeKind = 'Application' | 'Cluster' | 'Rollout' | 'Fleet'

export const noticeSeverities = ['info', 'warning', 'error'] as const
export type NoticeSeverity = (typeof noticeSeverities)[number]

/** Something worth telling people outside. */
export interface Notice {
  /** Of the thing, not of its telling: the same thing has the same id whenever it is told. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `rollout.failed`, `drift.detected`. */
  readonly type: string
  readonly severity: NoticeSeverity
  readonly kind: NoticeKind
  /** Of the application or cluster; of a rollout its application. */
  readonly name: string
  readonly rollout?: string
  readonly revision?: string
  readonly actor: string
  readonly message: string
}
