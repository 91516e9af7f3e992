import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listKustomizeReferences } from '../../../../../hub/fleet/input/kustomize-references.ts'
import { readLoosely } from '../../../../../hub/fleet/load/loose-yaml.ts'
import { parseYamlDocuments } from '../../../../../hub/fleet/load/yaml-document.ts'
import { startSpending } from '../../../../support/processor-time.ts'

const keys = (count: number) => Array.from({ length: count }, (_, at) => `k${at}: 1\n`).join('')

function timed<T>(work: () => T): T {
  const spent = startSpending()
  const found = work()
  const took = spent()
  assert.ok(took < 5_000, `${took} ms`)
  return found
}

describe('B35: files whose reading would keep everybody else waiting', () => {
  test('a map of very many keys is read in a time that grows with their number', () => {
    const text = keys(30_000)
    assert.equal(Object.keys(timed(() => readLoosely(text)) ?? {}).length, 30_000)
    assert.deepEqual(
      timed(() => listKustomizeReferences('a', `${text}resources: [../b]\n`)),
      ['b'],
    )
    const { documents, faults } = timed(() => parseYamlDocuments('a.yaml', text))
    assert.deepEqual([documents.length, faults], [1, []])
  })

  test('a key that is given twice in a configuration file is found all the same', () => {
    const { documents, faults } = parseYamlDocuments(
      'a.yaml',
      `${keys(3)}deep: { a: 1, a: 2 }\nk1: 2\n`,
    )
    assert.deepEqual(documents, [])
    assert.deepEqual(
      faults.map(({ line, column, message }) => [line, column, message]),
      [
        [5, 1, 'YAML: Map keys must be unique'],
        [4, 15, 'YAML: Map keys must be unique'],
      ],
    )
  })

  test('what refers to itself all over, or is too long, is left to the engine', () => {
    const aliases = Array.from({ length: 30_000 }, (_, at) => `- &a${at} x\n- *a${at}\n`).join('')
    for (const text of [aliases, keys(100_000)]) {
      assert.equal(
        timed(() => readLoosely(text)),
        undefined,
      )
    }
  })
})
