import type { Digest } from '@groundswell/proto/digest.ts'
import type { LiveObject } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import { isScaledByOther } from '../../observe/drift.ts'
import { hashProjection, saltOf } from '../../observe/fields.ts'
import { ownersPath } from '../../observe/object-record.ts'
import type { VerifiedPresent } from '../../trust/verified.ts'
import { holdToAdoption } from './adoption.ts'
import { type Body, markBody, parseBody, setsSize } from './body.ts'
import { migrateOwners } from './client-side-owners.ts'
import { type ApplyDeps, writeSignal } from '../deps.ts'
import { expectationOf, ignoredOf } from './expectation.ts'
import { refuseForeign } from './foreign.ts'
import { type InventoryEntry, isMade } from '../inventory/inventory.ts'
import { fieldManager, ownerOf } from '../inventory/ownership.ts'
import { leaveIgnored } from './leave-ignored.ts'
import type { Wanted } from '../run/plan.ts'
import { applyOrReplace, type Draft } from './replace.ts'

/**
 * Writes one object and tells the observer what came back.
 *
 * @throws AgentError `owned_by_other`, `adoption_refused`, `object_malformed`, `secret_*`, or what
 *   the API server said.
 */
export async function writeObject(
  wanted: Wanted,
  app: VerifiedPresent,
  deps: ApplyDeps,
): Promise<InventoryEntry> {
  const { id, parsed, resource, source } = wanted
  const known = deps.observer.live(id)
  const before = deps.inventory.get(id)
  const fresh = !before?.uid
  const read = deps.observer.isRead(source.apiVersion, parsed.kind)
  const once = source.rules?.apply === 'once'
  const adoption = app.manifest.adoption ?? 'Always'
  // A watch that has not read its kind yet knows nothing of whose it is.
  const blind = !known && !read
  const mayBeOthers = known?.application !== app.name && adoption !== 'Always'
  const looks = once || blind || (mayBeOthers && (fresh || !known))
  const found = looks ? await deps.cluster.get(resource, parsed, writeSignal()) : undefined
  const owner = known ?? (found && ownerOf(found))
  if (
    owner &&
    deps.claims.agree(id, owner.application, app.name) &&
    owner.application !== app.name
  ) {
    return { id, apiVersion: source.apiVersion, uid: '', digest: source.digest, fieldsHash: '' }
  }
  // Where an inventory was lost, the object itself says that it is ours; another may have been put in its place.
  const unknown = fresh || (found !== undefined && found.metadata.uid !== before.uid)
  const foreign = unknown && owner?.application !== app.name
  await refuseForeign(id, app.name, owner, deps)
  if (found && once) {
    const uid = found.metadata.uid ?? ''
    const { fieldsHash = '' } = before ?? {}
    const made = isMade(before, uid, 'changed')
    const entry = { id, apiVersion: source.apiVersion, uid, digest: source.digest, fieldsHash }
    return { ...entry, ...(made && { made }) }
  }
  // What is not known to be there may be, without our label, and sized by an autoscaler.
  const scaled = known ? known.scaled : fresh || !read ? undefined : false
  const { body, json, versions } = await composeBody(wanted, app, scaled, deps)
  const draft: Draft = { wanted, body, json }
  if (found && foreign && adoption !== 'Always') {
    await holdToAdoption(found, draft, adoption, deps.cluster)
  }
  // What appears after the look is not overruled.
  const force = !(foreign && adoption !== 'Always')
  const release = deps.observer.hold(id)
  try {
    const written = await applyOrReplace(draft, known, { force }, app.manifest, deps)
    const applied = written.object
    const lost = known?.drift.some(({ path }) => path === ownersPath) ?? false
    const others = lost || applied.metadata.uid !== before?.uid
    const object = others ? await takeOver(applied, draft, deps) : applied
    const expectation = expectationOf(app, id, source.apiVersion, '?')
    const { baseline } = deps.observer.applied(id, expectation, object, source.digest)
    const uid = object.metadata.uid ?? ''
    const made = isMade(before, uid, written.how)
    return {
      id,
      apiVersion: source.apiVersion,
      uid,
      digest: source.digest satisfies Digest,
      fieldsHash: baseline ? hashProjection(baseline, saltOf(object.kind, deps.salt)) : '',
      ...(versions && { versions }),
      ...(made && { made }),
    }
  } finally {
    release()
  }
}

/**
 * What is to be applied of an object: its content, our marks, and what is left to others as it lives.
 *
 * @param scaled whether an autoscaler decides its size; undefined has the object looked at for it
 */
export async function composeBody(
  { id, parsed, resource, source }: Wanted,
  app: VerifiedPresent,
  scaled: boolean | undefined,
  { cluster, clusterId, open }: Pick<ApplyDeps, 'cluster' | 'clusterId' | 'open'>,
): Promise<{ readonly body: Body; readonly json: string; readonly versions: string }> {
  const bytes = await app.read(source.digest)
  const content = parseBody(bytes, parsed, source.apiVersion)
  const { body, versions } = await open(content, parsed.namespace, writeSignal())
  const ignored = ignoredOf(app.manifest, id)
  const looks = ignored !== undefined || (scaled === undefined && setsSize(body))
  const live = looks ? await cluster.get(resource, parsed, writeSignal()) : undefined
  const json = markBody(live && ignored ? leaveIgnored(body, live, ignored) : body, {
    application: app.name,
    cluster: clusterId,
    namespace: parsed.namespace,
    scaled: scaled ?? (live !== undefined && isScaledByOther(live)),
  })
  return { body, json, versions }
}

/**
 * Makes ours what a client-side apply put into an object before it was ours, and what of it others own
 * beside us. Controllers may write to it all the while.
 */
async function takeOver(
  applied: LiveObject,
  { wanted: { parsed, resource, source }, json }: Draft,
  { cluster }: ApplyDeps,
): Promise<LiveObject> {
  if (source.rules?.apply === 'merge') return applied
  const signal = writeSignal()
  let live = applied
  for (let attempt = 1; ; attempt += 1) {
    const managed = migrateOwners(live, fieldManager)
    if (!managed) return live
    try {
      await cluster.setManagedFields(resource, parsed, live, managed, signal)
      const options = { fieldManager, force: true }
      return (await cluster.apply(resource, parsed, json, options, signal)).object
    } catch (error) {
      const raced = error instanceof AgentError && error.code === 'apply_conflict'
      if (!raced || attempt >= takeOverAttempts) throw error
      live = (await cluster.get(resource, parsed, signal)) ?? live
    }
  }
}

const takeOverAttempts = 5
