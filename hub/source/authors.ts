import { cleanWords } from './commit.ts'

/** Commits whose authors are asked for. */
export interface CommitRange {
  /** The newest; what it has in common with one of `since` is left out. */
  readonly to: string
  /** What was there before, one by one: who made what is new to any of them is named. */
  readonly since: readonly string[]
  /** Files and directories that count; `.` is everything. */
  readonly paths: readonly string[]
}

/** Of one range; more than that were hardly rolled out together. */
const mostCommits = 2_000
/** Who made a commit and, a line each, who made it with them. */
const format = '%an <%ae>%n%(trailers:key=Co-authored-by,valueonly=true)'

/**
 * Names whom Git has as authors, `Name <address>`, of commits that touched the paths: of those that are new
 * since any of the earlier ones; of the last one where none is. An earlier one that is not here any more, as
 * after a branch was rewritten, adds nothing.
 *
 * @param isHere whether a commit is in the repository
 * @param run runs Git in it; what it throws goes through
 */
export async function listAuthors(
  { to, since, paths }: CommitRange,
  isHere: (commit: string) => Promise<boolean>,
  run: (args: readonly string[]) => Promise<string>,
): Promise<string[]> {
  const places = paths.includes('.') ? [] : paths.map((path) => `:(literal)${path}`)
  const log = (most: number, range: string) =>
    run(['log', `--max-count=${most}`, `--format=${format}`, range, '--', ...places])
  const found = new Set<string>()
  const add = (text: string): void => {
    for (const line of text.split('\n')) {
      const name = cleanWords(line)
      if (name !== '') found.add(name)
    }
  }
  for (const commit of since) {
    if (await isHere(commit)) add(await log(mostCommits, `${commit}..${to}`))
  }
  // It may be far back, and is looked for only where nothing else is known.
  if (found.size === 0) add(await log(1, to))
  return [...found]
}
