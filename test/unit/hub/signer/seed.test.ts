import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type SignerEntry, emptyRecord, foldSignerEntry } from '../../../../hub/signer/record.ts'
import { listMissing } from '../../../../hub/signer/seed.ts'

const [one, two, three] = [digestOf('one'), digestOf('two'), digestOf('three')]
const manifest = { application: 'web', repository: 'fleet', url: 'https://git', kinds: [] }

function record(entries: readonly SignerEntry[]) {
  const state = emptyRecord()
  for (const entry of entries) foldSignerEntry(state, entry)
  return state
}

it('a record takes what it lacks from a seed, and keeps sequences and origins it has', () => {
  const about = { cluster: 'a', clusterUid: 'uid', epoch: 1, sequence: 7, digest: one }
  const state = record([
    { t: 'cluster', id: 'id-a', record: about, contents: [['web', one]] },
    {
      t: 'pairs',
      application: 'web',
      clusters: ['a'],
      record: { history: [one, two], wanted: true },
    },
    { t: 'manifest', digest: one, record: manifest },
  ])
  const seed: SignerEntry[] = [
    {
      t: 'cluster',
      id: 'id-a',
      record: { ...about, epoch: 0, sequence: 0, digest: null },
      contents: [['web', 'several']],
    },
    {
      t: 'pairs',
      application: 'web',
      clusters: ['a'],
      record: { history: [two, three], wanted: false },
    },
    { t: 'manifest', digest: one, record: { ...manifest, url: '' } },
    { t: 'manifest', digest: three, record: { ...manifest, url: '' } },
  ]
  for (const entry of listMissing(state, seed)) foldSignerEntry(state, entry)
  assert.equal(state.clusters.get('id-a')?.sequence, 7)
  assert.equal(state.clusters.get('id-a')?.contents.get('web'), 'several')
  const pair = state.applications.get('web')?.get('a')
  assert.deepEqual(pair, { history: [one, two, three], wanted: true })
  assert.equal(state.manifests.get(one)?.url, 'https://git')
  assert(state.manifests.has(three))
  assert.deepEqual(
    listMissing(state, seed).filter(({ t }) => t !== 'cluster'),
    [],
  )
})
