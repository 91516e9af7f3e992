import type { ObjectError } from '../observe/status.ts'
import type { VerifiedPresent } from '../trust/verified.ts'
import { areReady, expectations, mayGo, planObjects, writeSteps } from './apply-objects.ts'
import { type ApplyDeps, type ApplyResult, writeSignal } from './deps.ts'
import { noteDeletionHooks } from './deletion-hooks.ts'
import { areHooksDone, attendHooks } from './hooks.ts'
import {
  findLeftovers,
  inNameOf,
  type InventoryEntry,
  mergeInventory,
  sameInventory,
} from './inventory.ts'
import { type Layout, layOut, listSpellings, waveOf } from './layout.ts'
import { toObjectError } from './object-error.ts'
import { type ApplyStep, findPruneBar, type Wanted } from './plan.ts'
import { holdManyPrunes, holdPreciousPrune } from './prune-hold.ts'
import { type PruneResult, pruneObjects } from './prune.ts'
import { createRun, isOpen, type RunState, waitFor } from './run-state.ts'
import { settle } from './settle.ts'

const definition = 'CustomResourceDefinition'

/**
 * Brings one application nearer to its manifest: hooks that come first, setup objects, the rest by
 * wave and stage, hooks that come last, then pruning. Goes on past one object's failure and returns
 * every fault. What has to be waited for ends the run: the next one goes on from there, since all
 * it needs is in the cluster. An aborted signal stops it between writes, never within one.
 *
 * @throws AgentError when the inventory cannot be written: then nothing more is touched.
 */
export async function applyApplication(
  app: VerifiedPresent,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const run = createRun(app, deps, signal)
  await noteDeletionHooks(run)
  const layout = layOut(app.manifest)
  let definitionsChanged = false
  if (layout.hooks.pre.length > 0) {
    await setUp(run, layout.home)
    if (run.errors.length > 0) run.stopped = true
    if (isOpen(run)) await attendHooks(run, 'pre', layout.hooks.pre)
  }
  if (!signal.aborted) definitionsChanged = await setUp(run, layout.setup)
  if (!signal.aborted) await applyWaves(run, layout, definitionsChanged)
  if (isOpen(run) && run.errors.length === 0) await finishHooks(run, layout)
  if (run.errors.length > 0 && run.contentDue && !signal.aborted) {
    await attendHooks(run, 'fail', layout.hooks.fail)
  }

  // Pruning comes last, and only when all that should be there is there.
  const { gone, deleted } = isOpen(run) || run.errors.length > 0 ? await prune(run) : nothing
  const final = inNameOf(
    mergeInventory(run.inventory, run.applied, gone),
    app.manifest.serviceAccount,
  )
  if (!sameInventory(deps.inventory, final)) {
    await deps.inventories.save(app.name, final, writeSignal())
  }
  deps.observer.expect(app.name, expectations(app, run.located, final, [], deps))
  if (!signal.aborted) deps.observer.needOnly(app.name, run.resources)
  const { errors, waiting, changed, repaired } = run
  const finished = !signal.aborted
  return { inventory: final, errors, waiting, changed, repaired, pruned: deleted, finished }
}

/** Applies what others need to exist, and waits for it. True when definitions changed. */
async function setUp(run: RunState, objects: Layout['setup']): Promise<boolean> {
  const { wanted, steps } = await planObjects(run, objects, false)
  const due = steps.filter(({ cause }) => cause === 'repair' || isOpen(run))
  await writeSteps(run, due)
  if (run.signal.aborted) return false
  const changed = due.some(({ wanted }) => wanted.parsed.kind === definition)
  if (isOpen(run)) run.errors.push(...(await settle(wanted, run.deps, run.signal)))
  if (changed) run.deps.cluster.forgetResources()
  return changed
}

/** A wave begins when all before it are healthy; repairs are made whatever their wave. */
async function applyWaves(run: RunState, layout: Layout, patient: boolean): Promise<void> {
  const { wanted, steps } = await planObjects(run, layout.rest, patient)
  const { sync } = layout.hooks
  for (const [index, wave] of layout.waves.entries()) {
    if (index > 0 && run.errors.length > 0) run.stopped = true
    const open = isOpen(run)
    const isDue = (step: ApplyStep) => step.cause === 'repair' || (open && mayGo(run, step))
    await writeSteps(run, steps.filter((step) => waveOf(step.wanted.source) === wave).filter(isDue))
    if (!isOpen(run)) continue
    await attendHooks(
      run,
      'sync',
      sync.filter((hook) => waveOf(hook) === wave),
    )
    if (!isOpen(run) || run.errors.length > 0) continue
    const next = layout.waves[index + 1]
    const isLater = (one: Wanted['source']) => waveOf(one) > wave
    const more =
      steps.some(({ wanted, cause }) => cause === 'content' && isLater(wanted.source)) ||
      !areHooksDone(run, 'sync', sync.filter(isLater))
    if (next === undefined || !more) continue
    areReady(
      run,
      wanted.filter(({ source }) => !isLater(source)),
      `wave ${next}`,
    )
  }
}

async function finishHooks(run: RunState, { hooks }: Layout): Promise<void> {
  if (areHooksDone(run, 'post', hooks.post)) return
  if (areReady(run, run.located, 'the post hook')) await attendHooks(run, 'post', hooks.post)
}

const nothing: PruneResult = { gone: [], deleted: [], lingering: [], errors: [] }

async function prune(run: RunState): Promise<PruneResult> {
  const { app, deps, signal } = run
  const { manifest } = app
  const wanted = listSpellings(manifest)
  for (const { id } of run.located) wanted.add(id)
  const leftovers = findLeftovers(run.inventory, wanted)
  if (leftovers.length === 0 || signal.aborted) return nothing
  const bar = findPruneBar(manifest, run.errors.length)
  if (bar !== undefined) {
    if (manifest.objects.length === 0 && manifest.prune.enabled) {
      run.errors.push(refusal(`nothing pruned: ${bar}`))
    }
    return nothing
  }
  const result = await pruneLeftovers(leftovers, run.inventory.size, app, deps, signal)
  run.errors.push(...result.errors)
  for (const { id, words } of result.lingering) waitFor(run, id, '', words)
  return result
}

function refusal(message: string): ObjectError {
  return { object: '', file: '', code: 'prune_refused', message }
}

async function pruneLeftovers(
  leftovers: readonly InventoryEntry[],
  known: number,
  { name, manifest }: VerifiedPresent,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<PruneResult> {
  // What another application has taken over is no loss, nor what a hook has left.
  const lost = leftovers.filter(
    ({ id, hook }) => !hook && (deps.claims.holder(id, '') ?? name) === name,
  )
  try {
    holdManyPrunes(lost.map(({ id }) => id).sort(), known, manifest)
  } catch (error) {
    return { ...nothing, errors: [toObjectError('', '', error)] }
  }
  const hold = (id: string) => holdPreciousPrune(id, manifest)
  return pruneObjects(leftovers, name, 'Delete', deps, signal, hold)
}
