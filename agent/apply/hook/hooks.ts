import { type HookEvent, isDeletionEvent } from '@groundswell/proto/apply-rules.ts'
import type { ManifestObject } from '@groundswell/proto/manifest.ts'
import { describeObject, type ObjectId } from '@groundswell/proto/object-id.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { LiveObject } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import { type Body, markBody, parseBody } from '../write/body.ts'
import { writeSignal } from '../deps.ts'
import {
  formatRunMark,
  type HookRun,
  type HookState,
  parseRunMark,
  recordHook,
  stateOfHook,
} from './hook-record.ts'
import { judgeHook, runsToAnEnd } from './hook-verdict.ts'
import { refuseForeign } from '../write/foreign.ts'
import { findEntry } from '../inventory/inventory.ts'
import { waveOf } from './layout.ts'
import { toObjectError } from '../run/object-error.ts'
import { fieldManager, hookRunMark, ownerOf } from '../inventory/ownership.ts'
import type { Wanted } from '../run/plan.ts'
import { isPrecious } from '../prune/prune-hold.ts'
import { resolveObjects } from '../run/resolve.ts'
import { describeTimeout, isLate, remember, type RunState, waitFor } from '../run/run-state.ts'

const words: Readonly<Record<HookEvent, string>> = {
  pre: 'pre hook',
  sync: 'hook',
  post: 'post hook',
  fail: 'fail hook',
  'pre-delete': 'pre-delete hook',
  'post-delete': 'post-delete hook',
}

/**
 * Runs an event's hooks that have not run for this content: those of a weight together, and the
 * next when they have ended. What is still running is waited for, by a later run if need be.
 * Stops the application when one failed.
 */
export async function attendHooks(
  run: RunState,
  event: HookEvent,
  hooks: readonly ManifestObject[],
): Promise<void> {
  const { deps, app, signal } = run
  for (const [, together] of Map.groupBy(hooks, waveOf)) {
    if (areHooksDone(run, event, together)) continue
    const resolved = await resolveObjects(together, app.manifest, deps, false, signal)
    const states: HookState[] = resolved.errors.map(() => 'failed')
    run.errors.push(...resolved.errors)
    for (const wanted of resolved.wanted) {
      if (signal.aborted) return
      states.push(await attendHook(run, event, wanted))
    }
    if (states.includes('failed')) run.stopped = true
    if (states.some((state) => state !== 'succeeded')) return
  }
}

/** Whether an event's hooks have all run for this content. */
export function areHooksDone(
  run: RunState,
  event: HookEvent,
  hooks: readonly ManifestObject[],
): boolean {
  const { generation, manifest } = run.app
  return hooks.every(({ id }) => {
    const entry = findEntry(run.inventory, id, manifest)
    // Applied as an ordinary object by an agent that knew no hooks, and nothing new since.
    if (entry && !entry.hook && !run.contentDue && !isDeletionEvent(event)) return true
    return stateOfHook(entry?.hook, event, run.content, generation) === 'succeeded'
  })
}

async function attendHook(run: RunState, event: HookEvent, wanted: Wanted): Promise<HookState> {
  const { id, parsed, source } = wanted
  const { content, app, deps } = run
  const name = `${words[event]} ${describeObject(parsed)}`
  const { hook: known, uid } = run.inventory.get(id) ?? {}
  const state = stateOfHook(known, event, content, app.generation)
  if (state === 'succeeded') return state
  if (state === 'failed') return fail(run, wanted, `${name} failed: ${known?.message ?? ''}`)
  try {
    const found = await deps.cluster.get(wanted.resource, parsed, writeSignal())
    const mark = found && parseRunMark(found.metadata.annotations?.[hookRunMark])
    // An inventory that was lost remembers no run, but its object does.
    const begun =
      mark?.content === content && mark.event === event && known?.content !== content
        ? mark
        : { content, generation: app.generation }
    const record = state === 'running' && known ? known : recordHook(known, event, 'running', begun)
    const note = (state: HookState, live: LiveObject | undefined, message = '') =>
      remember(run, {
        id,
        apiVersion: source.apiVersion,
        uid: live?.metadata.uid ?? '',
        digest: source.digest,
        fieldsHash: '',
        hook: recordHook(record, event, state, record, message),
      })
    if (state === undefined) {
      // Written first, so that a crash leaves no hook that nobody remembers having begun.
      note('running', undefined)
      await deps.inventories.save(app.name, run.inventory, writeSignal())
    }
    if (state === 'running' && uid && !found) {
      note('failed', undefined, vanished)
      return fail(run, wanted, `${name} failed: ${vanished}`)
    }
    const live = await begin(run, wanted, found, { event, ...record })
    if (!live) {
      waitFor(run, id, source.file, `${name} waits for its former run to go`)
      return 'running'
    }
    const verdict = judgeHook(live, deps.clock.now())
    if (verdict.state === 'running') {
      // That it was made: one that is gone later is not made again, as if it had never run.
      if (uid !== live.metadata.uid) note('running', live)
      if (!isLate(run, id)) {
        run.waiting.push(`${name} ${verdict.message}`)
        return 'running'
      }
      const late = `${verdict.message} within ${describeTimeout(run)}`
      note('failed', live, late)
      return fail(run, wanted, `${name} failed: ${late}`)
    }
    note(verdict.state, live, verdict.message)
    const cleanup = source.rules?.hook?.cleanup ?? []
    if (cleanup.includes(verdict.state)) await clean(run, wanted, live)
    if (verdict.state === 'succeeded') return verdict.state
    return fail(run, wanted, `${name} failed: ${verdict.message}`)
  } catch (error) {
    run.errors.push(toObjectError(id, source.file, error))
    return 'failed'
  }
}

