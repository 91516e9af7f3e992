import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import {
  applicationFiles,
  changedFile,
  changedText,
  objects,
  rawBytes,
} from '../../bench/fleet-text.ts'

describe('the fleet that benchmarks roll out', () => {
  const files = Object.entries(applicationFiles()).filter(
    ([name]) => name.startsWith('apps/web/') && !name.endsWith('/kustomization.yaml'),
  )

  it('is 34 objects in 60 KB, each another', () => {
    assert.equal(files.length, objects)
    assert.equal(objects, 34)
    assert.ok(rawBytes() > 58_000 && rawBytes() < 62_000, `${rawBytes()} bytes`)
    assert.equal(new Set(files.map(([, text]) => text)).size, objects)
    assert.notEqual(changedText('run1'), Object.fromEntries(files)[changedFile])
  })

  it('shrinks as configuration does: neither like noise nor like one line said again', () => {
    for (const [name, text] of files.filter(([name]) => name.includes('/config-'))) {
      const share = zstdCompressSync(text).byteLength / Buffer.byteLength(text)
      assert.ok(share > 0.15 && share < 0.4, `${name} shrinks to ${share}`)
    }
  })
})
