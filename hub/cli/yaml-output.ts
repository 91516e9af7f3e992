import { Document, visit } from 'yaml'
import { escapeLines } from './output.ts'

/** YAML, safe to show. Loaded by who is asked for it: its library takes longer than many a command. */
export function formatYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    // Only double quotes have escapes.
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && escapeLines(node.value) !== node.value) {
        node.type = 'QUOTE_DOUBLE'
      }
    },
  })
  return escapeLines(document.toString({ lineWidth: 0 }))
}
