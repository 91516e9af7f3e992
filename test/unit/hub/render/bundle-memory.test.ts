import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { AskedFacts } from '../../../../hub/render/asked-facts.ts'
import {
  formatBundleLine,
  parseBundleLines,
  rememberedBundles,
} from '../../../../hub/render/bundle-memory.ts'

const made = (text: string) => ({
  digest: digestOf(text),
  size: text.length,
  kinds: ['ConfigMap'],
  violations: [],
  notes: [`said of ${text}`],
})
const line = (input: string, text: string) => formatBundleLine(digestOf(input), made(text))

describe('bundles that were made before', () => {
  test('come back as they were; the last word on an input counts', () => {
    const found = parseBundleLines(line('a', 'one') + line('b', 'two') + line('a', 'three'))
    assert.deepEqual(
      [...found],
      [
        [digestOf('b'), made('two')],
        [digestOf('a'), made('three')],
      ],
    )
  })

  test('say which objects they name, and a line of before that does not is good all the same', () => {
    const [base, asked] = [digestOf('base'), { versions: [] }] as unknown as [Digest, AskedFacts]
    for (const rest of [
      {},
      { base, asked },
      { fingerprint: 'f' },
      { base, asked, fingerprint: 'f' },
    ]) {
      const whole = { ...made('one'), ...rest }
      const text = formatBundleLine(digestOf('a'), whole)
      assert.deepEqual([...parseBundleLines(text).values()], [whole])
    }
    const { digest, size, kinds, violations, notes } = made('one')
    const before = JSON.stringify([digestOf('a'), digest, size, kinds, violations, notes])
    const found = parseBundleLines(`${digestOf(before)} ${before}\n`)
    assert.deepEqual([...found.values()], [made('one')])
  })

  test('a damaged line, or half a one, is as if it were not there', () => {
    const whole = line('a', 'one')
    for (let at = 0; at < whole.length - 1; at += 1) {
      const changed = `${whole.slice(0, at)}${whole[at] === '0' ? '1' : '0'}${whole.slice(at + 1)}`
      assert.equal(parseBundleLines(changed + line('b', 'two')).size, 1, `changed at ${at}`)
      assert.equal(parseBundleLines(whole.slice(0, at)).size, 0, `cut at ${at}`)
    }
  })

  test('are no more than are remembered: the newest', () => {
    const count = rememberedBundles + 3
    const text = Array.from({ length: count }, (_, n) => line(`${n}`, 'x')).join('')
    const found = parseBundleLines(text)
    assert.equal(found.size, rememberedBundles)
    assert.ok(found.has(digestOf(`${count - 1}`)) && !found.has(digestOf('2')))
  })
})
