import { create } from '@bufbuild/protobuf'
import { features } from '@groundswell/proto/features.ts'
import { HelloSchema, SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { type AcceptDeps, reopenContent, reopenStatement } from '../accept.ts'
import { AgentError } from '../errors.ts'
import type { Stream } from '../link/grpc.ts'

export interface ProveDeps extends AcceptDeps {
  readonly version: string
  readonly certificateGeneration: number
  /** A stream that takes nobody's place. */
  readonly dial: () => Stream
}

/** For the hub to welcome. */
const welcomeMs = 20_000

/**
 * Shows that this program could do the work: it verifies what runs, to the last byte, and the hub
 * welcomes it. Nothing is written, and the stream of the agent that runs stays.
 *
 * @throws AgentError of the first thing that it cannot do
 */
export async function proveSelf(deps: ProveDeps, signal: AbortSignal): Promise<void> {
  const state = await deps.trust.load()
  const checked = await reopenStatement(state, deps)
  if (checked) await reopenContent(checked, deps.content)
  const stream = deps.dial()
  const either = AbortSignal.any([signal, AbortSignal.timeout(welcomeMs)])
  const close = (): void => stream.close()
  either.addEventListener('abort', close)
  try {
    const value = create(HelloSchema, {
      protocol: 1,
      agentVersion: deps.version,
      features: [...features],
      clusterUid: deps.identity.clusterUid,
      rootVersion: deps.root.version,
      epoch: BigInt(state.epoch),
      sequence: BigInt(state.sequence),
      snapshotDigest: state.snapshotDigest ?? '',
      certificateGeneration: BigInt(deps.certificateGeneration),
      facts: { agentVersion: deps.version },
    })
    await stream.send(create(SyncRequestSchema, { message: { case: 'hello', value } }))
    for await (const { message } of stream.responses) if (message.case === 'welcome') return
    throw new AgentError('hub_unreachable', 'the hub ended the stream without a welcome')
  } finally {
    either.removeEventListener('abort', close)
    close()
  }
}
