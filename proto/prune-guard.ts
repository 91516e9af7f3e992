/* Ways to say "never delete this" by an annotation, ours and those of the tools people come from. */

const guards: ReadonlyMap<string, string> = new Map([
  ['groundswell.dev/prune', 'disabled'],
  ['kustomize.toolkit.fluxcd.io/prune', 'disabled'],
  // Flux deletes nothing that it does not reconcile.
  ['kustomize.toolkit.fluxcd.io/reconcile', 'disabled'],
  ['helm.sh/resource-policy', 'keep'],
  ['client.lifecycle.config.k8s.io/deletion', 'detach'],
  ['cli-utils.sigs.k8s.io/on-remove', 'keep'],
])
const argoOptions = 'argocd.argoproj.io/sync-options'
const argoGuards = new Set(['prune=false', 'prune=confirm', 'delete=false', 'delete=confirm'])

/** Whether an object's annotations guard it; as Helm reads them, whatever their case and the space around. */
export function isPruneGuarded(annotations: Readonly<Record<string, unknown>> = {}): boolean {
  return Object.entries(annotations).some(([name, value]) => {
    if (typeof value !== 'string') return false
    const text = value.trim().toLowerCase()
    if (name !== argoOptions) return guards.get(name) === text
    return text.split(',').some((option) => argoGuards.has(option.trim()))
  })
}
