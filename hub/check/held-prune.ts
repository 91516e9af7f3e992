import { describeObject, formatObjectId, type ObjectId } from '@groundswell/proto/object-id.ts'
import { confirmationOfIds, lossWith, pruneLimitOf } from '@groundswell/proto/prune.ts'
import type { Declared } from '../fleet/fleet.ts'
import type { ApplicationSpec } from '../fleet/kinds/application.ts'
import { type Finding, placeFinding } from './finding.ts'
import type { Fate } from './removal.ts'
import type { RenderedContent } from './rendered-fleet.ts'

/** Deletions of one application on one cluster, and what it had and keeps there. */
export interface Deletions {
  readonly application: Declared<ApplicationSpec>
  readonly cluster: string
  readonly deleted: readonly ObjectId[]
  readonly before: RenderedContent
  readonly after: RenderedContent
}

/** Deletions that an agent holds back. */
export interface Holding {
  readonly finding: Finding
  /** Of those that would be deleted. */
  readonly objects: readonly ObjectId[]
}

/**
 * Foresees that an agent will hold deletions back (`prune_held`), by the agent's own rules. What
 * runs there may be more than the base of the change wants, so this is a forecast.
 */
export function foretellHeld({
  application,
  cluster,
  deleted,
  before,
  after,
}: Deletions): Holding | undefined {
  const { spec } = application
  const confirmation = confirmationOfIds(after.objects.map(({ id }) => formatObjectId(id)))
  if (deleted.length === 0 || spec.confirmPrune?.some((one) => one === confirmation)) {
    return undefined
  }
  const known = before.objects.length
  const limit = pruneLimitOf(known, spec.pruneLimit)
  const isMany = deleted.length > limit.objects
  const held = isMany ? deleted : deleted.filter((id) => lossWith(id) !== undefined)
  const why = isMany
    ? `${deleted.length} of ${known} objects would be deleted, more than ${limit.words}`
    : held.map((id) => `${describeObject(id)} would be deleted: ${lossWith(id)}`)[0]
  if (why === undefined) return undefined
  const message = `${why}. Agents hold this back (prune_held) until the Application says confirmPrune: [${confirmation}]`
  const finding = placeFinding(
    {
      ...{ severity: 'warning', rule: 'prune_held', message, file: '', line: 0, column: 0 },
      ...{ repository: 'fleet', anchor: { file: '', line: 0 }, object: '', application: '' },
      clusters: [cluster],
    },
    application,
  )
  return { finding, objects: held }
}

/** Has those that an agent holds back said to be so. */
export function markHeld<
  T extends { readonly fate: Fate | null; readonly object: { readonly id: ObjectId } },
>(differences: readonly T[], holding: Holding | undefined): T[] {
  return differences.map((one) =>
    one.fate === 'deleted' && holding?.objects.includes(one.object.id)
      ? { ...one, fate: 'held back until it is confirmed' }
      : one,
  )
}
