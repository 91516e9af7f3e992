import assert from 'node:assert/strict'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { openSignerRecord, readSignerPolicy } from '../../hub/signer/fs.ts'
import {
  type SignerEntry,
  foldSignerEntry,
  listEntries,
  longestHistory,
} from '../../hub/signer/record.ts'
import { createTempDir } from '../support/temp-dir.ts'

const signed = (sequence: number): SignerEntry => ({
  t: 'signed',
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
  epoch: 1,
  sequence,
  digest: digestOf(`${sequence}`),
  changed: [['shop', digestOf(`${sequence}`)]],
})

const attested = (digest: Digest): SignerEntry => ({
  t: 'attested',
  attestation: {
    ...{ fleetRevision: 'main@sha1:1', clusters: ['a'], names: ['shop'], groups: {} },
    applications: [
      {
        ...{ name: 'shop', keep: [] },
        contents: [
          {
            ...{ digest, repository: 'fleet', url: 'https://git.example/fleet.git' },
            ...{ revision: 'main@sha1:1', kinds: ['ConfigMap'], clusters: ['a'] },
          },
        ],
      },
    ],
  },
})

test('I3 a signer’s record outlives it, in few lines, and a line cut short never was', async () => {
  await using directory = await createTempDir('signer-record')
  const path = join(directory.path, 'record.jsonl')
  const first = await openSignerRecord(path)
  await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      const entry = signed(at + 1)
      await first.append(entry)
      foldSignerEntry(first.state, entry)
    }),
  )
  await first.close()
  await assert.rejects(first.append(signed(51)), { code: 'signer_unavailable' })
  assert.equal((await stat(path)).mode & 0o077, 0)
  await appendFile(path, JSON.stringify(signed(99)).slice(0, -9))
  const again = await openSignerRecord(path)
  assert.equal(again.state.clusters.get('id-a')?.sequence, 50)
  assert.equal(again.state.clusters.get('id-a')?.contents.get('shop'), 'several')
  assert.deepEqual(listEntries(again.state), listEntries(first.state))
  assert.ok((await readFile(path, 'utf8')).split('\n').length < 5)
  await again.close()
})

test('I9 a signer that runs for long forgets what nobody can ask for, in its file and in memory', async () => {
  await using directory = await createTempDir('signer-record')
  const path = join(directory.path, 'record.jsonl')
  const record = await openSignerRecord(path)
  const commits = 12_000
  await Promise.all(
    Array.from({ length: commits }, async (_, at) => {
      const entry = attested(digestOf(`content ${at}`))
      await record.append(entry)
      foldSignerEntry(record.state, entry)
    }),
  )
  await record.close()
  assert.ok((await stat(path)).size < 2 ** 20)
  const { manifests, applications } = record.state
  assert.ok(manifests.size <= longestHistory, `${manifests.size} manifests`)
  assert.equal(applications.get('shop')?.get('a')?.history.at(-1), digestOf('content 11999'))
})

test('a damaged record stops the signer; a policy with faults names all of them', async () => {
  await using directory = await createTempDir('signer-record')
  const path = join(directory.path, 'record.jsonl')
  await writeFile(path, `${JSON.stringify(signed(1))}\n{"t":\n${JSON.stringify(signed(2))}\n`)
  await assert.rejects(openSignerRecord(path), /line 2 is damaged/)
  const policy = join(directory.path, 'policy.yaml')
  await writeFile(policy, 'repositories: [x]\ngroups: [prod]\nhistory: 3\n')
  assert.deepEqual(await readSignerPolicy(policy), {
    repositories: ['x'],
    kinds: ['*'],
    clusters: [],
    groups: ['prod'],
    history: 3,
    removals: 'attested',
  })
  await writeFile(policy, 'repository: x\nhistory: 0\nremovals: sometimes\n')
  await assert.rejects(readSignerPolicy(policy), /unknown member repository[^]*history[^]*removals/)
})
