import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  HelloSchema,
  type SyncRequest,
  type SyncResponse,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError } from '../../../../agent/errors.ts'
import { openSession } from '../../../../agent/link/session.ts'
import { createChannel } from '../../../support/channel.ts'

describe('a session with a hub', () => {
  it('is ended when what was asked for never comes, though the hub keeps talking', async () => {
    const responses = createChannel<SyncResponse>()
    const sent: SyncRequest[] = []
    const timers = new Map<number, () => void>()
    let closed = 0
    const session = openSession({
      stream: {
        responses,
        send: async (message) => void sent.push(message),
        close() {
          closed += 1
          responses.end()
        },
      },
      hello: create(HelloSchema),
      decompress: async (bytes) => bytes,
      clock: () => 0,
      onWelcome: () => {},
      onOffer: () => {},
      every(ms, run) {
        timers.set(ms, run)
        return () => timers.delete(ms)
      },
    })
    const ended = assert.doesNotReject(session.done)
    const asked = session.fetch(new Map([[digestOf('x'), 1]]), async () => {})
    const refused = assert.rejects(asked, (error) => error instanceof AgentError)
    assert.equal(closed, 0)
    timers.get(60_000)?.()
    await refused
    await ended
    assert(closed > 0)
    assert.equal(timers.size, 0)
    assert(sent.some(({ message }) => message.case === 'want'))
  })
})
