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
