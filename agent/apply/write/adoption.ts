import { describeObject } from '@groundswell/proto/object-id.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { Cluster, LiveObject } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import { pointerOf, valueAt } from '../../observe/fields.ts'
import { findGoing } from './client-side-owners.ts'
import { writeSignal } from '../deps.ts'
import { fieldManager, isOurMark } from '../inventory/ownership.ts'
import type { Draft } from './replace.ts'

const shownFields = 5
const shownLength = 100

/** Members that change with any write, or are not its author's. */
const passing = new Set(['managedFields', 'resourceVersion', 'generation'])

/**
 * Refuses an object that is there already and is not ours, where its Application says to: always,
 * or when applying would change it.
 *
 * @throws AgentError `adoption_refused` with what differs and who made it so.
 */
export async function holdToAdoption(
  found: LiveObject,
  { wanted: { parsed, resource, source }, json }: Draft,
  adoption: 'IfNoDiff' | 'Never',
  cluster: Cluster,
): Promise<void> {
  const there = `${describeObject(parsed)} is there already, of ${listManagers(found)}`
  if (adoption === 'Never') {
    throw new AgentError('adoption_refused', `${there}, and the Application says adoption: Never`)
  }
  const options = { fieldManager, force: true, dryRun: true }
  const { object: made } = await cluster.apply(resource, parsed, json, options, writeSignal())
  const merge = source.rules?.apply === 'merge'
  const hidden = parsed.kind === 'Secret'
  const going = merge ? [] : findGoing(made, fieldManager)
  const fields = [
    ...compare(found, made, '', hidden),
    ...going.flatMap((steps) =>
      compare(valueAt(made, steps), undefined, pointerOf(made, steps), hidden),
    ),
  ]
  if (fields.length === 0) return
  const more = fields.length - shownFields
  const shown = fields.slice(0, shownFields).join(', ') + (more > 0 ? ` and ${more} more` : '')
  throw new AgentError(
    'adoption_refused',
    `${there}, and differs, and the Application says adoption: IfNoDiff: ${shown}`,
  )
}

function listManagers({ metadata }: LiveObject): string {
  const names = new Set((metadata.managedFields ?? []).map(({ manager }) => manager))
  return names.size > 0 ? [...names].sort().join(', ') : 'a manager that is not known'
}

/** Fields that an apply would change, with both values. */
function compare(before: unknown, after: unknown, path: string, hidden: boolean): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return names
      .filter((name) => !(path === '/metadata' && passing.has(name)) && !isOurMark(name))
      .flatMap((name) => {
        const [was, is] = [before[name] ?? bare(after[name]), after[name] ?? bare(before[name])]
        return compare(was, is, `${path}/${name}`, hidden)
      })
  }
  const values = hidden ? '' : ` (${spell(before)} → ${spell(after)})`
  return [`${path}${values}`]
}

/** Our marks may be the first members of a container, which then differs in nothing else. */
function bare(other: unknown): unknown {
  return isRecord(other) ? {} : undefined
}

function spell(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value).slice(0, shownLength)
}
