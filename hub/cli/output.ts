export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type Format = (typeof formats)[number]

/** Control characters, and those that reorder text: they could forge what a terminal shows. */
const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu
const unsafeExceptLines = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** One line of text, safe to show. */
export function escapeLine(text: string): string {
  return text.replace(unsafe, escapeCharacter)
}

/** Lines of text, safe to show. */
export function escapeLines(text: string): string {
  return text.replace(unsafeExceptLines, escapeCharacter)
}

function escapeCharacter(char: string): string {
  if (char === '\n') return String.raw`\n`
  if (char === '\t') return String.raw`\t`
  return String.raw`\u` + char.codePointAt(0)!.toString(16).padStart(4, '0')
}

/** Columns as kubectl prints them: three spaces between, nothing after the last. */
export function formatTable(rows: readonly (readonly string[])[], minimum: number[] = []): string {
  const safe = rows.map((row) => row.map((cell) => escapeLine(cell) || '-'))
  for (const row of safe) {
    for (const [i, cell] of row.entries()) minimum[i] = Math.max(minimum[i] ?? 0, widthOf(cell))
  }
  return safe
    .map((row) => {
      const cells = row.map((cell, i) => cell + ' '.repeat(minimum[i]! - widthOf(cell)))
      return `${cells.join('   ').trimEnd()}\n`
    })
    .join('')
}

/** `Label:   value` lines; a value of several lines is set in under its label. */
export function formatFields(fields: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(0, ...fields.map(([label]) => label.length)) + 4
  return fields
    .map(([label, value]) => {
      const lines = escapeLines(value || '-').split('\n')
      return `${`${label}:`.padEnd(width)}${lines.join(`\n${' '.repeat(width)}`)}\n`
    })
    .join('')
}

/** JSON escapes what YAML and terminals would take for control. */
export function formatJson(value: unknown): string {
  return `${escapeLines(JSON.stringify(value, null, 2))}\n`
}

/** How long ago, in the largest unit that fits: `45s`, `3m`, `5h`, `12d`. */
export function formatAge(at: string | null, now: number): string {
  if (at === null) return 'never'
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1_000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** A length of time in its two largest units: `45s`, `3m 20s`, `5h 10m`, `2d 4h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds)
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0s'
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0)
  return shown.map(([count, unit]) => `${count}${unit}`).join(' ')
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

function widthOf(text: string): number {
  return Array.from(text).length
}
