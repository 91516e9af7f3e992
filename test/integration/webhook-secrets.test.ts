import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { readWebhookSecrets } from '../../hub/fs.ts'
import { createTempDir } from '../support/temp-dir.ts'

test('a repository has the secrets of its own file, else of the one for all, as they are now', async () => {
  await using temp = await createTempDir('webhook secrets')
  const [file, directory] = [join(temp.path, 'all'), join(temp.path, 'each')]
  const read = (name: string) => readWebhookSecrets(name, { file, directory })
  await mkdir(directory)
  await writeFile(file, 'old\nnew\n')
  await writeFile(join(directory, 'apps'), 'own\n')
  assert.deepEqual(read('fleet'), ['old', 'new'])
  assert.deepEqual(read('apps'), ['own'])
  await writeFile(join(directory, 'apps'), '\n')
  assert.deepEqual(read('apps'), [], 'an empty file is no leave to use another')
  await rm(join(directory, 'apps'))
  assert.deepEqual(read('apps'), ['old', 'new'])
  await writeFile(file, 'x\n'.repeat(100))
  assert.equal(read('fleet').length, 4)
  assert.deepEqual(readWebhookSecrets('x', { file: undefined, directory: undefined }), [])
})
