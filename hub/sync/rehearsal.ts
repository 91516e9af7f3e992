import { create } from '@bufbuild/protobuf'
import {
  type SyncRequest,
  SyncResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { HubError } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import { type Send, type SessionDeps, checkHello, welcomeOf } from './session.ts'

export type RehearsalDeps = Pick<
  SessionDeps,
  'identity' | 'heartbeatSeconds' | 'reconnectWindowSeconds'
>

/**
 * An agent that waits to take over finds out whether it would be let in. Nothing of it is recorded: what
 * it says of itself counts only once it streams.
 *
 * @throws HubError what its hello would have been refused for
 */
export async function rehearse(
  enrolment: Enrolment,
  requests: AsyncIterable<SyncRequest>,
  send: Send,
  deps: RehearsalDeps,
): Promise<void> {
  for await (const { message } of requests) {
    if (message.case !== 'hello') throw new HubError('invalid', 'hello comes first')
    await checkHello(message.value, enrolment, deps)
    const value = welcomeOf(enrolment.cluster, deps)
    await send(create(SyncResponseSchema, { message: { case: 'welcome', value } }))
    return
  }
}
