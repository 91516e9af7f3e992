import type { VerifiedPresent } from '../../trust/verified.ts'
import { areReady, expectations, mayGo, planObjects, writeSteps } from './apply-objects.ts'
import { type ApplyDeps, type ApplyResult, writeSignal } from '../deps.ts'
import { noteDeletionHooks } from '../hook/deletion-hooks.ts'
import { areHooksDone, attendHooks } from '../hook/hooks.ts'
import { inNameOf, mergeInventory, sameInventory } from '../inventory/inventory.ts'
import { type Layout, layOut, waveOf } from '../hook/layout.ts'
import type { ApplyStep, Wanted } from './plan.ts'
import { pruneLeftovers } from '../prune/prune-leftovers.ts'
import { createRun, isOpen, type RunState } from './run-state.ts'
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
  if (run.errors.length > 0 && !deps.isAway(run.errors) && run.contentDue && !signal.aborted) {
    await attendHooks(run, 'fail', layout.hooks.fail)
  }

  // Pruning comes last, and only when all that should be there is there.
  const { gone, deleted, spared } =
    isOpen(run) || run.errors.length > 0 ? await pruneLeftovers(run) : nothing
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
  const pruned = deleted
  return { inventory: final, errors, waiting, changed, repaired, pruned, spared, finished }
}

const nothing = { gone: [], deleted: [], spared: [] } as const

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
