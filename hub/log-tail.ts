/** The newest lines of the log, for a support bundle. */
export interface LogTail {
  note(line: string): void
  /** Oldest first, without line ends. */
  lines(): readonly string[]
}

/** Keeps no more than so many lines, and so many characters of each. */
export function createLogTail(most = 2_000, longest = 4_000): LogTail {
  const kept: string[] = []
  let next = 0
  return {
    note(line) {
      kept[next % most] = line.trimEnd().slice(0, longest)
      next += 1
    },
    lines: () => {
      const start = next % most
      return next <= most ? [...kept] : [...kept.slice(start), ...kept.slice(0, start)]
    },
  }
}
