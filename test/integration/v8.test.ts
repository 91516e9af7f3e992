import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

describe('the tuning of V8', () => {
  test('is by flags that this Node knows', async () => {
    const module = new URL('../../hub/v8.ts', import.meta.url).href
    const script = `import { tuneCompilers } from '${module}'; tuneCompilers(); console.log('went on')`
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { timeout: 20_000 },
    )
    assert.deepEqual([stdout, stderr], ['went on\n', ''])
  })
})
