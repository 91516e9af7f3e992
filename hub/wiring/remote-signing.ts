import { HubError } from '../errors.ts'
import { createRemoteSigner } from '../roles/signer-calls.ts'
import type { Signer } from '../signer/signer.ts'
import { reachSocket } from './sockets.ts'
import type { Surroundings } from './surroundings.ts'

export interface RemoteSigningHooks {
  readonly onRefused: (code: string) => void
  /** It is there again after it was away: it may know less than before. */
  readonly onUp: () => void
}

/** The signer of another process; without its root statements nobody can join, so it is waited for. */
export async function reachSigner(
  surroundings: Surroundings,
  { onRefused, onUp }: RemoteSigningHooks,
): Promise<Signer> {
  let before = false
  const caller = reachSocket(surroundings, 'sign', 'signer_unavailable', {
    onUp() {
      if (before) onUp()
      before = true
    },
  })
  await caller.ready(surroundings.signal)
  const signer = createRemoteSigner(caller)
  return {
    ...signer,
    async sign(request) {
      try {
        return await signer.sign(request)
      } catch (error) {
        if (error instanceof HubError && error.code.startsWith('sign_')) onRefused(error.code)
        throw error
      }
    },
  }
}
