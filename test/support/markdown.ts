/** A fenced block of a page. */
export interface MarkdownBlock {
  readonly language: string
  /** Of `title="…"` behind the language: the file it stands for. */
  readonly file: string | null
  readonly text: string
}

/** All of a page, without the indent of those in lists. */
export function readBlocks(markdown: string): MarkdownBlock[] {
  const fence = /^( *)```(\S*)(?: title="([^"]+)")?\n([\s\S]*?)^\1```$/gm
  return [...markdown.matchAll(fence)].map(([, indent = '', language = '', file, body = '']) => ({
    ...{ language, file: file ?? null },
    text: body
      .split('\n')
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
      .join('\n'),
  }))
}

/** The command lines of a block of shell that begin with this program, in words. */
export function readCommands(text: string, program: string): string[][] {
  return text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/ [>|] .*$| +# .*$/, ''))
    .map((line) =>
      [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!),
    )
    .filter(([first]) => first === program)
    .map((words) => words.slice(1))
}
