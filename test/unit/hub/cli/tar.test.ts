import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { packArchive } from '../../../../hub/cli/tar.ts'

/** Reads back what the format says, field by field. */
function unpack(archive: Buffer): { path: string; text: string; seconds: number }[] {
  const found = []
  let at = 0
  while (archive[at] !== 0) {
    const header = archive.subarray(at, at + 512)
    const octal = (from: number, to: number): number =>
      Number.parseInt(header.toString('latin1', from, to), 8)
    const summed = Buffer.from(header).fill(' ', 148, 156)
    assert.equal(
      octal(148, 154),
      summed.reduce((total, byte) => total + byte, 0),
    )
    assert.equal(header.toString('latin1', 257, 265), 'ustar\x0000')
    const size = octal(124, 135)
    const path = header.toString('utf8', 0, header.indexOf(0))
    const text = archive.toString('utf8', at + 512, at + 512 + size)
    found.push({ path, text, seconds: octal(136, 147) })
    at += 512 + Math.ceil(size / 512) * 512
  }
  assert.equal(archive.byteLength - at, 1024)
  return found
}

describe('packArchive', () => {
  it('holds every file as it was', () => {
    const file = fc.record({
      path: fc.stringMatching(/^[a-z./-]{1,100}$/),
      text: fc.string({ unit: 'grapheme', maxLength: 1200 }),
    })
    fc.assert(
      fc.property(
        fc.array(file, { maxLength: 4 }),
        fc.integer({ min: 0, max: 2 ** 32 }),
        (files, seconds) => {
          const expected = files.map((one) => ({ ...one, seconds }))
          assert.deepEqual(unpack(packArchive(files, seconds)), expected)
        },
      ),
    )
  })

  it('refuses a path that has no place in it', () => {
    assert.throws(() => packArchive([{ path: 'x'.repeat(101), text: '' }], 0), /too long a path/)
  })
})
