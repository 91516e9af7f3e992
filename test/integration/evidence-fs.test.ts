import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createFileEvidence } from '../../agent/trust/fs.ts'
import { createEvidenceFiles } from '../../hub/status/fs.ts'
import { createTempDir } from '../support/temp-dir.ts'

const pair = (text: string) => ({
  accepted: Buffer.from(`{"${text}":1}`),
  refused: Buffer.from(`{"${text}":2}`),
})

test('T3: an agent finds its evidence again after a restart, the newest three', async () => {
  await using directory = await createTempDir('evidence')
  const files = createFileEvidence(directory.path)
  assert.deepEqual(await files.load(), [])
  const all = ['a', 'b', 'c', 'd'].map(pair)
  await files.save(all)
  const again = await createFileEvidence(directory.path).load()
  assert.deepEqual(again, all.slice(1))
  assert.equal((await stat(join(directory.path, 'evidence.json'))).mode & 0o777, 0o600)
  await writeFile(join(directory.path, 'evidence.json'), '[[')
  await assert.rejects(files.load(), SyntaxError)
})

test('T3: a hub keeps what is told twice once, and at most a hundred files', async () => {
  await using directory = await createTempDir('evidence')
  const path = join(directory.path, 'evidence')
  const files = createEvidenceFiles(path)
  const [accepted, refused] = [digestOf('1'), digestOf('2')]
  const found = { epoch: 1, sequence: 5, accepted, refused }
  const envelopes = [Buffer.from('{"a":1}'), Buffer.from('{"a":2}')] as const
  await files.keep('edge-1', found, envelopes)
  await files.keep('edge-1', found, envelopes)
  const names = await readdir(path)
  assert.equal(names.length, 1)
  const text = await readFile(join(path, names[0]!), 'utf8')
  const cluster = 'edge-1'
  assert.deepEqual(JSON.parse(text), { cluster, ...found, envelopes: ['{"a":1}', '{"a":2}'] })

  await mkdir(path, { recursive: true })
  for (let at = 0; at < 110; at += 1) {
    await files.keep('edge-2', { ...found, sequence: at }, envelopes)
  }
  assert.equal((await readdir(path)).length, 100)
})
