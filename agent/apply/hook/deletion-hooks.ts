import { type DeletionEvent, runsOnDeletion } from '@groundswell/proto/apply-rules.ts'
import type { ManifestObject } from '@groundswell/proto/manifest.ts'
import { listSpellings } from '@groundswell/proto/spelling.ts'
import type { VerifiedPresent } from '../../trust/verified.ts'
import { forgetDeletion, type HookRecord } from './hook-record.ts'
import { areHooksDone, attendHooks } from './hooks.ts'
import type { Inventory, InventoryEntry } from '../inventory/inventory.ts'
import { layOut } from './layout.ts'
import { resolveObjects } from '../run/resolve.ts'
import { isOpen, remember, type RunState } from '../run/run-state.ts'

/* Hooks of a removal. A tombstone carries no content: what they are is in the last content that was
   verified, which is kept until they have run, and that there are any is in the inventory. */

/** Whether an application's last content has something to run when it is removed. */
export function hasDeletionHooks({ manifest }: VerifiedPresent): boolean {
  return manifest.objects.some(runsOnDeletion)
}

/** Whether something was to run when the application is removed, as its inventory remembers. */
export function awaitsDeletion(inventory: Inventory): boolean {
  return [...inventory.values()].some(({ hook }) => hook?.onDeletion)
}

/**
 * Writes down, as an application is applied, what is to run when it is removed; what ran for a
 * removal that was taken back has not run for the next one.
 */
export async function noteDeletionHooks(run: RunState): Promise<void> {
  const { app, deps, signal, content } = run
  const hooks = app.manifest.objects.filter(runsOnDeletion)
  const spelled = listSpellings({ ...app.manifest, objects: hooks })
  for (const entry of run.inventory.values()) {
    if (!entry.hook?.onDeletion) continue
    const { onDeletion: _, ...record } = forgetDeletion(entry.hook)
    const hook = spelled.has(entry.id) ? { ...record, onDeletion: true as const } : record
    remember(run, { ...entry, hook })
  }
  if (hooks.length === 0) return
  // A kind that is not served yet is found when it is needed.
  const { wanted } = await resolveObjects(hooks, app.manifest, deps, false, signal)
  for (const { id, source } of wanted) {
    const known = run.inventory.get(id)
    const record: HookRecord = known?.hook ?? { content, generation: app.generation, states: {} }
    remember(run, { ...(known ?? toEntry(id, source)), hook: { ...record, onDeletion: true } })
  }
}

function toEntry(id: string, { apiVersion, digest }: ManifestObject): InventoryEntry {
  return { id, apiVersion, uid: '', digest, fieldsHash: '' }
}

/** Runs a removal's hooks of an event; true when all of them have succeeded. */
export async function attendDeletion(run: RunState, event: DeletionEvent): Promise<boolean> {
  const hooks = layOut(run.app.manifest).hooks[event]
  if (!areHooksDone(run, event, hooks)) await attendHooks(run, event, hooks)
  return isOpen(run) && run.errors.length === 0 && areHooksDone(run, event, hooks)
}
