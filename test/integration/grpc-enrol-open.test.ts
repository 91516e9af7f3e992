import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'node:http2'
import { after, before, describe, it } from 'node:test'
import { createAdmission } from '../../hub/sync/admission.ts'
import { createChallenges } from '../../hub/sync/challenge.ts'
import { createEnrolment } from '../../hub/sync/enrol.ts'
import { serveEnrolment } from '../../hub/sync/grpc.ts'
import type { Listener } from '../../hub/sync/listen/grpc.ts'
import { createMembers } from '../../hub/sync/members.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { emptyMembership } from '../../hub/ledger/membership.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* A stranger who keeps what anybody may have: a connection to the enrol listener, and calls on it. */

const unfinished = Buffer.from([0, 0, 0, 0, 200])
const call = {
  ...{ ':method': 'POST', ':path': '/groundswell.v1.EnrolService/Begin' },
  ...{ 'content-type': 'application/grpc', te: 'trailers' },
}

describe('calls that never end on the enrol listener (T37, B58)', () => {
  const stack = new AsyncDisposableStack()
  let listener: Listener

  before(async () => {
    const directory = stack.use(await createTempDir('enrol-open'))
    const authority = await loadAuthority(directory.path, 'test', Date.now)
    const membership = emptyMembership()
    const answers = async () => true
    const enrolment = createEnrolment({
      record: createMembers({
        ...{ membership, append: answers, take: answers, giveBack: async () => {} },
      }),
      authority,
      challenges: createChallenges(randomBytes(32), randomBytes),
      allow: () => true,
      root: randomBytes(8),
      dataAddress: () => '127.0.0.1:1',
      clock: Date.now,
      newId: randomUUID,
    })
    listener = await serveEnrolment(
      ...(['127.0.0.1', 0, await authority.serve(['127.0.0.1']), authority, enrolment] as const),
      {
        admission: createAdmission({
          ...{ atOnce: 10, perSecond: 100, open: 10, clock: Date.now },
        }),
        onCrowd: () => {},
        openMs: 300,
      },
    )
    stack.defer(() => listener.close(0))
  })
  after(() => stack.disposeAsync())

  it('do not keep a connection open longer than a join may take', async () => {
    const client = connect(`https://${listener.address}`, { rejectUnauthorized: false })
    client.on('error', () => {})
    const stream = client.request(call)
    stream.on('error', () => {})
    stream.write(unfinished)
    await until(() => client.closed || client.destroyed, {
      ...{ deadlineMs: 10_000, what: 'the hub to end the connection' },
    })
  })

  it('are two of a connection at most', async () => {
    const client = connect(`https://${listener.address}`, { rejectUnauthorized: false })
    client.on('error', () => {})
    await until(() => client.remoteSettings?.maxConcurrentStreams !== undefined, {
      ...{ deadlineMs: 10_000, what: 'what the hub allows' },
    })
    assert.equal(client.remoteSettings.maxConcurrentStreams, 2)
    client.destroy()
  })
})
