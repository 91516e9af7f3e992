import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import { isStale } from '../../../../hub/status/cluster-view.ts'
import { createFreshness } from '../../../../hub/sync/freshness.ts'

const enrolment = {
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
  boundKey: '',
  enrolledAt: 0,
}
const start = { epoch: 1, sequence: 0, digest: '' }
const nonce = Buffer.alloc(32, 7)

function world(fails = false) {
  let now = 1_000_000
  const asked: string[] = []
  const given: [string, number][] = []
  const failed: string[] = []
  const freshnessFor = createFreshness({
    signer: {
      async freshness(request) {
        if (fails) throw new HubError('signer_unavailable', 'away')
        asked.push(request.nonce)
        return { envelope: Buffer.from('signed'), expiresAt: 600 }
      },
    },
    auditHead: () => null,
    onGiven: (cluster, until) => void given.push([cluster, until]),
    onFailed: (cluster) => void failed.push(cluster),
    monotonic: () => now,
  })
  return { freshnessFor, asked, given, failed, later: (ms: number) => (now += ms) }
}

test('asks the signer for the nonce the agent chose, and notes how long the word lives', async () => {
  const { freshnessFor, asked, given } = world()
  assert.equal(String(await freshnessFor(enrolment, nonce, start)), 'signed')
  assert.deepEqual([asked, given], [[nonce.toString('base64url')], [['a', 600_000]]])
  await assert.rejects(freshnessFor(enrolment, Buffer.alloc(8), start), { code: 'invalid' })
})

test('a cluster that asks without end costs no more than one signature each six seconds', async () => {
  const { freshnessFor, asked, later } = world()
  for (let n = 0; n < 100; n += 1) await freshnessFor(enrolment, nonce, start)
  assert.equal(asked.length, 10)
  later(6_000)
  for (let n = 0; n < 5; n += 1) await freshnessFor(enrolment, nonce, start)
  assert.equal(asked.length, 11)
  assert.ok(await freshnessFor({ ...enrolment, cluster: 'b' }, nonce, start))
})

test('a signer that is away ends no stream', async () => {
  const { freshnessFor, failed } = world(true)
  assert.equal(await freshnessFor(enrolment, nonce, start), null)
  assert.deepEqual(failed, ['a'])
})

test('T5: stale is what the agent says, or a connected cluster whose freshness ran out', () => {
  const quiet = unknownCluster('a')
  const connected = {
    ...quiet,
    connection: { state: 'Connected', since: 0, replica: 'r' },
  } as const
  assert.equal(isStale(connected, 100), false, 'an agent that never asked')
  assert.equal(isStale({ ...connected, freshUntil: 101 }, 100), false)
  assert.equal(isStale({ ...connected, freshUntil: 100 }, 100), true)
  assert.equal(isStale({ ...quiet, freshUntil: 1 }, 100), false, 'away is its own fact')
  assert.equal(isStale({ ...quiet, stale: true }, 100), true)
})
