import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { formatFault, HubError } from '../../hub/errors.ts'
import type { RenderEngine, RenderResult } from '../../hub/render/engine.ts'
import { tells } from '../support/exact-words.ts'
import { prepareOracles, runOracle } from '../support/oracles.ts'
import { renderText, startRenderEngine } from '../support/render-engine.ts'
import { refusals } from '../support/yaml-refusals.ts'
import { documents } from '../support/yaml-table.ts'

let engine: RenderEngine & AsyncDisposable
before(async () => {
  await prepareOracles()
  engine = await startRenderEngine()
})
after(() => engine.close())

type Read = { readonly objects: unknown[] } | { readonly error: string }

async function readOurs(text: string): Promise<Read> {
  try {
    const { objects } = await renderText(engine, { 'a.yaml': text })
    return { objects: objects.map(({ json }) => parseExactly(json)) }
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'render_failed', String(error))
    const [fault] = error.faults
    assert.ok(fault?.file === 'a.yaml' && (fault.line ?? 0) > 0, `no place: ${error.message}`)
    return { error: error.faults.map(formatFault).join('\n') }
  }
}

async function readByKubectl(texts: readonly string[]): Promise<Read[]> {
  const printed = await runOracle('kubectlRead', [], JSON.stringify(texts))
  assert.ok('text' in printed, JSON.stringify(printed))
  return (parseExactly(printed.text) as { objects: unknown[]; error?: string }[]).map(
    ({ objects, error }) => (error === undefined ? { objects } : { error }),
  )
}

/** Numbers as they are written, but those that a float of Go's spells in its own way. */
function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? `number ${context?.source}`
      : value,
  )
}

/** By name, as we order objects. */
const sorted = (objects: readonly unknown[]) =>
  objects.map((object) => JSON.stringify(object, sortKeys)).sort()
const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

test("B38 B39: documents mean what Kubernetes' own library says", async (t) => {
  const theirs = await readByKubectl(documents)
  const different: string[] = []
  for (const [at, text] of documents.entries()) {
    const [ours, other] = [await readOurs(text), theirs[at]!]
    if ('error' in ours && 'error' in other) continue
    const same =
      'objects' in ours &&
      'objects' in other &&
      isDeepStrictEqual(sorted(ours.objects), sorted(other.objects))
    if (!same) different.push(`${JSON.stringify(text)}\n  ${JSON.stringify([ours, other])}`)
  }
  assert.deepEqual(different, [])
  assert.ok(documents.length >= 500, `${documents.length}`)
  t.diagnostic(
    `${documents.length} documents, ${theirs.filter((read) => 'error' in read).length} refused`,
  )
})

for (const [name, text] of refusals) {
  test(`B33 B36 B37 B40a: refused with file and line: ${name}`, async () => {
    const read = await readOurs(text)
    assert.ok('error' in read, JSON.stringify(read))
    tells(`B33–B40a: ${name}`, read.error)
  })
}

test('B40a: text that is not UTF-8 is refused, whatever encoding it is', async () => {
  const bytes = {
    'UTF-16': Buffer.from('\ufeffapiVersion: v1\n', 'utf16le'),
    'byte 0xe9': Buffer.concat([Buffer.from('a: 1\nb: '), Buffer.from([0xe9, 0x0a])]),
  }
  for (const [words, data] of Object.entries(bytes)) {
    await assert.rejects(
      renderText(engine, { 'a.yaml': data as unknown as string }, { treeId: words }),
      (error) => (tells(`B40a: ${words}`, error), true),
    )
  }
})

test('B34: nesting without end is an error of ours, in YAML and in JSON', async () => {
  for (const [what, text] of Object.entries({
    'lists without end': `a: ${'['.repeat(20_000)}`,
    'maps without end': `a: ${'{b: '.repeat(20_000)}`,
    'items of items without end': `${'- '.repeat(20_000)}a`,
    'lists without end in JSON': `{"a":${'['.repeat(20_000)}`,
  })) {
    const read = await readOurs(text)
    assert.ok('error' in read)
    tells(`B34: ${what}`, read.error)
  }
})

test('B40a: ten megabytes on one line are read', async () => {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: long}\ndata: {text: ${'x'.repeat(10_000_000)}}\n`
  const result: RenderResult = await renderText(engine, { 'a.yaml': text })
  assert.ok((result.objects[0]?.json.length ?? 0) > 10_000_000)
})

test('B35: merge keys of merge keys cost no more than they say', async () => {
  const rows = Array.from(
    { length: 3000 },
    (_, at) => `  k${at}: &k${at} {<<: [${at > 0 ? `*k${at - 1}` : '{z: 1}'}], v${at}: ${at}}`,
  )
  const started = performance.now()
  await readOurs(`apiVersion: x.io/v1\nkind: Any\nmetadata: {name: a}\nspec:\n${rows.join('\n')}\n`)
  assert.ok(performance.now() - started < 20_000)
})
