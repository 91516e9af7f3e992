import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const swell = fileURLToPath(new URL('../../hub/cli/swell.mjs', import.meta.url))

describe('swell on a full disk', () => {
  it('B84: says that its output could not be written, and exits with 2', async () => {
    const full = openSync('/dev/full', 'w')
    try {
      const child = spawn(process.execPath, [swell, 'schema', 'fleet'], {
        stdio: ['ignore', full, 'pipe'],
        env: { PATH: process.env['PATH'] },
      })
      const closed = new Promise((resolve) => child.on('close', resolve))
      assert.match(await text(child.stderr!), /^swell: cannot write its output: ENOSPC/)
      assert.equal(await closed, 2)
    } finally {
      closeSync(full)
    }
  })
})
