/** An address from outside as one may be sent to it, or undefined: only what the web is read by is ever linked to. */
export function toWebAddress(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed?.protocol === 'https:' || parsed?.protocol === 'http:' ? parsed.href : undefined
}