function fail(run: RunState, { id, source }: Wanted, message: string): HookState {
  run.errors.push({ object: id, file: source.file, code: 'hook_failed', message })
  return 'failed'
}

/** The object of this run, made when it is not there; undefined while one before is in its way. */
async function begin(
  { app, deps }: RunState,
  { id, parsed, resource, source }: Wanted,
  found: LiveObject | undefined,
  hookRun: HookRun,
): Promise<LiveObject | undefined> {
  const signal = writeSignal()
  const mark = formatRunMark(hookRun)
  if (found && found.metadata.annotations?.[hookRunMark] === mark) return found
  await refuseForeign(id, app.name, found && ownerOf(found), deps)
  if (found) {
    refuseUnowned(found, parsed)
    if (found.metadata.deletionTimestamp) return undefined
    const cleanup = source.rules?.hook?.cleanup ?? []
    const former = runsToAnEnd(found) ? judgeHook(found, deps.clock.now()).state : undefined
    const isCleared = cleanup.some((when) => when === 'before' || when === former)
    if (isCleared && !isPrecious(parsed)) {
      await deps.cluster.delete(resource, parsed, found.metadata.uid ?? '', signal)
      if (await deps.cluster.get(resource, parsed, signal)) return undefined
    } else if (former === 'running') return undefined
    else if (former) throw leftBefore(parsed)
  }
  const content = parseBody(await app.read(source.digest), parsed, source.apiVersion)
  const { body } = await deps.open(content, parsed.namespace, signal)
  const json = markBody(keepEnd(body), {
    ...{ application: app.name, cluster: deps.clusterId, namespace: parsed.namespace },
    ...{ scaled: false, hookRun: mark },
  })
  const options = { fieldManager, force: true }
  return (await deps.cluster.apply(resource, parsed, json, options, signal)).object
}

/** A Job that would be gone at once stays until its end can have been seen. */
function keepEnd(body: Body): Body {
  const spec = body['spec']
  if (body.kind !== 'Job' || !isRecord(spec)) return body
  const { ttlSecondsAfterFinished: ttl } = spec
  if (typeof ttl !== 'number' || ttl >= shortestTtl) return body
  return { ...body, spec: { ...spec, ttlSecondsAfterFinished: shortestTtl } }
}

/** Seconds. */
const shortestTtl = 300

const vanished =
  'its object went before its end was seen, so nobody knows whether it did its work; retry the rollout to run it again'

/** Applying it again would run nothing, and the end of the run before would be taken for that of this one. */
function leftBefore(id: ObjectId): AgentError {
  const name = describeObject(id)
  return new AgentError(
    'hook_failed',
    `${name} is there from a run before, and its delete policy keeps it, so it cannot run again: delete it, and give it the policy before-hook-creation (BeforeHookCreation) as well`,
  )
}

/** What is nobody's is only taken where another tool's hook of the same name has left it. */
function refuseUnowned(found: LiveObject, id: ObjectId): void {
  if (ownerOf(found).application !== '') return
  const notes = found.metadata.annotations ?? {}
  if (notes['helm.sh/hook'] ?? notes['argocd.argoproj.io/hook']) return
  const name = describeObject(id)
  throw new AgentError('owned_by_other', `${name} is there already, and was not made by a hook`)
}

async function clean(
  { deps }: RunState,
  { parsed, resource }: Wanted,
  live: LiveObject,
): Promise<void> {
  if (isPrecious(parsed) || !live.metadata.uid) return
  await deps.cluster.delete(resource, parsed, live.metadata.uid, writeSignal())
}
