import { isRecord } from '@groundswell/proto/record.ts'
import { isMap, isScalar, LineCounter, parseAllDocuments, parseDocument, visit } from 'yaml'
import type { Fault } from '../errors.ts'
import type { ForeignFile } from './migration.ts'

export type Members = Readonly<Record<string, unknown>>
export type ForeignPath = readonly (string | number)[]

/** A document of another tool, and where its parts stand. */
export interface ForeignDocument {
  readonly file: string
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly value: Members
  /** A gap at the key of a path, or at its nearest parent that is written. */
  gap(path: ForeignPath, message: string): Fault
}

const maxBytes = 4 * 1024 * 1024

/**
 * The YAML documents of files whose text a pattern says may hold what is looked for. Read as
 * Kubernetes reads it: `yes` is true, `0644` is octal. What is no YAML, such as a Helm template, is
 * left out and told only when it is looked for.
 */
export function readForeign(
  files: readonly ForeignFile[],
  mayHold: (file: ForeignFile) => boolean,
): { documents: ForeignDocument[]; gaps: Fault[] } {
  const documents: ForeignDocument[] = []
  const gaps: Fault[] = []
  for (const file of files) {
    if (!/\.ya?ml$/i.test(file.path) || !mayHold(file)) continue
    if (file.text.length > maxBytes) {
      gaps.push({ file: file.path, line: 1, column: 1, message: 'is too large to be read' })
      continue
    }
    readFile(file, documents, gaps)
  }
  return { documents, gaps }
}

function readFile({ path: file, text }: ForeignFile, into: ForeignDocument[], gaps: Fault[]): void {
  const lines = new LineCounter()
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false })
  for (const document of 'empty' in parsed ? [] : parsed) {
    const [error] = document.errors
    if (error) {
      gaps.push({ ...at(error.pos[0]), message: `is not YAML: ${error.message.split('\n')[0]}` })
      return
    }
    visit(document, {
      Scalar(key, node) {
        if (key === 'key' || node.type !== 'PLAIN') return
        const { source = '' } = node
        if (/^(y|yes|on|n|no|off)$/i.test(source)) node.value = /^(y|yes|on)$/i.test(source)
        if (/^0[0-7]+$/.test(source)) node.value = Number.parseInt(source, 8)
      },
    })
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: 100 })
    } catch {
      gaps.push({ ...at(0), message: 'its aliases expand to too much' })
      continue
    }
    if (!isRecord(value)) continue
    const metadata = membersOf(value['metadata'])
    into.push({
      file,
      apiVersion: textOf(value['apiVersion']) ?? '',
      kind: textOf(value['kind']) ?? '',
      name: textOf(metadata['name']) ?? '',
      namespace: textOf(metadata['namespace']) ?? '',
      value,
      gap(path, message) {
        const object = [textOf(value['kind']), textOf(metadata['name'])].filter(Boolean).join(' ')
        return { ...at(offsetOf(document, path)), ...(object && { object }), message }
      },
    })
  }
}

function offsetOf(
  document: { getIn: (path: unknown[], keep: true) => unknown },
  path: ForeignPath,
) {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn([...path.slice(0, length - 1)], true)
    const last = path[length - 1]
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === last)
      : undefined
    if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0]
    const node = document.getIn([...path.slice(0, length)], true) as
      { range?: number[] } | undefined
    if (node?.range) return node.range[0]!
  }
  const whole = document.getIn([], true) as { range?: number[] } | undefined
  return whole?.range?.[0] ?? 0
}

export function membersOf(value: unknown): Members {
  return isRecord(value) ? value : {}
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

export function textsOf(value: unknown): string[] {
  return listOf(value).flatMap((item) => textOf(item) ?? [])
}

/** A text of YAML or JSON that holds a map; undefined for anything else. */
export function readValues(text: string): Members | undefined {
  const value = readText(text)
  return isRecord(value) ? value : undefined
}

/** A text of YAML or JSON that holds a map, or a list of maps; undefined for anything else. */
export function readValuesList(text: string): readonly Members[] | undefined {
  const value = readText(text)
  const all: unknown[] = Array.isArray(value) ? value : [value]
  return all.every(isRecord) ? all : undefined
}

function readText(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return parseDocument(text, { merge: true, logLevel: 'silent' }).toJS({ maxAliasCount: 100 })
  } catch {
    return undefined
  }
}
