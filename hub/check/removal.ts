import { formatObjectId } from '@groundswell/proto/object-id.ts'
import type { RenderedObject } from '../render/engine.ts'
import { isJsonObject, parseExact } from './object-text.ts'
import type { RenderedContent, RenderedFleet } from './rendered-fleet.ts'

/**
 * What becomes of an object that is wanted no more: `deleted`, or left on the cluster, and why.
 * The agent decides by the same rules (`isPruneDisabled`), and by what runs there.
 */
export type Fate =
  | 'deleted'
  | 'may be deleted: another application gets it, by a rollout of its own'
  | 'left: the application does not prune'
  | 'left: its deletionPolicy is Orphan'
  | 'left: the object is guarded against pruning'
  | 'left: another application has it'
  | 'left: another application gets it'
  | 'left: the cluster is detached'

/** Whether a cluster may lose the object. */
export function isLoss(fate: Fate | null): boolean {
  return fate !== null && !fate.startsWith('left: ')
}

/**
 * Says of an object that `base` wants on a cluster, and `head` does not, what becomes of it. One that moves to
 * another application is left only where both reach the cluster at once, which nobody can promise.
 */
export function createForetelling(
  base: Pick<RenderedFleet, 'fleet' | 'contents'>,
  head: Pick<RenderedFleet, 'fleet' | 'contents'>,
) {
  const ids = new Map<RenderedContent, ReadonlySet<string>>()
  /** By application and cluster: it is asked for each of the objects. */
  const handedOver = new Map<string, boolean>()

  function holds(content: RenderedContent, id: string): boolean {
    const known =
      ids.get(content) ?? new Set(content.objects.map((each) => formatObjectId(each.id)))
    ids.set(content, known)
    return known.has(id)
  }

  /** Whether all of an application is on its way to others, as when it is renamed: then it is let go. */
  function isHandedOver(application: string, cluster: string): boolean {
    const whole = base.contents.get(application)?.get(cluster)
    const arriving = [...head.contents].flatMap(([other, byCluster]) => {
      const content = byCluster.get(cluster)
      const has = base.contents.get(other)?.get(cluster)?.digest
      return other === application || !content || content.digest === has ? [] : [content]
    })
    return (
      whole !== undefined &&
      whole.objects.length > 0 &&
      whole.objects.every(({ id }) =>
        arriving.some((content) => holds(content, formatObjectId(id))),
      )
    )
  }

  return (
    { application, cluster }: { readonly application: string; readonly cluster: string },
    object: RenderedObject,
  ): Fate => {
    if (!head.fleet.clusters.has(cluster)) return 'left: the cluster is detached'
    const id = formatObjectId(object.id)
    const isOf = (other: string, { contents }: Pick<RenderedFleet, 'contents'>): boolean => {
      const content = contents.get(other)?.get(cluster)
      return content !== undefined && holds(content, id)
    }
    const heirs = [...head.contents.keys()].filter(
      (other) => other !== application && isOf(other, head),
    )
    if (heirs.some((other) => isOf(other, base))) return 'left: another application has it'
    const gone =
      heirs.length > 0
        ? 'may be deleted: another application gets it, by a rollout of its own'
        : 'deleted'
    if (isGuarded(object)) return 'left: the object is guarded against pruning'
    // A part of what stays is pruned; what goes as a whole goes by the policy it came with.
    const stays = head.contents.get(application)?.has(cluster) ?? false
    const [was, is] = [base, head].map(({ fleet }) => fleet.applications.get(application)?.spec)
    if (stays) return is?.prune === false ? 'left: the application does not prune' : gone
    if (was?.deletionPolicy === 'Orphan') return 'left: its deletionPolicy is Orphan'
    const place = `${application} ${cluster}`
    const isLeft = handedOver.get(place) ?? isHandedOver(application, cluster)
    handedOver.set(place, isLeft)
    return isLeft ? 'left: another application gets it' : gone
  }
}

const guards = new Set(['prune=false', 'prune=confirm', 'delete=false', 'delete=confirm'])

function isGuarded({ json }: RenderedObject): boolean {
  const object = parseExact(json)
  const metadata = isJsonObject(object) ? object['metadata'] : undefined
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined
  const note = (name: string): string => {
    const value = isJsonObject(annotations) ? annotations[name] : undefined
    return typeof value === 'string' ? value : ''
  }
  return (
    note('groundswell.dev/prune').toLowerCase() === 'disabled' ||
    note('kustomize.toolkit.fluxcd.io/prune').toLowerCase() === 'disabled' ||
    note('helm.sh/resource-policy') === 'keep' ||
    note('client.lifecycle.config.k8s.io/deletion') === 'detach' ||
    note('argocd.argoproj.io/sync-options')
      .split(',')
      .some((option) => guards.has(option.trim().toLowerCase()))
  )
}
