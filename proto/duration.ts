const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/**
 * `90s`, `5m`, `1h30m`, `250ms` → milliseconds.
 *
 * @throws TypeError when the text is not such a duration.
 */
export function parseDuration(text: string): number {
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) {
    throw new TypeError(`not a duration like 30s, 5m or 1h30m: ${text}`)
  }
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
    total += Number(amount) * units[unit!]!
  }
  if (!Number.isSafeInteger(total)) throw new TypeError(`too long a duration: ${text}`)
  return total
}

/** Milliseconds → the shortest such text: `1h30m`, `0s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds))
  if (rest === 0) return '0s'
  let text = ''
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const amount = Math.floor(rest / units[unit]!)
    rest -= amount * units[unit]!
    if (amount > 0) text += `${amount}${unit}`
  }
  return text
}
