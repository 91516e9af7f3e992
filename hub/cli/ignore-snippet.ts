import { whyNoPointer } from '@groundswell/proto/ignore-rule.ts'
import { describeObject, type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { stringify } from 'yaml'
import type { ClusterDiffView } from '../client/gen/api.ts'
import { CliFailure } from './failure.ts'

type Drift = ClusterDiffView['drift'][number]

/** The rule for Git that leaves fields of a drifted object to whoever changed them. */
export interface IgnoreSnippet {
  readonly drift: Drift
  readonly pointers: readonly string[]
  /** YAML, to stand in the Application's `spec`. */
  readonly text: string
}

/**
 * @param object its id, `kind/name`, or the name alone
 * @param field JSON Pointer at or above what differs; all that differs when left out
 * @throws CliFailure when no such object differs, or not there
 */
export function writeIgnoreSnippet(
  drifted: readonly Drift[],
  object: string,
  field?: string,
): IgnoreSnippet {
  const drift = findDrifted(drifted, object)
  const id = parseObjectId(drift.object)
  const pointers = choosePointers(drift, id, field)
  const rule = {
    group: id.group,
    kind: id.kind,
    ...(id.namespace && { namespace: id.namespace }),
    name: id.name,
    jsonPointers: pointers,
  }
  return { drift, pointers, text: stringify({ ignoreDifferences: [rule] }, { lineWidth: 0 }) }
}

function findDrifted(drifted: readonly Drift[], object: string): Drift {
  const found = drifted.filter(({ object: id }) => id === object || isCalled(id, object))
  const [first, ...more] = found
  if (first && more.length === 0) return first
  const lines = (first ? found : drifted).map(({ object }) => object)
  if (first)
    throw new CliFailure(1, `"${object}" fits several objects; give one of these`, { lines })
  throw new CliFailure(
    1,
    drifted.length > 0 ? `"${object}" does not differ; these do` : 'nothing differs there',
    { lines },
  )
}

function isCalled(id: string, text: string): boolean {
  const { kind, name } = parseObjectId(id)
  return text === name || text.toLowerCase() === `${kind}/${name}`.toLowerCase()
}

function choosePointers(drift: Drift, id: ObjectId, field: string | undefined): string[] {
  const name = describeObject(id)
  if (drift.missing) {
    throw new CliFailure(1, `${name} is missing, which no rule can ignore`, {
      hint: 'take it out of Git, or set `drift: report` for the application',
    })
  }
  const paths = drift.fields.map(({ path }) => path).filter((path) => path !== '')
  if (paths.length === 0) {
    throw new CliFailure(1, `${name} differs, and its agent cannot tell in which field`)
  }
  if (field === undefined) return paths
  const wrong = whyNoPointer(field)
  if (wrong) throw new CliFailure(2, `${field}: ${wrong}`)
  const covers = paths.some((path) => path === field || path.startsWith(`${field}/`))
  if (covers) return [field]
  throw new CliFailure(1, `${name} does not differ in ${field}; it does in these`, { lines: paths })
}
