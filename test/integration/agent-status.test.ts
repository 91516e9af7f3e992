import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { askStatus, serveStatus } from '../../agent/local/unix.ts'
import { createTempDir } from '../support/temp-dir.ts'

it('what an agent says of itself is read through a socket in its directory', async () => {
  await using folder = await createTempDir('status')
  await assert.rejects(askStatus(folder.path), {
    code: 'config_invalid',
    message: /no agent answers/,
  })
  // Left behind by one that was killed.
  await writeFile(join(folder.path, 'status.sock'), '')
  const text = 'x'.repeat(5_000_000)
  const served = await serveStatus(folder.path, () => text)
  assert.equal(await askStatus(folder.path), text)
  await served.close()
  await assert.rejects(askStatus(folder.path), { code: 'config_invalid' })
})

it('a directory too deep for a socket is refused with words', async () => {
  const deep = `/tmp/${'deep/'.repeat(30)}`
  await assert.rejects(
    serveStatus(deep, () => ''),
    { code: 'config_invalid', message: /too long/ },
  )
})
