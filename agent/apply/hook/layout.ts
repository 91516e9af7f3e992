import type { HookEvent } from '@groundswell/proto/apply-rules.ts'
import type { Manifest, ManifestObject } from '@groundswell/proto/manifest.ts'
import { compareOrder, isNamespace, stageOf } from '../run/order.ts'

/** A manifest's objects by when they are applied. */
export interface Layout {
  /** Before the hooks that come first: what those need to be in. Part of `setup` without such hooks. */
  readonly home: readonly ManifestObject[]
  readonly setup: readonly ManifestObject[]
  readonly rest: readonly ManifestObject[]
  /** In their order: by weight, kind and name. */
  readonly hooks: Readonly<Record<HookEvent, readonly ManifestObject[]>>
  /** Waves of the rest and of the hooks among it, lowest first. */
  readonly waves: readonly number[]
}

/** Lays out a manifest. Definitions, namespaces and classes go first whatever wave they name. */
export function layOut({ objects }: Pick<Manifest, 'objects'>): Layout {
  const plain = objects.filter(({ rules }) => !rules?.hook && rules?.apply !== 'never')
  const hooksOf = (event: HookEvent) =>
    objects
      .filter(({ rules }) => rules?.hook?.events.includes(event) && rules.apply !== 'never')
      .sort((a, b) => waveOf(a) - waveOf(b) || compareOrder(a.id, b.id))
  const hooks = { pre: hooksOf('pre'), sync: hooksOf('sync'), post: hooksOf('post') }
  const isSetup = ({ id }: ManifestObject) => stageOf(id) === 'setup'
  const isHome = ({ id }: ManifestObject) => hooks.pre.length > 0 && isNamespace(id)
  const rest = plain.filter((object) => !isSetup(object))
  return {
    home: plain.filter(isHome),
    setup: plain.filter((object) => isSetup(object) && !isHome(object)),
    rest,
    hooks: {
      ...hooks,
      fail: hooksOf('fail'),
      'pre-delete': hooksOf('pre-delete'),
      'post-delete': hooksOf('post-delete'),
    },
    waves: [...new Set([...rest, ...hooks.sync].map(waveOf))].sort((a, b) => a - b),
  }
}

export function waveOf({ rules }: Pick<ManifestObject, 'rules'>): number {
  return rules?.wave ?? 0
}
