import { posix } from 'node:path'
import { Type } from 'typebox'
import type { Fault } from '../../errors.ts'
import { apiVersion } from '../kinds.ts'
import { ApplicationSpec } from '../kinds/application.ts'
import { ApplicationSource } from '../kinds/application-source.ts'
import { closed, Labels, Name } from '../kinds/fields.ts'
import { findSchemaFaults } from './schema-faults.ts'
import type { YamlDocument, YamlPath } from './yaml-document.ts'

/** The file's name, in any directory of the fleet repository. */
const shorthandFile = 'swell.yaml'

const { source: _, ...specFields } = ApplicationSpec.properties
const { repository: _repository, path: _path, ...sourceFields } = ApplicationSource.properties

/**
 * What a `swell.yaml` holds: an Application whose source is the directory the file stands in. The
 * fields of its spec and of its source stand side by side; the name is the directory's unless given.
 */
export const Shorthand = Type.Object(
  {
    name: Type.Optional(Name),
    labels: Type.Optional(Labels),
    annotations: Type.Optional(Labels),
    ...specFields,
    ...sourceFields,
  },
  closed,
)

export function isShorthand(file: string, value?: unknown): boolean {
  // One may write the Application out, too.
  const isWhole = typeof value === 'object' && value !== null && 'apiVersion' in value
  return posix.basename(file) === shorthandFile && !isWhole
}

/**
 * A document of a `swell.yaml` → the Application it stands for, which places its faults where the
 * shorthand has them; undefined when it has faults itself.
 */
export function expandShorthand(document: YamlDocument, faults: Fault[]): YamlDocument | undefined {
  const { file, value } = document
  const directory = posix.dirname(file)
  const object = `Application ${nameOf(value) ?? posix.basename(directory)}`
  const report = (path: YamlPath, message: string, key = false) =>
    faults.push({ file, ...document.locate(path, key), object, message })
  const found = findSchemaFaults(Shorthand, value)
  for (const fault of found) report(fault.path, fault.message, fault.key)
  if (found.length > 0) return undefined

  const given = value as Readonly<Record<string, unknown>>
  const name = nameOf(value) ?? posix.basename(directory)
  if (findSchemaFaults(Name, name).length > 0) {
    report([], `give a \`name\`: the directory's, "${name}", is none for an Application`)
    return undefined
  }
  const pick = (names: object) =>
    Object.fromEntries(Object.entries(given).filter(([field]) => Object.hasOwn(names, field)))
  const application = {
    apiVersion,
    kind: 'Application',
    metadata: { ...pick({ labels: 0, annotations: 0 }), name },
    spec: { ...pick(specFields), source: { ...pick(sourceFields), path: directory } },
  }
  return {
    file,
    value: application,
    locate: (path, key) => document.locate(toShorthandPath(path), key),
  }
}

function nameOf(value: unknown): string | undefined {
  const name = (value as { name?: unknown } | null)?.name
  return typeof name === 'string' ? name : undefined
}

/** `spec.source.helm.values` → `helm.values`; what is not written there is the whole document. */
function toShorthandPath([first, second, ...rest]: YamlPath): YamlPath {
  if (first === 'metadata') return second === undefined ? [] : [second, ...rest]
  if (first !== 'spec' || second === undefined) return []
  if (second !== 'source') return [second, ...rest]
  return rest[0] === 'path' || rest[0] === 'repository' ? [] : rest
}
