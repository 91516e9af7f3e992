import { suggest } from '../fleet/load/suggest.ts'
import { CliFailure } from './failure.ts'
import { escapeLine, escapeLines, formatFields, formatTable } from './output.ts'

/* A field of a JSON Schema in words. */

interface Schema {
  readonly title?: string
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

interface Found {
  readonly schema: Schema
  readonly required: boolean
}

/**
 * @param path such as `spec.source.path`, from the kind on; lists are stepped into
 * @throws CliFailure for a field that is not there, with the ones that are
 */
export function explain(schema: object, path: readonly string[], kind: string): string {
  let found: Found = { schema, required: true }
  for (const [at, step] of path.entries()) {
    const fields = fieldsOf(found.schema)
    const below = fields.get(step) ?? freeField(found.schema)
    if (!below) {
      const where = [kind, ...path.slice(0, at)].join('.')
      throw new CliFailure(
        2,
        `${where} has no field "${step}"${suggest(step, [...fields.keys()])}`,
        {
          hint: `it has: ${[...fields.keys()].join(', ') || 'none'}`,
        },
      )
    }
    found = below
  }
  return format(found, path, kind)
}

function format({ schema, required }: Found, path: readonly string[], kind: string): string {
  const head: (readonly [string, string])[] = [
    ['Field', [kind, ...path].join('.')],
    ['Type', typeOf(schema)],
    ...(path.length === 0 ? [] : [['Required', required ? 'yes' : 'no'] as const]),
    ...constraintsOf(schema),
    ...(path.length === 0 ? [] : [['Example', exampleOf(schema, path)] as const]),
  ]
  const text = schema.description ? `\n${escapeLines(schema.description)}\n` : ''
  const rows = [...fieldsOf(schema)].map(([name, field]) => [
    field.required ? `${name}*` : name,
    typeOf(field.schema),
    field.schema.description ?? '',
  ])
  const table = rows.length > 0 ? `\n${formatTable([['FIELD', 'TYPE', 'WHAT'], ...rows])}` : ''
  return `${formatFields(head)}${text}${table}`
}

/** Of an object, or of the items of a list, or of all its forms together. */
function fieldsOf(schema: Schema): ReadonlyMap<string, Found> {
  const fields = new Map<string, Found>()
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    fields.set(name, { schema: field, required: schema.required?.includes(name) ?? false })
  }
  const forms = [schema.items ?? [], schema.anyOf ?? [], schema.oneOf ?? []].flat()
  for (const form of forms) {
    for (const [name, field] of fieldsOf(form)) if (!fields.has(name)) fields.set(name, field)
  }
  return fields
}

/** What stands under names that people choose. */
function freeField(schema: Schema): Found | undefined {
  const [free] = Object.values(schema.patternProperties ?? {})
  return free && { schema: free, required: false }
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const forms = schema.anyOf ?? schema.oneOf
  if (forms) return [...new Set(forms.map(typeOf))].join(' or ')
  if (schema.items) return `list of ${typeOf(schema.items)}`
  if (schema.patternProperties && !schema.properties) {
    const [free] = Object.values(schema.patternProperties)
    return `map of ${typeOf(free ?? {})}`
  }
  return [schema.type ?? 'anything'].flat().join(' or ')
}

function constraintsOf(schema: Schema): (readonly [string, string])[] {
  const range = [schema.minimum ?? schema.minItems, schema.maximum ?? schema.maxItems]
  const [least = '', most = ''] = range
  const values = schema.enum?.map((value) => JSON.stringify(value)).join(', ')
  return [
    ...(schema.default === undefined ? [] : [['Default', JSON.stringify(schema.default)] as const]),
    ...(values === undefined ? [] : [['One of', values] as const]),
    ...(schema.pattern === undefined ? [] : [['Pattern', schema.pattern] as const]),
    ...(range.every((end) => end === undefined)
      ? []
      : [[schema.type === 'array' ? 'Items' : 'Range', `${least}..${most}`] as const]),
  ]
}

/** As it stands in a file: the way to the field, and its default, or a value of its kind. */
function exampleOf(schema: Schema, path: readonly string[]): string {
  const steps = path.map((step, depth) => `${'  '.repeat(depth)}${escapeLine(step)}:`)
  return `${steps.join('\n')} ${JSON.stringify(valueOf(schema))}`
}

function valueOf(schema: Schema): unknown {
  const [first] = schema.enum ?? []
  const given = schema.default ?? schema.const ?? first
  if (given !== undefined) return given
  const [form] = schema.anyOf ?? schema.oneOf ?? []
  if (form) return valueOf(form)
  switch ([schema.type ?? ''].flat()[0] ?? '') {
    case 'array':
      return schema.items ? [valueOf(schema.items)] : []
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, valueOf(schema.properties?.[name] ?? {})]),
      )
    case 'boolean':
      return true
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    default:
      return '…'
  }
}
