import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import { shortRevision } from '@groundswell/proto/revision.ts'
import type { ApplicationView, ClusterDiffView, ObjectsView } from '../client/gen/api.ts'
import { escapeLine } from './output.ts'
import type { createPaint } from './paint.ts'

/** Something, and what it consists of. */
export interface Branch {
  readonly text: string
  /** Whether nobody has to look at it. */
  readonly well: boolean
  readonly below: readonly Branch[]
}

/** Undefined where nothing is assigned. */
export type ObjectsAnswer = ObjectsView | undefined

type Paint = ReturnType<typeof createPaint>

/**
 * What Git asks and no cluster was given is not well either, however well all of them are.
 *
 * @param only where one cluster is asked about: what others lack makes it no less well
 */
export function growApplication(
  { name, revision, counts, targets, behind = 0, faults = [] }: ApplicationView,
  below: readonly Branch[],
  only?: string,
): Branch {
  const parts = [
    `${name} ${shortRevision(revision ?? '')}`,
    `${counts.updated}/${targets} clusters updated`,
    ...(behind > 0 ? [`Git asks for something else on ${behind} of them`] : []),
    ...(faults[0] ? [`the newest commit is not rolled out: ${faults[0].message}`] : []),
  ]
  const isAsked = only !== undefined || (behind === 0 && faults.length === 0)
  return { text: parts.join(', '), well: isAsked && below.every(({ well }) => well), below }
}

/** @param whole also with the objects that are well */
export function growCluster(diff: ClusterDiffView, objects: ObjectsAnswer, whole: boolean): Branch {
  const branches = (objects?.items ?? []).map(growObject)
  const ill = branches.filter(({ well }) => !well)
  const all = sum(objects?.kinds.map((kind) => kind.objects))
  const unwell = sum(objects?.kinds.map((kind) => kind.unwell))
  const { state } = diff.connection
  const parts = [
    `cluster ${diff.cluster} ${shortRevision(diff.desiredRevision ?? '')}`,
    state,
    diff.upToDate ? 'updated' : 'not updated',
    `${all - unwell}/${all} objects well`,
    ...(diff.driftedObjects > 0 ? [`${diff.driftedObjects} drifted`] : []),
  ]
  return {
    text: parts.join(', '),
    well: state === 'Connected' && diff.upToDate && diff.driftedObjects === 0 && unwell === 0,
    below: whole ? branches : ill,
  }
}

function sum(counts: readonly number[] = []): number {
  return counts.reduce((total, count) => total + count, 0)
}

function growObject({ id, health, message, drift }: ObjectsView['items'][number]): Branch {
  const parts = [
    describeObject(parseObjectId(id)),
    health ?? 'not reported',
    ...(message ? [message] : []),
    ...(drift ? [drift.missing ? 'missing' : `drifted in ${drift.fields.length} fields`] : []),
  ]
  return { text: parts.join(', '), well: health === 'Current' && drift === null, below: [] }
}

/** Lines, each set in under what it belongs to; what is not well has a mark, not only a colour. */
export function formatTree(root: Branch, paint: Paint): string {
  return [show(root, paint), ...linesOf(root.below, '', paint)].map((line) => `${line}\n`).join('')
}

function linesOf(branches: readonly Branch[], indent: string, paint: Paint): string[] {
  return branches.flatMap((branch, at) => {
    const last = at === branches.length - 1
    return [
      `${indent}${last ? '└─ ' : '├─ '}${show(branch, paint)}`,
      ...linesOf(branch.below, `${indent}${last ? '   ' : '│  '}`, paint),
    ]
  })
}

function show({ text, well }: Branch, paint: Paint): string {
  return well ? escapeLine(text) : paint('removed', `! ${escapeLine(text)}`)
}
