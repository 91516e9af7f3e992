const codes = { added: '32', removed: '31', strong: '1' } as const

/** Colours text, or leaves it alone where colour is not wanted. */
export function createPaint(color: boolean): (tone: keyof typeof codes, text: string) => string {
  return (tone, text) => (color ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text)
}
