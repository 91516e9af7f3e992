import assert from 'node:assert/strict'
import { it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { SyncResponseSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError, type AgentErrorCode } from '../../../../agent/errors.ts'
import { createDialling } from '../../../../agent/link/dialling.ts'
import type { CertificateLife } from '../../../../agent/link/hub-certificate.ts'

it('F29: doubts the clock only after a certificate that was refused for its time, and as long as it shows', async () => {
  const doubts: boolean[] = []
  let end: AgentErrorCode = 'hub_unreachable'
  let life: CertificateLife | undefined
  let answers = 0
  async function* responses() {
    for (let n = 0; n < answers; n += 1) yield create(SyncResponseSchema)
    throw new AgentError(end, 'the stream has ended')
  }
  const dial = createDialling((doubted) => {
    doubts.push(doubted)
    return { responses: responses(), send: async () => {}, close: () => {}, doubtful: () => life }
  })
  const live = async (code: AgentErrorCode, answered: number, shown?: CertificateLife) => {
    ;[end, answers, life] = [code, answered, shown]
    const { responses } = dial()
    await assert.rejects(async () => {
      for await (const _ of responses);
    })
    return doubts.at(-1)
  }
  assert.equal(await live('hub_unreachable', 0), false)
  assert.equal(await live('hub_untrusted', 0), false, 'another authority is no matter of time')
  assert.equal(await live('hub_certificate_time', 0), false)
  assert.equal(await live('hub_unreachable', 0), true)
  assert.equal(await live('hub_certificate_time', 0), false)
  assert.equal(await live('hub_unreachable', 3, { from: 0, to: 1 }), true)
  assert.equal(
    await live('hub_unreachable', 3, undefined),
    true,
    'its certificate showed it before',
  )
  assert.equal(await live('hub_unreachable', 0), false, 'the clock was set right')
})
