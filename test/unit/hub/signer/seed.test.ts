import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
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
  assert.deepEqual(listMissing(state, seed), [])
})

it('what a record forgot for its age does not come back as the newest, and what it missed stands where it was', () => {
  const digests = Array.from({ length: 80 }, (_, at) => digestOf(`content ${at}`))
  const pairs = (history: readonly Digest[]): SignerEntry => ({
    ...{ t: 'pairs', application: 'web', clusters: ['a'] },
    record: { history, wanted: true },
  })
  // Each second one was replaced before it was planned.
  const state = record([pairs(digests.slice(-50))])
  const planned = digests.filter((_, at) => at % 2 === 0)
  assert.deepEqual(listMissing(state, [pairs(planned)]), [])
  const older = record([pairs(digests.slice(0, 3))])
  assert.deepEqual(
    listMissing(older, [pairs([digests[1]!, digests[7]!, digests[2]!, digests[9]!])]),
    [pairs([0, 1, 7, 2, 9].map((at) => digests[at]!))],
  )
})
