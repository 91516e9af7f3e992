import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import {
  type SyncRequest,
  SyncRequestSchema,
  type SyncResponse,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { HubError, type HubErrorCode } from '../../../../hub/errors.ts'
import type { AgentPosition, Offered } from '../../../../hub/sync/offer.ts'
import { converse, type SessionDeps } from '../../../../hub/sync/session.ts'
import { createChannel } from '../../../support/channel.ts'
import { settle } from '../../../support/manual-clock.ts'
import { makePack } from '../../../support/packs.ts'

const enrolment = {
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
  boundKey: '',
  enrolledAt: 0,
}

type RequestInit = NonNullable<MessageInitShape<typeof SyncRequestSchema>['message']>
const request = (message: RequestInit): SyncRequest => create(SyncRequestSchema, { message })
const hello = (rest: object = {}) =>
  request({ case: 'hello', value: { protocol: 1, clusterUid: 'uid-a', ...rest } })
const want = (...digests: string[]) => request({ case: 'want', value: { digests } })

function offered(sequence: number): Offered {
  return {
    epoch: 1,
    sequence,
    digest: digestOf(`snapshot ${sequence}`),
    applications: digestOf('list'),
    expiresAt: 0,
    envelope: Buffer.from(`envelope ${sequence}`),
    list: [],
  }
}

/** A session whose hub wants the agent at `newest`; `send` may be held to play a slow reader. */
function world(rest: Partial<SessionDeps> = {}) {
  const requests = createChannel<SyncRequest>()
  const sent: SyncResponse['message'][] = []
  const heard: string[] = []
  const looks: AgentPosition[] = []
  const gate = { open: Promise.resolve() }
  const state = { newest: 0 }
  const session = converse(
    enrolment,
    requests,
    async (message) => {
      sent.push(message.message)
      await gate.open
    },
    {
      async offerFor(_, at) {
        looks.push(at)
        const current = state.newest > 0 ? offered(state.newest) : null
        return { offer: current && current.sequence > at.sequence ? current : null, current }
      },
      serve: async (_, __, wanted) => ({ blobs: [], missing: wanted }),
      compress: async (bytes) => bytes,
      onHello: () => heard.push('hello'),
      onReport: () => heard.push('report'),
      onVerdict: () => heard.push('verdict'),
      onHeartbeat: () => heard.push('heartbeat'),
      onOffered: (_, sequence) => heard.push(`offered ${sequence}`),
      heartbeatSeconds: 20,
      reconnectWindowSeconds: () => 3,
      ...rest,
    },
  )
  const offers = () =>
    sent.flatMap((message) =>
      message.case === 'offer' ? [Buffer.from(message.value.envelope).toString()] : [],
    )
  return { requests, sent, heard, looks, gate, state, session, offers }
}

async function breaks(requests: SyncRequest[], code: HubErrorCode, words: RegExp): Promise<void> {
  const { requests: channel, session, heard } = world()
  channel.push(...requests)
  await assert.rejects(session.done, (error) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, code)
    assert.match(error.message, words)
    return true
  })
  assert.ok(!heard.includes('report'))
}

