import { digestOf } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import { describeObject } from '@groundswell/proto/object-id.ts'
import type { LiveObject } from '../../cluster/port.ts'
import { AgentError, RefusedError } from '../../errors.ts'
import { at } from '../../observe/health-facts.ts'
import type { ObjectRecord } from '../../observe/object-record.ts'
import { type Body, isReplaceAllowed } from './body.ts'
import { type ApplyDeps, writeSignal } from '../deps.ts'
import { explainImmutable } from './immutable.ts'
import { fieldManager } from '../inventory/ownership.ts'
import type { Wanted } from '../run/plan.ts'
import { isPrecious } from '../prune/prune-hold.ts'

/** One object about to be written. */
export interface Draft {
  readonly wanted: Wanted
  readonly body: Body
  /** The text that is sent: the body with our marks. */
  readonly json: string
}

export interface Written {
  readonly object: LiveObject
  /** `replaced`: it was made anew in the place of one that was there. */
  readonly how: 'created' | 'changed' | 'replaced'
}

const goneWithinMs = 30_000
const pauseMs = 200
const probeLength = 40

/**
 * Applies an object. One whose change the API server refuses is deleted and made anew where its
 * author allows that, and only once the new one is known to be let in.
 *
 * @throws AgentError that says which field cannot change, from what to what, and how to allow it.
 */
export async function applyOrReplace(
  draft: Draft,
  known: ObjectRecord | undefined,
  { force }: { readonly force: boolean },
  manifest: Manifest,
  deps: ApplyDeps,
): Promise<Written> {
  const { wanted, body, json } = draft
  const { parsed, resource } = wanted
  const { cluster } = deps
  try {
    const options = { fieldManager, force }
    const answer = await cluster.apply(resource, parsed, json, options, writeSignal())
    return { object: answer.object, how: answer.created ? 'created' : 'changed' }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    // Where it cannot be looked at, the refusal says more than that.
    const live = await cluster.get(resource, parsed, writeSignal()).catch(() => undefined)
    const fields = live ? explainImmutable(error.causes, JSON.parse(json), live) : []
    if (!live || fields.length === 0) throw error
    const name = describeObject(parsed)
    const what = `${name}: ${fields.join('; ')}`
    const ours = known?.uid !== undefined && known.uid === live.metadata.uid
    if (!ours || !(wanted.source.rules?.replace || isReplaceAllowed(body))) {
      throw new AgentError('apply_invalid', `${what}. ${howToReplace(wanted)}`, { cause: error })
    }
    if (isPrecious(parsed)) confirm(`${what}. It is not replaced: all it holds`, wanted, manifest)
    else if (takesClaims(live)) {
      confirm(`${what}. It is not replaced: by its retention policy its claims`, wanted, manifest)
    }
    await probe(draft, deps)
    return { object: await replace(draft, live, error, deps), how: 'replaced' }
  }
}

function howToReplace({ parsed: { kind, name } }: Wanted): string {
  return `To have it deleted and made anew, the Application says replace: [{ kind: ${kind}, name: ${name} }], or the object groundswell.dev/replace: enabled`
}

/** @throws AgentError `prune_held` unless the Application confirms just this replacement. */
function confirm(what: string, { id, source }: Wanted, { prune }: Manifest): void {
  const confirmation = digestOf(`replace ${id} by ${source.digest}`)
  if (prune.confirmed?.includes(confirmation)) return
  throw new AgentError(
    'prune_held',
    `${what} would go with it. If that is meant, the Application says so: confirmPrune: [${confirmation}]`,
  )
}

/** Whether a StatefulSet has the claims of its pods deleted when it is deleted itself, data and all. */
function takesClaims(live: LiveObject): boolean {
  const policy = at(live, 'spec', 'persistentVolumeClaimRetentionPolicy', 'whenDeleted')
  return live.kind === 'StatefulSet' && policy === 'Delete'
}

/** What only the object in place, or the other name, is to blame for. */
const ofTheProbe = /already (?:allocated|exists|in use)/i

/**
 * Asks whether the new one would be let in, under another name, before the old one is deleted.
 *
 * @throws AgentError when it would not.
 */
async function probe(
  { wanted: { parsed, resource }, json }: Draft,
  { cluster }: ApplyDeps,
): Promise<void> {
  const body = JSON.parse(json) as { metadata: object }
  const name = `${parsed.name.slice(0, probeLength).replace(/[^a-z0-9]+$/, '')}-probe`
  const text = JSON.stringify({ ...body, metadata: { ...body.metadata, name } })
  const options = { fieldManager, force: true, dryRun: true }
  try {
    await cluster.apply(resource, { ...parsed, name }, text, options, writeSignal())
  } catch (error) {
    const passing =
      error instanceof RefusedError &&
      error.causes.length > 0 &&
      error.causes.every(
        ({ field, message }) => field === 'metadata.name' || ofTheProbe.test(message),
      )
    if (!passing) throw error
  }
}

async function replace(
  { wanted: { parsed, resource }, json }: Draft,
  { metadata: { uid = '' } }: LiveObject,
  cause: Error,
  { cluster, clock }: ApplyDeps,
): Promise<LiveObject> {
  const until = writeSignal()
  await cluster.delete(resource, parsed, uid, until)
  const deadline = clock.now() + goneWithinMs
  while ((await cluster.get(resource, parsed, until))?.metadata.uid === uid) {
    if (clock.now() > deadline) {
      throw new AgentError('apply_failed', 'waits for the old object to go', { cause })
    }
    await clock.sleep(pauseMs, until)
  }
  const options = { fieldManager, force: true }
  return (await cluster.apply(resource, parsed, json, options, until)).object
}
