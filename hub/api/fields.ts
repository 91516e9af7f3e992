import type { TSchema } from 'typebox'
import { HubError } from '../errors.ts'

/** Members that a caller wants, by name; an empty tree is all of a member. */
export type FieldTree = ReadonlyMap<string, FieldTree>

const limits = { length: 512, fields: 50 } as const

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly type?: string
  readonly patternProperties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
}

/**
 * `name,counts.failed,applications.name` → the members that are wanted. A name goes through lists:
 * it is of each of their items.
 *
 * @throws HubError `invalid` naming what the schema does not have, and what it has there
 */
export function parseFields(text: string, schema: TSchema): FieldTree {
  if (text.length > limits.length) {
    throw new HubError('invalid', `fields: longer than ${limits.length} characters`)
  }
  const paths = text.split(',')
  if (paths.length > limits.fields) {
    throw new HubError('invalid', `fields: more than ${limits.fields} of them`)
  }
  const tree = new Map<string, FieldTree>()
  for (const path of paths) addPath(tree, path, schema)
  return tree
}

function addPath(tree: Map<string, FieldTree>, path: string, schema: Shape): void {
  let node = tree
  let shape = schema
  const steps = path.split('.')
  for (const [at, step] of steps.entries()) {
    const found = memberOf(shape, step)
    if (!found) {
      const names = Object.keys(objectOf(shape)?.properties ?? {})
      const known = names.length > 0 ? `one of ${names.join(', ')}` : 'nothing is below it'
      const where = at === 0 ? '' : ` in ${steps.slice(0, at).join('.')}`
      throw new HubError('invalid', `fields: no ${JSON.stringify(step)}${where}; ${known}`)
    }
    shape = found
    const known = node.get(step) as Map<string, FieldTree> | undefined
    // All of it was asked for before: nothing narrows that.
    if (known?.size === 0) return
    const next = known ?? new Map<string, FieldTree>()
    node.set(step, next)
    if (at === steps.length - 1) next.clear()
    node = next
  }
}

function memberOf(shape: Shape, name: string): Shape | undefined {
  const object = objectOf(shape)
  if (object?.properties && Object.hasOwn(object.properties, name)) return object.properties[name]
  return undefined
}

/** The object a schema is about: itself, one of its alternatives, or an item of its list. */
function objectOf(shape: Shape): Shape | undefined {
  if (shape.properties) return shape
  if (shape.items) return objectOf(shape.items)
  for (const one of shape.anyOf ?? []) {
    const found = objectOf(one)
    if (found) return found
  }
  return undefined
}

/** No more of a value than is wanted. */
export function pickFields(value: unknown, tree: FieldTree): unknown {
  if (tree.size === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => pickFields(item, tree))
  const record = value as Readonly<Record<string, unknown>>
  const picked: Record<string, unknown> = {}
  for (const [name, below] of tree) {
    if (Object.hasOwn(record, name)) picked[name] = pickFields(record[name], below)
  }
  return picked
}
