import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { judgeCase, witnessCase } from '../../../../agent/verify/case.ts'
import { judgePacks } from '../../../../agent/verify/packs.ts'
import { parseVectors } from '../../../../agent/verify/vector.ts'
import { generateVectors } from '../../../vectors/generate.ts'

const decompress = async (bytes: Uint8Array, limit: number): Promise<Uint8Array> =>
  zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, limit) })

const vectors = [...generateVectors().values()].flatMap(parseVectors)

describe('vectors', () => {
  for (const { name, rows, expected, audit, given, packs } of vectors) {
    it(`${rows.join(' ')}: ${name}: ${expected}`, async () => {
      const verdict = packs ? await judgePacks(packs, decompress) : await judgeCase(given)
      assert.equal(verdict, expected)
      if (audit !== undefined) assert.equal(await witnessCase(given), audit)
    })
  }

  it('cover the rows of the threat model that a verifier can see', () => {
    const covered = new Set(vectors.flatMap(({ rows }) => rows))
    const threats = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 17, 18, 38].map(
      (row) => `T${row}`,
    )
    const inputs = [41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55].map(
      (row) => `B${row}`,
    )
    assert.deepEqual(
      [...threats, ...inputs].filter((row) => !covered.has(row)),
      [],
    )
    assert.ok(vectors.length >= 120)
    assert.equal(new Set(vectors.map(({ name }) => name)).size, vectors.length, 'a name twice')
  })
})
