import type { ApplyRules, Hook, HookCleanup, HookEvent } from '@groundswell/proto/apply-rules.ts'
import type { RenderedObject } from '../render/engine.ts'

/* What the annotations of Argo CD, Flux, Helm and kpt ask of an object's apply
   (their documentation: sync-waves, sync-options, hooks, kustomizations, depends-on). */

/** What one object's annotations say; `dependsOn` as written. */
export interface ObjectWishes {
  readonly rules: ApplyRules
  readonly dependsOn: readonly string[]
  /** What was written and cannot be meant, in words. */
  readonly faults: readonly string[]
}

type Notes = Readonly<Record<string, string>>

const argo = {
  wave: 'argocd.argoproj.io/sync-wave',
  hook: 'argocd.argoproj.io/hook',
  cleanup: 'argocd.argoproj.io/hook-delete-policy',
  options: 'argocd.argoproj.io/sync-options',
} as const
const helm = {
  weight: 'helm.sh/hook-weight',
  hook: 'helm.sh/hook',
  cleanup: 'helm.sh/hook-delete-policy',
} as const
const flux = {
  ssa: 'kustomize.toolkit.fluxcd.io/ssa',
  reconcile: 'kustomize.toolkit.fluxcd.io/reconcile',
  force: 'kustomize.toolkit.fluxcd.io/force',
} as const
const kpt = {
  dependsOn: 'config.kubernetes.io/depends-on',
  mutation: 'client.lifecycle.config.k8s.io/mutation',
} as const
const ownReplace = 'groundswell.dev/replace'

const argoEvents: Readonly<Record<string, HookEvent>> = {
  PreSync: 'pre',
  Sync: 'sync',
  PostSync: 'post',
  SyncFail: 'fail',
  PreDelete: 'pre-delete',
  PostDelete: 'post-delete',
}
const helmEvents: Readonly<Record<string, HookEvent>> = {
  'pre-install': 'pre',
  'pre-upgrade': 'pre',
  'post-install': 'post',
  'post-upgrade': 'post',
  'pre-delete': 'pre-delete',
  'post-delete': 'post-delete',
}
const cleanups: Readonly<Record<string, HookCleanup>> = {
  BeforeHookCreation: 'before',
  HookSucceeded: 'succeeded',
  HookFailed: 'failed',
  'before-hook-creation': 'before',
  'hook-succeeded': 'succeeded',
  'hook-failed': 'failed',
}

const none: ObjectWishes = { rules: {}, dependsOn: [], faults: [] }
/** Most objects say nothing, and are not parsed for it. */
const mayWish =
  /"(?:argocd\.argoproj\.io|helm\.sh|kustomize\.toolkit\.fluxcd\.io|config\.kubernetes\.io|client\.lifecycle\.config\.k8s\.io|groundswell\.dev)\//

/** Reads what an object's author asks. */
export function readWishes({ json }: Pick<RenderedObject, 'json'>): ObjectWishes {
  if (!mayWish.test(json)) return none
  const { metadata } = JSON.parse(json) as { metadata?: { annotations?: Notes | null } }
  const notes = metadata?.annotations
  if (!notes) return none
  const faults: string[] = []
  const hook = readHook(notes)
  const wave = readWave(notes, hook, faults)
  const apply = readApply(notes)
  const rules: ApplyRules = {
    ...(wave !== 0 && { wave }),
    ...(hook && { hook }),
    ...(apply && { apply }),
    ...(isReplaced(notes) && { replace: true as const }),
  }
  return {
    rules,
    dependsOn: listOf(notes[kpt.dependsOn]),
    faults,
  }
}

/** A hook of Argo CD makes Helm's on the same object count for nothing, as it does there. */
function readHook(notes: Notes): Hook | undefined {
  const byArgo = notes[argo.hook] !== undefined
  const [events, cleanup] = byArgo
    ? [pick(argoEvents, notes[argo.hook]), notes[argo.cleanup]]
    : [pick(helmEvents, notes[helm.hook]), notes[helm.cleanup] ?? notes[argo.cleanup]]
  if (events.length === 0) return undefined
  const when = pick(cleanups, cleanup)
  return { events, cleanup: when.length > 0 ? when : ['before'] }
}

function readWave(notes: Notes, hook: Hook | undefined, faults: string[]): number {
  const key = notes[argo.wave] === undefined && hook ? helm.weight : argo.wave
  const text = notes[key]
  if (text === undefined) return 0
  if (/^\s*[-+]?\d{1,9}\s*$/.test(text)) return Number(text) + 0
  faults.push(`${key} is "${text}", which is no whole number`)
  return 0
}

function readApply(notes: Notes): ApplyRules['apply'] {
  const ssa = notes[flux.ssa]?.toLowerCase()
  if (notes[flux.reconcile]?.toLowerCase() === 'disabled' || ssa === 'ignore') return 'never'
  if (ssa === 'ifnotpresent' || notes[kpt.mutation] === 'ignore') return 'once'
  return ssa === 'merge' ? 'merge' : undefined
}

function isReplaced(notes: Notes): boolean {
  return (
    notes[ownReplace]?.toLowerCase() === 'enabled' ||
    notes[flux.force]?.toLowerCase() === 'enabled' ||
    listOf(notes[argo.options]).includes('Force=true')
  )
}

/** Known words of a list, each once, in the order of the table, so that equal wishes are equal. */
function pick<T>(known: Readonly<Record<string, T>>, text: string | undefined): T[] {
  const said = listOf(text)
  const meant = Object.entries(known).filter(([word]) => said.includes(word))
  return [...new Set(meant.map(([, meaning]) => meaning))]
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}
