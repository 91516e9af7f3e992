import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { isPruneGuarded } from '@groundswell/proto/prune-guard.ts'
import { listSpellings } from '@groundswell/proto/spelling.ts'
import type { RenderedObject } from '../render/engine.ts'
import { isJsonObject, parseExact } from './object-text.ts'
import type { RenderedContent, RenderedFleet } from './rendered-fleet.ts'

/**
 * What becomes of an object that is wanted no more: `deleted`, and what that waits for, or left on the
 * cluster, and why.
 * The agent decides by the same rules (`isPruneGuarded`), and by what runs there.
 */
export type Fate =
  | 'deleted'
  | 'deleted unless it was there before the rollout'
  | 'deleted once its gates are open'
  | 'deleted once a person starts it'
  | 'held back until it is confirmed'
  | 'left: the application does not prune'
  | 'left: its deletionPolicy is Orphan'
  | 'left: the object is guarded against pruning'
  | 'left: another application has it'
  | 'left: another application gets it'
  | 'left: another application may get it'
  | 'left: the cluster is detached'

/** Whether a cluster may lose the object. */
export function isLoss(fate: Fate | null): boolean {
  return fate !== null && !fate.startsWith('left: ')
}

/** Whether somebody or something has to let it go first. */
export function isWaiting(fate: Fate | null): boolean {
  return fate !== null && waiting.has(fate)
}

const waiting: ReadonlySet<Fate> = new Set([
  'deleted once its gates are open',
  'deleted once a person starts it',
  'held back until it is confirmed',
])

/**
 * Says of an object that `base` wants on a cluster, and `head` does not, what becomes of it. One that is to go
 * to another application is left, however long that takes: plans are made so (`hub/rollout/removal/sparing.ts`).
 */
export function createForetelling(
  base: Pick<RenderedFleet, 'fleet' | 'contents'>,
  head: Pick<RenderedFleet, 'fleet' | 'contents'>,
) {
  const spellings = new Map<RenderedContent, ReadonlySet<string>>()

  function holds(content: RenderedContent, ids: ReadonlySet<string>): boolean {
    const known = spellings.get(content) ?? spell(content, content.objects)
    spellings.set(content, known)
    return [...ids].some((id) => known.has(id))
  }

  return (
    { application, cluster }: { readonly application: string; readonly cluster: string },
    object: RenderedObject,
  ): Fate => {
    if (!head.fleet.clusters.has(cluster)) return 'left: the cluster is detached'
    const ids = spell(base.contents.get(application)?.get(cluster), [object])
    const isOf = (other: string, { contents }: Pick<RenderedFleet, 'contents'>): boolean => {
      const content = contents.get(other)?.get(cluster)
      return content !== undefined && holds(content, ids)
    }
    const heirs = [...head.contents.keys()].filter(
      (other) => other !== application && isOf(other, head),
    )
    if (heirs.some((other) => isOf(other, base))) return 'left: another application has it'
    if (isGuarded(object)) return 'left: the object is guarded against pruning'
    // A part of what stays is pruned; what goes as a whole goes by the policy it came with.
    const stays = head.contents.get(application)?.has(cluster) ?? false
    const [was, is] = [base, head].map(({ fleet }) => fleet.applications.get(application)?.spec)
    if (stays && is?.prune === false) return 'left: the application does not prune'
    if (!stays && was?.deletionPolicy === 'Orphan') return 'left: its deletionPolicy is Orphan'
    return heirs.length > 0 ? 'left: another application gets it' : 'deleted'
  }
}

function spell(
  content: Pick<RenderedContent, 'targetNamespace'> | undefined,
  objects: readonly Pick<RenderedObject, 'id'>[],
): Set<string> {
  return listSpellings({
    targetNamespace: content?.targetNamespace ?? '',
    objects: objects.map(({ id }) => ({ id: formatObjectId(id) })),
  })
}

function isGuarded({ json }: RenderedObject): boolean {
  const object = parseExact(json)
  const metadata = isJsonObject(object) ? object['metadata'] : undefined
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined
  return isJsonObject(annotations) && isPruneGuarded(annotations)
}
