import type { ComponentChildren } from 'preact'
import { type Route, toPath } from '../address.ts'
import { go } from '../route.ts'

/** An address of this page: opened without a reload, or in another tab as any other link. */
export function Link({
  to,
  children,
  class: css,
  label,
}: {
  readonly to: Route
  readonly children: ComponentChildren
  readonly class?: string
  /** What is read aloud, and told to who points at it, where the sign alone does not say it. */
  readonly label?: string
}) {
  return (
    <a
      href={toPath(to)}
      class={css}
      aria-label={label}
      title={label}
      onClick={(event: MouseEvent) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
        event.preventDefault()
        go(to)
      }}
    >
      {children}
    </a>
  )
}

export const toCluster = (name: string): Route => ({ page: 'cluster', name, application: null })
export const toApplication = (name: string): Route => ({
  ...{ page: 'application', name },
  cluster: null,
})
export const toPlan = (name: string, live = false): Route => ({ page: 'plan', name, live })
export const toRollout = (id: string): Route => ({ page: 'rollout', id })
export const toPullRequest = (number: number): Route => ({
  page: 'proposal',
  of: { kind: 'pullRequest', name: String(number) },
})
