import type { TSchema } from 'typebox'
import { apiVersion, type Kind, kinds } from '../kinds.ts'
import { describeField, describeKind } from './kind-words.ts'
import { Shorthand } from './shorthand.ts'

/** A JSON Schema as editors read it. */
export type JsonSchema = Readonly<Record<string, unknown>>

const dialect = 'http://json-schema.org/draft-07/schema#'

const conditional = ['if', 'then'] as const

/** Names of all schemas: one a kind, `fleet` for a file of any kinds, `swell` for a `swell.yaml`. */
export const schemaNames: readonly string[] = ['fleet', 'swell', ...Object.keys(kinds)]

/**
 * The JSON Schema of a name, whatever its case; undefined for one that is not there. In draft 7, which
 * all editors read. It says what the hub's own check says of a single document; that names exist and
 * the like only the hub can tell.
 */
export function toJsonSchema(name: string): JsonSchema | undefined {
  const known = schemaNames.find((one) => one.toLowerCase() === name.toLowerCase())
  if (known === undefined) return undefined
  return { $schema: dialect, ...bodyOf(known) }
}

/** File a schema is published in. */
export function schemaFile(name: string): string {
  return `${name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.json`
}

function bodyOf(name: string): JsonSchema {
  if (name === 'swell') {
    return { title: 'swell.yaml', ...withWords('Application', Shorthand, ['spec']) }
  }
  if (name !== 'fleet') return schemaOf(name as Kind)
  // By kind, so that an editor tells the faults of the kind that is meant, not of all.
  return {
    title: 'Groundswell fleet configuration',
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: { apiVersion: { const: apiVersion }, kind: { enum: Object.keys(kinds) } },
    allOf: Object.keys(kinds).map((kind) => {
      const parts = [
        { required: ['kind'], properties: { kind: { const: kind } } },
        schemaOf(kind as Kind),
      ]
      return Object.fromEntries(conditional.map((member, at) => [member, parts[at]]))
    }),
  }
}

function schemaOf(kind: Kind): JsonSchema {
  return { title: kind, ...withWords(kind, kinds[kind], []), description: describeKind(kind) }
}

/** The schema as plain JSON, each field with the words that explain it. */
function withWords(kind: Kind, schema: TSchema, path: readonly string[]): JsonSchema {
  return explain(JSON.parse(JSON.stringify(schema)) as JsonSchema, kind, path)
}

/** @param isItem of a list: the words stand at the list */
function explain(
  node: JsonSchema,
  kind: Kind,
  path: readonly string[],
  isItem = false,
): JsonSchema {
  const below = (value: unknown, name?: string) =>
    explain(
      value as JsonSchema,
      kind,
      name === undefined ? path : [...path, name],
      name === undefined,
    )
  const words = isItem ? undefined : describeField(kind, path)
  return Object.fromEntries([
    ...(words === undefined ? [] : [['description', words]]),
    ...Object.entries(node)
      .filter(([member]) => member !== 'description' || words === undefined)
      .map(([member, value]) => {
        if (member === 'properties') {
          const fields = Object.entries(value as Readonly<Record<string, unknown>>)
          return [member, Object.fromEntries(fields.map(([name, one]) => [name, below(one, name)]))]
        }
        if (member === 'items') return [member, below(value)]
        if (member === 'anyOf') return [member, simplify(value as readonly JsonSchema[], below)]
        return [member, value]
      }),
  ])
}

function simplify(
  choices: readonly JsonSchema[],
  below: (value: unknown) => JsonSchema,
): readonly JsonSchema[] {
  return choices.map((choice) => ('const' in choice ? choice : below(choice)))
}
