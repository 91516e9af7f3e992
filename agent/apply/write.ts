import type { Digest } from '@groundswell/proto/digest.ts'
import type { LiveObject } from '../cluster/port.ts'
import { AgentError } from '../errors.ts'
import { hashProjection } from '../observe/fields.ts'
import type { ObjectRecord } from '../observe/object-record.ts'
import type { VerifiedPresent } from '../trust/verified.ts'
import { type Body, isReplaceAllowed, markBody, parseBody } from './body.ts'
import { type ApplyDeps, writeSignal } from './deps.ts'
import { expectationOf, ignoredOf } from './expectation.ts'
import type { InventoryEntry } from './inventory.ts'
import { fieldManager } from './ownership.ts'
import { leaveIgnored } from './leave-ignored.ts'
import type { Wanted } from './plan.ts'

const goneWithinMs = 30_000
const pauseMs = 200

/**
 * Writes one object and tells the observer what came back.
 *
 * @throws AgentError `owned_by_other`, `object_malformed`, `secret_*`, or what the API server said.
 */
export async function writeObject(
  wanted: Wanted,
  app: VerifiedPresent,
  deps: ApplyDeps,
): Promise<InventoryEntry> {
  const { id, source } = wanted
  const known = deps.observer.live(id)
  await refuseForeign(id, app.name, known, deps)
  const { body, json } = await composeBody(wanted, app, known?.scaled ?? false, deps)
  const release = deps.observer.hold(id)
  try {
    const object = await applyOrReplace(wanted, body, json, known, deps)
    const expectation = expectationOf(app, id, source.apiVersion, '?')
    const { baseline } = deps.observer.applied(id, expectation, object)
    return {
      id,
      apiVersion: source.apiVersion,
      uid: object.metadata.uid ?? '',
      digest: source.digest satisfies Digest,
      fieldsHash: baseline ? hashProjection(baseline) : '',
    }
  } finally {
    release()
  }
}

/** What is to be applied of an object: its content, our marks, and what is left to others as it lives. */
export async function composeBody(
  { id, parsed, resource, source }: Wanted,
  app: VerifiedPresent,
  scaled: boolean,
  { cluster, clusterId, open }: Pick<ApplyDeps, 'cluster' | 'clusterId' | 'open'>,
): Promise<{ readonly body: Body; readonly json: string }> {
  const bytes = await app.read(source.digest)
  const body = await open(parseBody(bytes, parsed, source.apiVersion))
  const ignored = ignoredOf(app.manifest, id)
  const live = ignored && (await cluster.get(resource, parsed, writeSignal()))
  const json = markBody(live ? leaveIgnored(body, live, ignored) : body, {
    application: app.name,
    cluster: clusterId,
    namespace: parsed.namespace,
    scaled,
  })
  return { body, json }
}

async function refuseForeign(
  id: string,
  application: string,
  known: ObjectRecord | undefined,
  { claims, clusterId, inventories, inventory }: ApplyDeps,
): Promise<void> {
  const current = known?.application ?? ''
  const holder = claims.holder(id, current)
  if (holder !== undefined && holder !== application) {
    throw new AgentError('owned_by_other', `application ${holder} has this object too`)
  }
  // Another's object is taken over when the snapshot says its owner lets it go, or nobody minds it.
  if (current && current !== application && !claims.knows(current)) {
    const theirs = await inventories.load(current, writeSignal())
    if (theirs.has(id)) {
      throw new AgentError('owned_by_other', `belongs to application ${current}`)
    }
  }
  // What our inventory holds is ours, whatever id the cluster's record had when it was applied.
  if (known?.cluster && known.cluster !== clusterId && !inventory.has(id)) {
    throw new AgentError('owned_by_other', `belongs to the agent of cluster ${known.cluster}`)
  }
}

async function applyOrReplace(
  { parsed, resource }: Wanted,
  body: Body,
  json: string,
  known: ObjectRecord | undefined,
  { cluster, clock }: ApplyDeps,
): Promise<LiveObject> {
  const options = { fieldManager, force: true }
  try {
    return await cluster.apply(resource, parsed, json, options, writeSignal())
  } catch (error) {
    const immutable = error instanceof AgentError && error.code === 'apply_invalid'
    if (!immutable || !known?.uid || !isReplaceAllowed(body)) throw error
    const until = writeSignal()
    // Wanting it gone must not outlive a body that would be refused anyway, hence no second try.
    await cluster.delete(resource, parsed, known.uid, until)
    const deadline = clock.now() + goneWithinMs
    while ((await cluster.get(resource, parsed, until))?.metadata.uid === known.uid) {
      if (clock.now() > deadline) {
        throw new AgentError('apply_failed', 'waits for the old object to go', { cause: error })
      }
      await clock.sleep(pauseMs, until)
    }
    return cluster.apply(resource, parsed, json, options, until)
  }
}
