import type { LiveObject } from '../cluster/port.ts'

/** The one field manager of everything we apply; a second name would orphan what the first owned. */
export const fieldManager = 'groundswell'

export const marks = {
  /** Label: name of the application an object belongs to. */
  application: 'groundswell.dev/application',
  /** Annotation: id of the cluster record whose agent applied it. */
  cluster: 'groundswell.dev/cluster',
} as const

/** Annotation of a hook's object: which run of it this is. */
export const hookRunMark = 'groundswell.dev/hook-run'

/** Where the agent keeps its inventories. */
export const systemNamespace = 'groundswell-system'

export interface Owner {
  readonly application: string
  readonly cluster: string
}

/** Who an object says it belongs to; empty members when it says nothing. */
export function ownerOf(object: LiveObject): Owner {
  return {
    application: object.metadata.labels?.[marks.application] ?? '',
    cluster: object.metadata.annotations?.[marks.cluster] ?? '',
  }
}

/** Ways to say "never prune this", ours and those of the tools people come from. */
export function isPruneDisabled(object: LiveObject): boolean {
  const notes = object.metadata.annotations ?? {}
  const options = (notes['argocd.argoproj.io/sync-options'] ?? '')
    .split(',')
    .map((option) => option.trim().toLowerCase())
  return (
    notes['groundswell.dev/prune']?.toLowerCase() === 'disabled' ||
    notes['kustomize.toolkit.fluxcd.io/prune']?.toLowerCase() === 'disabled' ||
    notes['helm.sh/resource-policy'] === 'keep' ||
    notes['client.lifecycle.config.k8s.io/deletion'] === 'detach' ||
    options.some((option) => guards.has(option))
  )
}

const guards = new Set(['prune=false', 'prune=confirm', 'delete=false', 'delete=confirm'])
