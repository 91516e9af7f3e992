import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'

/* House rules that no rule of oxlint can say; the others are in oxlint.config.ts. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const ours = globSync('{proto,hub,agent,test}/**/*.ts', { cwd: root })
  .filter((path) => !path.includes('node_modules/') && !/^(?:proto|hub\/client)\/gen\//.test(path))
  .sort()
  .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }))
const shipped = ours.filter(({ path }) => !path.startsWith('test/'))

/** `path:line` of every match. */
function find(files: typeof ours, pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(
      ({ index }) => `${path}:${text.slice(0, index).split('\n').length}`,
    ),
  )
}

it('reads the sources it judges', () => {
  assert.ok(shipped.some(({ path }) => path === 'hub/main.ts'))
  assert.ok(ours.some(({ path }) => path === 'test/unit/house-rules.test.ts'))
})

it('no code asks what time it is but by a clock handed in', () => {
  assert.deepEqual(find(shipped, /\bnew Date\(\)|(?<![\w.])Date\(\)/g), [])
})

it('half of all files are of 110 lines or fewer', () => {
  const lengths = shipped.map(({ text }) => text.split('\n').length - 1).sort((a, b) => a - b)
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0
  assert.ok(median <= 110, `the median is ${median}`)
})

it('nothing is named after nothing: manager, helper, utils, service', () => {
  const vague =
    /^(?:export )?(?:(?:class|interface|type) \w*|function create\w*)(?:Manager|Helper|Service|Utils?)\b/gm
  assert.deepEqual(find(ours, vague), [])
  const files = ours.map(({ path }) => path)
  const named = /(?:^|[-/])(?:managers?|helpers?|utils?|services?|common|misc)(?:[-.]|\/)/
  assert.deepEqual(
    files.filter((path) => named.test(path)),
    [],
  )
})

it('no interface is marked with an I', () => {
  assert.deepEqual(find(ours, /\binterface I[A-Z]/g), [])
})

it('no rule is switched off inside a file', () => {
  assert.deepEqual(find(ours, /(?:eslint|oxlint)-disable|@ts-(?:ignore|expect-error|nocheck)/g), [])
})

it('a unit test stands in the folder of what it tests', () => {
  const folders = new Set(shipped.map(({ path }) => dirname(path)))
  const lost = ours
    .map(({ path }) => path)
    .filter((path) => /^test\/unit\/(?:proto|hub|agent)\//.test(path))
    .filter((path) => !folders.has(dirname(path.slice('test/unit/'.length))))
  assert.deepEqual(lost, [])
})
