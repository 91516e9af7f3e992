import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

const swell = fileURLToPath(new URL('../../hub/cli/swell.mjs', import.meta.url))
const login = ['login', '--server', 'http://127.0.0.1:9', '--token']

describe('B83: swell, given a file or an input of no use', () => {
  let place: TempDir

  before(async () => {
    place = await createTempDir('cli-files')
  })
  after(() => place.remove())

  /** Through a shell, which can close its input. */
  async function run(words: readonly string[], redirection = ''): Promise<[unknown, string]> {
    const script = `exec "$@" ${redirection}`
    const child = spawn('sh', ['-c', script, 'sh', process.execPath, swell, ...words], {
      env: { PATH: process.env['PATH'], HOME: place.path },
    })
    const closed = new Promise((resolve) => child.on('close', resolve))
    const said = await text(child.stderr)
    assert.doesNotMatch(said, /\n +at /)
    return [await closed, said]
  }

  it('says so of an empty file, of one of a gigabyte, and of a directory', async () => {
    const [empty, huge] = [join(place.path, 'empty'), join(place.path, 'huge')]
    await writeFile(empty, '')
    await writeFile(huge, '')
    await truncate(huge, 1024 ** 3)
    for (const [path, words] of [
      [empty, /no token given/],
      [huge, /cannot read .*huge: it has 1073741824 bytes, and 268435456 are allowed/],
      [place.path, /cannot read .*EISDIR/],
    ] as const) {
      const [code, said] = await run([...login, '--token-file', path])
      assert.equal(code, 2, said)
      assert.match(said, words)
    }
  })

  it('asks nobody where its input is closed', async () => {
    const [code, said] = await run(login, '<&-')
    assert.equal(code, 2, said)
    assert.match(said, /no token given/)
  })
})
