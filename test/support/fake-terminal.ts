import type { Terminal } from '../../hub/cli/terminal.ts'

/** A terminal of which nothing but what is said is there; `more` adds to it. */
export function createFakeTerminal(more: Partial<Terminal> = {}): {
  readonly terminal: Terminal
  readonly said: { out: string; err: string }
} {
  const said = { out: '', err: '' }
  const never = (): never => {
    throw new Error('not in this test')
  }
  const terminal: Terminal = {
    out: (text) => void (said.out += text),
    say: (text) => void (said.err += text),
    color: false,
    env: { HOME: '/home/ada', SWELL_SERVER: 'https://hub.example', SWELL_TOKEN: 'token' },
    readFile: async () => undefined,
    writeFile: never,
    replaceFile: never,
    removeFile: never,
    openProvider: never,
    fetch: never,
    openCheckout: never,
    openForge: never,
    migration: { read: never, write: never },
    now: () => 0,
    wait: async () => {},
    signal: new AbortController().signal,
    ...more,
  }
  return { terminal, said }
}
