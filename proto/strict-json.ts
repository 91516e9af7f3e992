/** Deepest nesting of anything that is signed. */
export const strictDepth = 64

/**
 * JSON that every parser reads alike (RFC 8259 with the profile of RFC 7493, and stricter): UTF-8
 * without a byte order mark, no member twice in one object, integers only, no half of a surrogate
 * pair, nesting bounded. Two parsers that differ about a signed text would let one signature mean two
 * things.
 *
 * @throws SyntaxError
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const value: unknown = JSON.parse(text)
  checkTokens(text)
  return value
}

/** Walks the tokens of a text that is known to be JSON. */
function checkTokens(text: string): void {
  const token = /["{}[\],]|[-0-9][-+.0-9eE]*/g
  /** Members seen in each open object; null for an open list. */
  const open: (Set<string> | null)[] = []
  let memberNext = false
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const found = match[0]
    switch (found) {
      case '{':
      case '[':
        open.push(found === '{' ? new Set() : null)
        if (open.length > strictDepth) throw new SyntaxError(`nested deeper than ${strictDepth}`)
        memberNext = found === '{'
        break
      case '}':
      case ']':
        open.pop()
        memberNext = false
        break
      case ',':
        memberNext = open.at(-1) !== null
        break
      case '"': {
        const end = endOfString(text, match.index)
        const spelt = text.slice(match.index, end)
        if (spelt.includes('\\')) checkEscapes(spelt)
        if (memberNext) checkMember(open.at(-1), JSON.parse(spelt) as string)
        memberNext = false
        token.lastIndex = end
        break
      }
      default:
        if (!/^(0|-?[1-9][0-9]*)$/.test(found)) throw new SyntaxError(`${found} is no integer`)
    }
  }
}

/** UTF-8 has no half of a pair, but an escape may spell one: some parsers keep it, others put U+FFFD there. */
function checkEscapes(spelt: string): void {
  if ((JSON.parse(spelt) as string).isWellFormed()) return
  throw new SyntaxError(`${spelt.slice(0, 80)} has half of a surrogate pair`)
}

function checkMember(seen: Set<string> | null | undefined, name: string): void {
  if (seen?.has(name)) throw new SyntaxError(`member ${JSON.stringify(name)} is there twice`)
  seen?.add(name)
}

/** Just after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x5c) at += 1
    else if (code === 0x22) return at + 1
  }
  return text.length
}
