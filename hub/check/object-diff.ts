import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type StructuredPatchHunk, structuredPatch } from 'diff'
import { maskObject } from './mask.ts'
import { formatObject, type Json, parseExact } from './object-text.ts'

/** How one object differs between two states of a fleet. */
export interface ObjectChange {
  readonly change: 'added' | 'changed' | 'removed'
  /** Lines of a unified diff, without a head; secrets masked. */
  readonly patch: string
  /** Of the difference, secrets included: who has it could try to guess them, so it is not shown. */
  readonly key: Digest
}

const contextLines = 3
/** Lines that may differ: the search for the smallest difference takes as long as their square. */
export const mostEdits = 2_000

/**
 * @param before canonical JSON; undefined: it is new
 * @param after undefined: it is gone
 * @param most lines that may differ; beyond that all of both sides is told
 */
export function diffObject(
  before: string | undefined,
  after: string | undefined,
  most = mostEdits,
): ObjectChange {
  const [old, young] = [before, after].map((json) =>
    json === undefined ? undefined : parseExact(json),
  )
  const patch = diffTexts(
    old === undefined ? '' : formatObject(maskObject(old, young, 'before')),
    young === undefined ? '' : formatObject(maskObject(young, old, 'after')),
    most,
  )
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
  return {
    change,
    patch,
    key: digestOf(`${change}\n${diffTexts(textOf(old), textOf(young), most)}`),
  }
}

function textOf(value: Json | undefined): string {
  return value === undefined ? '' : formatObject(value)
}

function diffTexts(before: string, after: string, most: number): string {
  // What comes or goes as a whole needs no search.
  const maxEditLength = before === '' || after === '' ? Infinity : most
  const found = structuredPatch('', '', before, after, undefined, undefined, {
    context: contextLines,
    maxEditLength,
  })
  if (found) return found.hunks.map(formatHunk).join('')
  const prefix = (mark: string, text: string) => text.replace(/^/gm, mark).slice(0, -1)
  return `${prefix('-', before)}${prefix('+', after)}`
}

/** Without line numbers: they are of a text that is in no file, and would tell equal changes apart. */
function formatHunk({ lines }: StructuredPatchHunk): string {
  return `@@\n${lines.map((line) => `${line}\n`).join('')}`
}
