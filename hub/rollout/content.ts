import { isLeaveAll } from '@groundswell/proto/statement.ts'
import type { Assignment, Content, RolloutEffect, RolloutPlan } from './rollout.ts'

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

/** Whether something is deleted by the first, which takes away as much, that is spared by the second. */
export function deletesMore(one: Content, other: Content): boolean {
  if (one.deletionPolicy === 'Orphan' || isLeaveAll(one.leave)) return false
  if (one.digest === null && other.deletionPolicy === 'Orphan') return true
  return (other.leave ?? []).some((id) => !one.leave?.includes(id))
}

/** What a cluster would go back to: its content, and what that left there for others. */
export function toPrevious({ digest, size, revision, leave }: Content): Content {
  return { digest, size, revision, ...(leave && { leave }) }
}

/** What clusters are to run from a step on. */
export function toAssignments(
  { application, id }: Pick<RolloutPlan, 'application' | 'id'>,
  effects: readonly RolloutEffect[],
): Assignment[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== 'assign') return []
    const { cluster, content, generation } = effect
    return [{ cluster, application, ...content, generation, rollout: id }]
  })
}

/**
 * What a cluster goes back to: its previous content, or a tombstone when it had nothing. Either is an undoing:
 * what the rollout found there, and did not make, was there before it.
 */
export function contentBefore(
  { targets, orphans }: Pick<RolloutPlan, 'targets' | 'orphans'>,
  cluster: string,
): Content {
  const { previous, revision } = targets[cluster]!
  if (previous?.digest) return { ...previous, undo: true }
  // One that was there once, and is no more, goes as one that never was.
  const nothing = previous ?? { digest: null, size: 0, revision }
  return { ...nothing, ...(orphans && { deletionPolicy: 'Orphan' }), undo: true }
}