describe('converse', () => {
  test('welcomes, then offers what is newer than where the agent says it is', async () => {
    const { requests, sent, heard, looks, state, session, offers } = world()
    state.newest = 5
    requests.push(hello({ epoch: 1n, sequence: 4n, snapshotDigest: 'sha256:x' }))
    await settle()
    assert.deepEqual(looks[0], { epoch: 1, sequence: 4, digest: 'sha256:x' })
    assert.deepEqual(
      sent.map((message) => message.case),
      ['welcome', 'offer'],
    )
    const [welcome] = sent
    assert.ok(welcome?.case === 'welcome')
    const { cluster, heartbeatSeconds, reconnectWindowSeconds } = welcome.value
    assert.deepEqual([cluster, heartbeatSeconds, reconnectWindowSeconds], ['a', 20, 3])
    assert.deepEqual(offers(), ['envelope 5'])
    assert.deepEqual(heard, ['hello', 'offered 5'])
    requests.end()
    await session.done
  })

  test('does not repeat an offer, whatever is noticed, until there is a newer one', async () => {
    const { requests, state, session, offers } = world()
    state.newest = 1
    requests.push(hello())
    await settle()
    for (let n = 0; n < 3; n += 1) {
      session.notice()
      await settle()
    }
    assert.deepEqual(offers(), ['envelope 1'])
    state.newest = 2
    session.notice()
    await settle()
    assert.deepEqual(offers(), ['envelope 1', 'envelope 2'])
  })

  test('a slow reader gets the newest offer only, and nothing piles up behind it', async () => {
    const { requests, gate, looks, state, session, offers } = world()
    state.newest = 1
    requests.push(hello())
    await settle()
    const held = Promise.withResolvers<void>()
    gate.open = held.promise
    for (state.newest = 2; state.newest < 50; state.newest += 1) {
      session.notice()
      await settle()
    }
    assert.deepEqual(offers(), ['envelope 1', 'envelope 2'])
    held.resolve()
    await settle()
    assert.deepEqual(offers(), ['envelope 1', 'envelope 2', 'envelope 50'])
    assert.equal(looks.length, 3)
  })

  test('what is noticed before hello is looked at once after it', async () => {
    const { requests, looks, session } = world()
    session.notice()
    session.notice()
    await settle()
    assert.equal(looks.length, 0)
    requests.push(hello())
    await settle()
    assert.equal(looks.length, 1)
  })

  test('tells what it hears, in order', async () => {
    const { requests, heard, session } = world()
    requests.push(
      hello(),
      request({ case: 'heartbeat', value: {} }),
      request({ case: 'report', value: {} }),
      request({ case: 'verdict', value: {} }),
      create(SyncRequestSchema),
    )
    requests.end()
    await session.done
    assert.deepEqual(heard, ['hello', 'heartbeat', 'report', 'verdict'])
  })

  test('an offer brings what the agent lacks, as long as it is known what it has', async () => {
    const pack = makePack([{ digest: digestOf('x'), data: Buffer.from('x') }])
    const pushes: (readonly unknown[])[] = []
    const { requests, sent, state, session } = world({
      async push(before, after) {
        pushes.push([before.length, after.length])
        return [pack]
      },
    })
    const brought = () =>
      sent.flatMap((message) => (message.case === 'offer' ? [message.value.contents.length] : []))
    const offerNext = async () => {
      state.newest += 1
      session.notice()
      await settle()
    }
    // Of one that has something, it is known once it turns out to be the newest.
    state.newest = 1
    requests.push(hello({ epoch: 1n, sequence: 1n, snapshotDigest: 'sha256:x' }))
    await settle()
    await offerNext()
    requests.push(request({ case: 'verdict', value: { accepted: true, sequence: 2n } }))
    await offerNext()
    assert.deepEqual(brought(), [1, 1])
    requests.push(request({ case: 'verdict', value: { accepted: false } }))
    await settle()
    session.notice()
    await settle()
    await offerNext()
    assert.deepEqual(brought(), [1, 1, 0])
    await offerNext()
    assert.deepEqual(brought(), [1, 1, 0, 1])
    assert.equal(pushes.length, 3)
  })

  test('an agent that is behind is pushed nothing, one that has nothing all', async () => {
    for (const [sequence, expected] of [
      [0n, 1],
      [4n, 0],
    ] as const) {
      const pushed = makePack([])
      const { requests, sent, state } = world({ push: async () => [pushed] })
      state.newest = 5
      requests.push(hello({ epoch: 1n, sequence }))
      await settle()
      const offer = sent.find((message) => message.case === 'offer')
      assert.equal(offer?.case === 'offer' && offer.value.contents.length, expected)
    }
  })

  test('serves wanted digests out of the list that was offered', async () => {
    const bytes = Buffer.from('content')
    const digest = digestOf(bytes)
    const asked: (readonly Digest[])[] = []
    const serve: SessionDeps['serve'] = async (cluster, list, wanted) => {
      assert.equal(cluster, 'a')
      assert.deepEqual(list, [])
      asked.push(wanted)
      return { blobs: [{ digest, bytes }], missing: wanted.slice(1) }
    }
    const batch = async (_: unknown, digests: readonly Digest[]) => [{ digests, bytes: 1 }]
    const { requests, sent, session } = world({ serve: Object.assign(serve, { batch }) })
    requests.push(hello(), want(digest, digestOf('other')))
    requests.end()
    await session.done
    assert.deepEqual(asked, [[digest, digestOf('other')]])
    const content = sent.find((message) => message.case === 'content')
    assert.deepEqual(content?.case === 'content' && content.value.missing, [digestOf('other')])
  })

  test('serves what the offer before named as well: the agent may be taking it still', async () => {
    const lists: unknown[] = []
    const list = (name: string): Offered['list'] => [
      { name, generation: 1, state: 'removed', policy: 'Delete' } as never,
    ]
    let newest = 1
    const { requests, session } = world({
      offerFor: async (_, at) => {
        const current = { ...offered(newest), list: list(`list ${newest}`) }
        return { offer: newest > at.sequence ? current : null, current }
      },
      async serve(_, applications, wanted) {
        lists.push(applications.map(({ name }) => name))
        return { blobs: [], missing: wanted }
      },
    })
    requests.push(hello())
    await settle()
    for (newest = 2; newest <= 3; newest += 1) {
      session.notice()
      await settle()
      requests.push(want(digestOf('x')))
      await settle()
    }
    assert.deepEqual(lists, [
      ['list 2', 'list 1'],
      ['list 3', 'list 2'],
    ])
    requests.end()
    await session.done
  })

  test('says goodbye with the window, finishes what it is sending, and offers nothing more', async () => {
    const bytes = Buffer.from('content')
    const { requests, sent, gate, state, session, offers } = world({
      serve: async (_, __, wanted) => ({
        blobs: wanted.map((digest) => ({ digest, bytes })),
        missing: [],
      }),
    })
    requests.push(hello())
    await settle()
    const held = Promise.withResolvers<void>()
    gate.open = held.promise
    requests.push(want(digestOf('1')), want(digestOf('2')))
    await settle()
    let left = false
    const leaving = session.leave('it ends').then(() => (left = true))
    state.newest = 1
    session.notice()
    requests.push(want(digestOf('3')))
    await settle()
    assert.equal(left, false)
    held.resolve()
    await leaving
    const last = sent.at(-1)
    assert.ok(last?.case === 'goodbye')
    assert.deepEqual([last.value.reason, last.value.reconnectWindowSeconds], ['it ends', 3])
    assert.equal(sent.filter((message) => message.case === 'content').length, 1)
    assert.deepEqual(offers(), [])
  })

  test('F25: reports are heard while a want is being answered, and wants are answered in turn', async () => {
    const bytes = Buffer.from('content')
    const asked: (readonly Digest[])[] = []
    const { requests, sent, heard, gate, session } = world({
      async serve(_, __, wanted) {
        asked.push(wanted)
        return { blobs: wanted.map((digest) => ({ digest, bytes })), missing: [] }
      },
    })
    requests.push(hello())
    await settle()
    const held = Promise.withResolvers<void>()
    gate.open = held.promise
    requests.push(want(digestOf('1')), want(digestOf('2')), request({ case: 'report', value: {} }))
    await settle()
    assert.deepEqual(heard, ['hello', 'report'])
    assert.deepEqual(asked, [[digestOf('1')]])
    requests.end()
    held.resolve()
    await session.done
    assert.deepEqual(asked, [[digestOf('1')], [digestOf('2')]])
    assert.equal(sent.filter((message) => message.case === 'content').length, 2)
  })

  test('F25: wants that pile up behind one that is not taken end the conversation', async () => {
    const { requests, gate, session } = world()
    requests.push(hello())
    await settle()
    gate.open = new Promise(() => {})
    requests.push(...Array.from({ length: 6 }, (_, n) => want(digestOf(`${n}`))))
    await assert.rejects(session.done, /wants may wait/)
  })

  test('F49: an agent that is too old for what it should have is told of, offered nothing, and asked nothing it would get wrong', async () => {
    const told: string[] = []
    const { requests, state, session, offers } = world({
      whyTooOld: async (_, { version, features }) =>
        features.has('apply-rules') ? undefined : `${version} lacks apply-rules`,
      onTooOld: (cluster, why) => told.push(`${cluster}: ${why}`),
    })
    state.newest = 1
    requests.push(hello({ agentVersion: '0.1' }))
    await settle()
    session.notice()
    await settle()
    assert.deepEqual([...new Set(told)], ['a: 0.1 lacks apply-rules'])
    assert.deepEqual(offers(), [])
    const asked = { id: 'q', application: 'shop', serviceAccount: 'shop/deployer' }
    await assert.rejects(session.dryRun(asked, new AbortController().signal), { code: 'conflict' })
    requests.end()
    await session.done

    const next = world({
      whyTooOld: async (_, { features }) => (features.size > 0 ? undefined : 'x'),
    })
    next.state.newest = 1
    next.requests.push(hello({ features: ['apply-rules'] }))
    await settle()
    assert.deepEqual(next.offers(), ['envelope 1'])
    next.requests.end()
    await next.session.done
  })

  test('I9: an agent that asks for one certificate after the other is cut off', async () => {
    let made = 0
    const renew = async () => ({ certificateChain: `${(made += 1)}`, generation: 2n, hubCa: '' })
    const { requests, session } = world({ identity: { checkCluster: async () => {}, renew } })
    requests.push(hello())
    for (let at = 0; at < 20; at += 1) requests.push(request({ case: 'renew', value: {} }))
    await assert.rejects(session.done, { code: 'invalid' })
    assert.equal(made, 8)
  })

  test('an agent that breaks the rules is cut off', async () => {
    const digests = Array.from({ length: 5_001 }, (_, n) => digestOf(`${n}`))
    await breaks([want(digestOf('x'))], 'invalid', /hello comes first/)
    await breaks([request({ case: 'report', value: {} }), hello()], 'invalid', /hello comes first/)
    await breaks([hello(), hello()], 'invalid', /said twice/)
    await breaks([hello({ protocol: 2 })], 'invalid', /protocol 2 is not spoken/)
    await breaks([hello({ clusterUid: 'uid-b' })], 'identity_refused', /belongs to another cluster/)
    await breaks([hello(), want(...digests)], 'invalid', /at most 5000/)
    await breaks([hello(), want(digestOf('x'), 'nonsense')], 'invalid', /names at most/)
  })

  test('ends with the reason when an offer cannot be made or sent', async () => {
    const reason = new HubError('redis_unavailable', 'away')
    const { requests, session } = world({ offerFor: async () => Promise.reject(reason) })
    requests.push(hello())
    await assert.rejects(session.done, reason)
  })
})
