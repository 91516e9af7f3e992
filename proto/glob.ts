/**
 * Whether a text is what a pattern says: `*` stands for any letters but `/`, `**` for any at all,
 * `?` for one that is not `/`. Everything else means itself. It takes as many steps as the pattern
 * is long times the text, whatever stands in them: both may come from people who mean harm.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const tokens = pattern.match(/\*\*|[^]/gu) ?? []
  const letters = Array.from(text)
  /** Which beginnings of the text the tokens so far can stand for, by their length. */
  let reached = [true, ...letters.map(() => false)]
  for (const token of tokens) {
    const next = letters.map(() => false)
    next.unshift(false)
    for (let at = 0; at <= letters.length; at += 1) {
      const letter = at === 0 ? undefined : letters[at - 1]
      if (token === '**') next[at] = reached[at]! || (at > 0 && next[at - 1]!)
      else if (token === '*') next[at] = reached[at]! || (at > 0 && letter !== '/' && next[at - 1]!)
      else if (at > 0 && reached[at - 1])
        next[at] = token === '?' ? letter !== '/' : token === letter
    }
    reached = next
  }
  return reached[letters.length]!
}

export function matchesAnyGlob(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, text))
}
