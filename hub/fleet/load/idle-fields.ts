import { isRecord } from '@groundswell/proto/record.ts'
import type { Kind } from '../kinds.ts'
import type { Path } from '../kinds/names.ts'

/* What may be written already though nothing acts on it yet. It is checked and kept, and whoever
   writes it is told, so that nobody takes it for a promise. */

interface IdleField {
  readonly kind: Kind
  /** Within the document; empty for the whole object. */
  readonly path: readonly string[]
  readonly message: string
}

const idleFields: readonly IdleField[] = []

/** Where an object says something that nothing acts on yet, and the words for it. */
export function findIdleFields(kind: Kind, object: unknown): { path: Path; message: string }[] {
  return idleFields
    .filter((field) => field.kind === kind && isWritten(object, field.path))
    .map(({ path, message }) => ({ path, message }))
}

function isWritten(value: unknown, path: readonly string[]): boolean {
  const [first, ...rest] = path
  if (first === undefined) return value !== undefined
  return isRecord(value) && isWritten(value[first], rest)
}
