import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/* Tables of threats and faults in the documents, and the tests that hold their rows: a test whose title
   begins with a row's number holds it. */

const root = fileURLToPath(new URL('../..', import.meta.url))
/** They name the rows of all others. */
const tables = ['threat-rows', 'fault-rows', 'bad-input-rows'].map(
  (name) => `integration/${name}.test.ts`,
)

type Letter = 'T' | 'F' | 'B'

export interface TableRow {
  readonly number: number
  /** Test files that are said to hold it, under `test/`. */
  readonly files: readonly string[]
  /** What is said where none does. */
  readonly words: string
}

/** Rows `| T1 | a threat | tests |` of a document, by their letter. */
export function readTable(document: string, letter: Letter): readonly TableRow[] {
  const row = new RegExp(`^\\| ${letter}(\\d+) +\\|([^|]*)\\|([^|]*)\\|$`, 'gm')
  return [...readFileSync(root + document, 'utf8').matchAll(row)].map(([, number, , held]) => ({
    number: Number(number),
    files: [...held!.matchAll(/`([^`]+\.ts)`/g)].map(([, path]) => path!),
    words: held!.trim(),
  }))
}

/** Files that a row names and that are not there, or have no test of it. */
export function findLost(rows: readonly TableRow[], letter: Letter): readonly string[] {
  return rows.flatMap(({ number, files }) =>
    files
      .filter((path) => !existsSync(`${root}test/${path}`) || !hasTestOf(path, letter, number))
      .map((path) => `${letter}${number}: ${path}`),
  )
}

/** Test files of a row that it leaves out. */
export function findUnnamed(rows: readonly TableRow[], letter: Letter): readonly string[] {
  const all = globSync('{unit,integration,e2e}/**/*.test.ts', { cwd: `${root}test` })
    .filter((path) => !tables.includes(path))
    .sort()
  return rows.flatMap(({ number, files }) =>
    all
      .filter((path) => !files.includes(path) && hasTestOf(path, letter, number))
      .map((path) => `${letter}${number}: ${path}`),
  )
}

/** Whether a file has a test whose name begins with, or lists at its beginning, the row's number. */
function hasTestOf(path: string, letter: string, number: number): boolean {
  const known = labels.get(path) ?? readLabels(path)
  labels.set(path, known)
  return known.some((label) => labelNames(label, letter, number))
}

const labels = new Map<string, readonly string[]>()

function readLabels(path: string): readonly string[] {
  const text = readFileSync(`${root}test/${path}`, 'utf8')
  const label = /['"`]((?:[TBFI]\d+[a-c]?(?:[–-][TBFI]?\d+)?(?:, | and | )?)+)[: ]/g
  return [...text.matchAll(label)].map(([, found]) => found!)
}

/** `T1, T6: ` names 1 and 6; `T1–T3: ` names 1 to 3. */
function labelNames(label: string, letter: string, number: number): boolean {
  const part = new RegExp(`${letter}(\\d+)[a-c]?(?:[–-]${letter}?(\\d+))?`, 'g')
  return [...label.matchAll(part)].some(
    ([, from, to]) => Number(from) <= number && number <= Number(to ?? from),
  )
}
