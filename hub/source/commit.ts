/**
 * A commit object's text → who, what and when. Control characters are taken out: it is shown in
 * terminals, and the author chose it.
 *
 * @returns `committedAt` in milliseconds
 */
export function parseCommit(text: string): {
  author: string
  subject: string
  committedAt: number
} {
  const split = text.indexOf('\n\n')
  const head = split < 0 ? text : text.slice(0, split)
  const body = split < 0 ? '' : text.slice(split + 2)
  const author = /^author (.*) \d+ [+-]\d{4}$/m.exec(head)?.[1] ?? ''
  const seconds = Number(/^committer .* (\d+) [+-]\d{4}$/m.exec(head)?.[1] ?? 0)
  const subject = body.split('\n').find((line) => line.trim() !== '') ?? ''
  return { author: cleanWords(author), subject: cleanWords(subject), committedAt: seconds * 1000 }
}

/** Id of the tree in a commit object's text. */
export function parseTree(text: string): string | undefined {
  return /^tree ([0-9a-f]{40})\n/.exec(text)?.[1]
}

/** One line for terminals: without control characters, 200 characters at most. */
export function cleanWords(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 200)
}
