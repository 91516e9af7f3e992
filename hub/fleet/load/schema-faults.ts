import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { sayWhereItBelongs } from './misplaced.ts'
import { suggest } from './suggest.ts'
import { isRecord } from '@groundswell/proto/record.ts'

export interface SchemaFault {
  readonly path: readonly (string | number)[]
  /** The fault is the key, not its value. */
  readonly key: boolean
  readonly message: string
}

/** The members of JSON Schema our kinds are made of. */
export interface Node {
  readonly type?: string
  readonly pattern?: string
  readonly const?: unknown
  readonly anyOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false | Node
  readonly patternProperties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly maxItems?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly description?: string
}

/**
 * Every way a value is not what its schema says, in words for the person who wrote it. TypeBox
 * decides whether it is valid; this only explains, because its own list of errors is cut short and
 * speaks of branches and constants.
 */
export function findSchemaFaults(schema: TSchema, value: unknown): SchemaFault[] {
  if (Check(schema, value)) return []
  const faults: SchemaFault[] = []
  explain(schema, value, [], { root: schema, faults })
  if (faults.length === 0) faults.push({ path: [], key: false, message: 'does not fit its schema' })
  return faults
}

/** What is explained, and what was found in it. */
interface Found {
  readonly root: Node
  readonly faults: SchemaFault[]
}

function explain(
  node: Node,
  value: unknown,
  path: readonly (string | number)[],
  found: Found,
): void {
  if (fits(node, value)) return
  const say = (message: string) => found.faults.push({ path, key: false, message })
  if (node.anyOf) {
    const choices = node.anyOf.flatMap((choice) =>
      typeof choice.const === 'string' ? [choice.const] : [],
    )
    if (choices.length === node.anyOf.length) {
      say(`${show(value)} is not one of ${choices.join(', ')}${suggest(String(value), choices)}`)
    } else if (node.anyOf.length === 1) explain(node.anyOf[0]!, value, path, found)
    else say(`${show(value)} is not ${node.anyOf.map(describe).join(' or ')}`)
  } else if (node.const !== undefined) {
    say(`${show(value)} must be ${show(node.const)}`)
  } else if (node.type === 'object' && isRecord(value)) {
    explainObject(node, value, path, found)
  } else if (node.type === 'array' && Array.isArray(value)) {
    const items = value as unknown[]
    if (items.length === 0) say('must not be empty')
    if (items.length > (node.maxItems ?? Infinity)) {
      say(`has ${items.length} items; at most ${node.maxItems} are allowed`)
    }
    items.forEach((item, index) => explain(node.items ?? {}, item, [...path, index], found))
  } else if (typeof value === 'string' && value.length > (node.maxLength ?? Infinity)) {
    say(`has ${value.length} characters; at most ${node.maxLength} are allowed`)
  } else say(`${show(value)} is not ${describe(node)}`)
}

function explainObject(
  node: Node,
  value: Readonly<Record<string, unknown>>,
  path: readonly (string | number)[],
  found: Found,
): void {
  const { properties = {}, required = [] } = node
  for (const name of required) {
    if (!Object.hasOwn(value, name)) {
      found.faults.push({ path, key: true, message: `\`${name}\` is missing` })
    }
  }
  const other = Object.values(node.patternProperties ?? {})[0]
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : other
    if (known) explain(known, member, [...path, name], found)
    else {
      const words = Object.keys(properties)
      const hint = suggest(name, words)
      const known = words.length > 0 ? `; known: ${words.join(', ')}` : ''
      const more = hint || sayWhereItBelongs(found.root, name) || known
      const message = `unknown field "${name}"${more}`
      found.faults.push({ path: [...path, name], key: true, message })
    }
  }
}

/** A plain boolean, so that TypeScript does not narrow `value` to nothing where it is false. */
function fits(node: Node, value: unknown): boolean {
  return Check(node as TSchema, value)
}

const typeWords: Readonly<Record<string, string>> = {
  number: 'a number',
  string: 'text (not empty; quote what looks like a number)',
  object: 'a map',
  array: 'a list',
  boolean: 'true or false',
}

function describe(node: Node): string {
  if (node.description) return node.description
  if (node.pattern?.endsWith('%$')) return 'a percentage such as 25%'
  if (node.pattern?.includes('{40}')) return 'a commit id of 40 hex digits'
  if (node.type === 'integer') {
    const { minimum = 0, maximum } = node
    return maximum === undefined
      ? `a whole number of at least ${minimum}`
      : `a whole number from ${minimum} to ${maximum}`
  }
  return typeWords[node.type ?? ''] ?? 'what is expected here'
}

function show(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return JSON.stringify(value).slice(0, 100)
}
