/** Longest comment the forges take is 65,536 characters, of GitHub; some room is left. */
export const markdownLimit = 60_000

const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Text that is shown as it is: no markup, no link, no image, and nobody is mentioned. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(unsafe, ' ')
    .replace(/[\\`*_{}[\]<>()#+\-.!|~&$:]/g, (char) => `&#${char.codePointAt(0)!};`)
    .replaceAll('@', '&#64;<!---->')
}

/** Text within a line, in code letters. */
export function toCode(text: string): string {
  const clean = text.replace(unsafe, ' ')
  const fence = '`'.repeat(longestRun(clean) + 1)
  const pad = clean.startsWith('`') || clean.endsWith('`') ? ' ' : ''
  return clean === '' ? '' : `${fence}${pad}${clean}${pad}${fence}`
}

/** Lines as a block that nothing in them can end. */
export function toCodeBlock(text: string, language: string): string {
  const clean = text.replace(/(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, ' ')
  const fence = '`'.repeat(Math.max(3, longestRun(clean) + 1))
  return `${fence}${language}\n${clean}${clean.endsWith('\n') ? '' : '\n'}${fence}\n`
}

/**
 * Blocks one after the other, as many as fit; `rest` says in words how many are left out.
 *
 * @param limit characters
 */
export function joinBlocks(
  head: string,
  blocks: readonly string[],
  rest: (left: number) => string,
  limit: number = markdownLimit,
): string {
  let text = head
  for (const [at, block] of blocks.entries()) {
    const more = rest(blocks.length - at)
    if (text.length + block.length + more.length > limit) return text + more
    text += block
  }
  return text
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
}
