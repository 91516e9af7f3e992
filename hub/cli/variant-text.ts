import { escapeLine, escapeLines } from './output.ts'
import type { createPaint } from './paint.ts'

type Paint = ReturnType<typeof createPaint>

/** One form of a change, with the clusters that have it. */
export interface ShownVariant {
  readonly patch: string
  readonly clusters: readonly string[]
}

export interface VariantsShown {
  /** So many of them, unless all are asked for. */
  readonly most: number
  readonly all: boolean
  readonly paint: Paint
  readonly where: (clusters: readonly string[]) => string
}

/** The forms of an object's change, each with its clusters where there are several; ends with a line feed. */
export function formatVariants(
  variants: readonly ShownVariant[],
  { most, all, paint, where }: VariantsShown,
): string {
  const shown = all ? variants : variants.slice(0, most)
  const parts = shown.map(({ patch, clusters }) => {
    const on = variants.length > 1 || all ? `    on ${escapeLine(where(clusters))}\n` : ''
    return `${on}${formatPatch(patch, paint)}`
  })
  const left = variants.length - shown.length
  const more = left > 0 ? `    and ${left} more forms of it; --all shows them\n` : ''
  return `${parts.join('')}${more}`
}

function formatPatch(patch: string, paint: Paint): string {
  return escapeLines(patch)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const tone = line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : undefined
      return `    ${tone ? paint(tone, line) : line}\n`
    })
    .join('')
}
