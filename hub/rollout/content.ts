import type { Content } from './rollout.ts'

/** Content alone, of whatever carries more: a target, an assignment. What is not said stays unsaid. */
export function toContent({
  digest,
  size,
  revision,
  deletionPolicy,
  leave,
  undo,
}: Content): Content {
  return {
    ...{ digest, size, revision },
    ...(deletionPolicy && { deletionPolicy }),
    ...(leave && { leave }),
    ...(undo && { undo }),
  }
}

/** What a cluster would go back to: its content, and what that left there for others. */
export function toPrevious({ digest, size, revision, leave }: Content): Content {
  return { digest, size, revision, ...(leave && { leave }) }
}
