/** Server-sent events of a stream's text; comments are given as such, for they say it is alive. */
export interface StreamEvent {
  /** `gap` where some are missing before it; else none. */
  readonly name: string
  readonly id: string
  readonly data: string
}

/**
 * Takes a stream apart as the HTML standard says (server-sent events), as far as the hub uses it: one
 * event a blank line. `take` gives what was completed by a piece of text.
 */
export function createEventParser(): { take(text: string): StreamEvent[] } {
  let rest = ''
  return {
    take(text) {
      rest += text
      const blocks = rest.split(/\r?\n\r?\n/)
      rest = blocks.pop() ?? ''
      return blocks.flatMap(parseBlock)
    },
  }
}

function parseBlock(block: string): StreamEvent[] {
  let name = ''
  let id = ''
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^(event|id|data): ?(.*)$/.exec(line) ?? []
    if (field === 'event') name = value
    if (field === 'id') id = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? [] : [{ name, id, data: data.join('\n') }]
}
