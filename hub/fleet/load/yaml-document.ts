import {
  type Document,
  type Node,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  visit,
} from 'yaml'
import type { Fault } from '../../errors.ts'

export type YamlPath = readonly (string | number)[]

/** One YAML document and where its parts stand. */
export interface YamlDocument {
  readonly file: string
  readonly value: unknown
  /** Of the node at a path, or of its nearest parent that exists; of the key where `key` is true. */
  locate(path: YamlPath, key?: boolean): { readonly line: number; readonly column: number }
}

const maxAliases = 50

/**
 * A configuration file's text → documents, strictly: YAML 1.2 core, no duplicate keys, no custom
 * tags, few aliases, and no scalar that YAML 1.1 (so Helm and Kubernetes) reads otherwise.
 */
export function parseYamlDocuments(
  file: string,
  text: string,
): { documents: YamlDocument[]; faults: Fault[] } {
  const lines = new LineCounter()
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults: Fault[] = []
  const documents: YamlDocument[] = []
  let parsed: ReturnType<typeof parseAllDocuments>
  try {
    parsed = parseAllDocuments(text, {
      lineCounter: lines,
      version: '1.2',
      schema: 'core',
      prettyErrors: false,
      stringKeys: true,
      // The library holds each key against all others of its map; see findOddities.
      uniqueKeys: false,
    })
  } catch {
    // Thousands of nested brackets exhaust the parser's stack.
    return { documents, faults: [{ file, line: 1, column: 1, message: 'nested too deeply' }] }
  }
  for (const document of 'empty' in parsed ? [] : parsed) {
    const problems = [
      ...[...document.errors, ...document.warnings].map((error) => ({
        offset: error.pos[0],
        message: `YAML: ${error.message.split('\n')[0]}`,
      })),
      ...findOddities(document),
    ]
    faults.push(...problems.map(({ offset, message }) => ({ file, ...at(offset), message })))
    if (problems.length > 0 || document.contents === null) continue
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: maxAliases })
    } catch {
      // Few aliases can still multiply: a list of ten of a list of ten.
      faults.push({ file, ...at(0), message: 'its aliases expand to too much' })
      continue
    }
    documents.push({
      file,
      value,
      locate: (path, key) => at(findOffset(document, path, key ?? false)),
    })
  }
  return { documents, faults }
}

function findOddities(document: Document<Node, boolean>): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = []
  let aliases = 0
  const add = (node: { range?: readonly number[] | null | undefined }, message: string) =>
    found.push({ offset: node.range?.[0] ?? 0, message })
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) add(key, 'YAML: Map keys must be unique')
        seen.add(key.value)
      }
    },
    Pair(_, { key }) {
      if (isScalar(key) && key.value === '__proto__') add(key, 'the key __proto__ is refused')
      if (isScalar(key) && key.value === '<<')
        add(key, 'merge keys (<<) are not read; write it out')
    },
    Alias(_, node) {
      aliases += 1
      if (aliases === maxAliases + 1) add(node, `more than ${maxAliases} aliases in one document`)
      if (aliases <= maxAliases && !node.resolve(document)) {
        add(node, `*${node.source} names no anchor before it in the same document; write it out`)
      }
    },
    Scalar(key, node, ancestors) {
      const { value, source = '', type } = node
      if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
        add(node, 'half of a character (a lone surrogate) is no text')
      }
      if (key === 'key' || type !== 'PLAIN') return
      if (typeof value === 'number') {
        if (!Number.isFinite(value)) add(node, `${source} is not a number JSON can hold`)
        else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
          add(node, `${source} is too large to be exact; quote it`)
        } else if (/^[-+]?0[0-9_]|^0o/.test(source)) {
          add(
            node,
            `${source} is ${value} here but octal or text to Kubernetes; quote it or write it in decimal`,
          )
        }
      } else if (/^(y|n|yes|no|on|off)$/i.test(source) && ancestors.some(isValuesPair)) {
        add(
          node,
          `"${source}" is text here but a boolean to Helm; quote it, or write true or false`,
        )
      }
    },
  })
  return found
}

/** Elsewhere the schema asks for text, and a cluster may be called `no`. */
function isValuesPair(node: unknown): boolean {
  return isPair(node) && isScalar(node.key) && node.key.value === 'values'
}

function findOffset(document: Document<Node, boolean>, path: YamlPath, key: boolean): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const [parentPath, last] = [path.slice(0, Math.max(0, length - 1)), path[length - 1]]
    if (key && length > 0) {
      const parent = document.getIn(parentPath, true)
      const pair = isMap(parent)
        ? parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last)
        : undefined
      if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0]
    }
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && !isAlias(node) && node.range) return node.range[0]
  }
  return 0
}
