import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'

/* SECURITY.md says of each threat, T1 to T38, which tests hold it or where it belongs. This holds
   SECURITY.md to that: no row is left out, and a test it names is there under the row's number. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const rows = [
  ...readFileSync(`${root}SECURITY.md`, 'utf8').matchAll(/^\| T(\d+) +\|([^|]*)\|([^|]*)\|$/gm),
].map(([, number, threat, held]) => ({
  number: Number(number),
  threat: threat!.trim(),
  files: [...held!.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, path]) => path!),
  later: /issue (\d+)/.exec(held!)?.[1],
}))

/** Whether a file has a test whose name begins with, or lists at its beginning, the row's number. */
function hasTestOf(path: string, number: number): boolean {
  const text = readFileSync(`${root}test/${path}`, 'utf8')
  return [...text.matchAll(/['"`]((?:[TBFI]\d+(?:[–-][TBFI]?\d+)?(?:, | and )?)+)[: ]/g)].some(
    ([, label]) => labelNames(label!, number),
  )
}

/** `T1, T6: ` names 1 and 6; `T1–T3: ` names 1 to 3. */
function labelNames(label: string, number: number): boolean {
  return [...label.matchAll(/T(\d+)(?:[–-]T?(\d+))?/g)].some(
    ([, from, to]) => Number(from) <= number && number <= Number(to ?? from),
  )
}

it('lists every threat from T1 to T38 once', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 38 }, (_, at) => at + 1),
  )
})

it('says of each which tests hold it, or the issue it belongs to', () => {
  const neither = rows.filter(({ files, later }) => files.length === 0 && later === undefined)
  assert.deepEqual(
    neither.map(({ number }) => `T${number}`),
    [],
  )
})

it('names only tests that are there and bear the number of the row', () => {
  const lost = rows.flatMap(({ number, files }) =>
    files
      .filter((path) => !existsSync(`${root}test/${path}`) || !hasTestOf(path, number))
      .map((path) => `T${number}: ${path}`),
  )
  assert.deepEqual(lost, [])
})

it('leaves out no test file that bears the number of a row', () => {
  const named = globSync('{unit,integration,e2e}/**/*.test.ts', { cwd: `${root}test` })
    .filter((path) => path !== 'integration/threat-rows.test.ts')
    .sort()
  const missing = rows.flatMap(({ number, files }) =>
    named
      .filter((path) => !files.includes(path) && hasTestOf(path, number))
      .map((path) => `T${number}: ${path}`),
  )
  assert.deepEqual(missing, [])
})
