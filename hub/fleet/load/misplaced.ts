import type { Node } from './schema-faults.ts'

/**
 * Where a field of that name belongs, for one that stands where it does not: `, which belongs into
 * spec.source.helm or spec.targets`. Nothing when no part of the schema has it.
 */
export function sayWhereItBelongs(root: Node, field: string): string {
  const places: string[] = []
  look(root, '', field, places)
  // A name that is everywhere, such as `name`, helps nobody.
  if (places.length === 0 || places.length > 3) return ''
  return `, which belongs into ${places.join(' or ')}`
}

function look(node: Node, path: string, field: string, places: string[]): void {
  const properties = Object.entries(node.properties ?? {})
  if (path !== '' && properties.some(([name]) => name === field) && !places.includes(path)) {
    places.push(path)
  }
  for (const [name, below] of properties) {
    // Nobody who misplaced `values` meant those of a selector.
    if (name !== 'matchExpressions') {
      look(below, path === '' ? name : `${path}.${name}`, field, places)
    }
  }
  if (node.items) look(node.items, path, field, places)
  for (const choice of node.anyOf ?? []) look(choice, path, field, places)
}
