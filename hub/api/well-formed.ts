import { isRecord } from '@groundswell/proto/record.ts'

/**
 * JSON Pointer to the first text that is no Unicode: half of a pair of surrogates. Written down or sent
 * on it would become another text; undefined when there is none.
 */
export function findIllFormed(value: unknown, pointer = ''): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : pointer
  if (!Array.isArray(value) && !isRecord(value)) return undefined
  for (const [name, member] of Object.entries(value)) {
    if (!name.isWellFormed()) return pointer
    const found = findIllFormed(member, `${pointer}/${name}`)
    if (found !== undefined) return found
  }
  return undefined
}
