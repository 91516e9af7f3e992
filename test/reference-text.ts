import type { Setting } from '@groundswell/proto/settings.ts'
import { variableOf } from '@groundswell/proto/settings.ts'

/** As much of JSON Schema as the kinds use. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

type Row = readonly [path: string, type: string, needed: string, description: string]

/** What somebody writes there, in a word or two. */
function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' or ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ')
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`
  if (schema.type === 'object') {
    const [values] = Object.values(schema.patternProperties ?? {})
    return values && !schema.properties ? `map of ${typeOf(values)}` : 'map'
  }
  return [schema.type ?? 'anything'].flat().join(' or ')
}

/** A row for each field, in the order of the schema, those within it right after. */
function listFields(schema: Schema, path = ''): Row[] {
  const within = [
    ...Object.entries(schema.properties ?? {}).map(
      ([name, one]) => [path === '' ? name : `${path}.${name}`, one, name] as const,
    ),
  ]
  const rows = within.flatMap(([place, one, name]) => {
    const needed = schema.required?.includes(name) ? 'yes' : ''
    return [[place, typeOf(one), needed, one.description ?? ''] as const, ...listFields(one, place)]
  })
  const deeper = [...(schema.items ? [[`${path}[]`, schema.items] as const] : [])]
  const values = Object.values(schema.patternProperties ?? {}).map(
    (one) => [`${path}.*`, one] as const,
  )
  const choices = (schema.anyOf ?? schema.oneOf ?? []).map((one) => [path, one] as const)
  const all = [
    ...rows,
    ...[...deeper, ...values, ...choices].flatMap(([place, one]) => listFields(one, place)),
  ]
  const seen = new Set<string>()
  return all.filter(([place]) => !seen.has(place) && seen.add(place))
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`

/** Settings of a process: flag, variable, word in the file, default. */
export function describeTable(title: string, table: readonly Setting[], prefix: string): string {
  const rows = table
    .filter(({ key }) => key !== 'help')
    .map(({ key, flag, fallback, help }) =>
      row([
        `\`--${flag}\``,
        `\`${key}\``,
        `\`${variableOf(prefix, flag)}\``,
        fallback ? `\`${fallback}\`` : '',
        help,
      ]),
    )
  return `## ${title}\n\n${row(['flag', 'in the file', 'variable', 'default', 'what it is'])}${row(['-', '-', '-', '-', '-'])}${rows.join('')}\n`
}

/** Fields of a kind, below its `spec` and `metadata`. */
export function describeKind(kind: string, schema: Schema): string {
  const rows = listFields(schema)
    .filter(([path]) => path !== 'apiVersion' && path !== 'kind')
    .map(([path, type, needed, description]) =>
      row([`\`${path}\``, cell(type), needed, description]),
    )
  return `## ${kind}\n\n${row(['field', 'type', 'required', 'what it is'])}${row(['-', '-', '-', '-'])}${rows.join('')}\n`
}
