import { HubError } from '../errors.ts'
import { serveProbes } from '../roles/http.ts'
import { askSignerName, createRemoteSigner } from '../roles/signer-calls.ts'
import type { Signer } from '../signer/signer.ts'
import { reachSocket } from './sockets.ts'
import type { Surroundings } from './surroundings.ts'

export interface RemoteSigningHooks {
  readonly onRefused: (code: string) => void
  /** It is there again after it was away: it may know less than before. */
  readonly onUp: () => void
  /** In which this front end leads, of several. */
  readonly term: (() => number) | undefined
}

/** The signer of another process; without its root statements nobody can join, so it is waited for. */
export async function reachSigner(
  surroundings: Surroundings,
  { onRefused, onUp, term }: RemoteSigningHooks,
): Promise<Signer> {
  let before = false
  const caller = reachSocket(surroundings, 'sign', 'signer_unavailable', {
    onUp() {
      if (before) onUp()
      before = true
    },
  })
  await caller.ready(surroundings.signal)
  const signer = createRemoteSigner(caller, term)
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

/** Which signer a front end reaches, which is waited for: front ends of one fleet have one in common. */
export async function identifySigner(surroundings: Surroundings): Promise<string> {
  const { config, signal } = surroundings
  const close =
    config.apiPort > 0
      ? await serveProbes(config.host, config.apiPort, { ready: () => false })
      : async () => {}
  const caller = reachSocket(surroundings, 'sign', 'signer_unavailable')
  try {
    await caller.ready(signal)
    return await askSignerName(caller)
  } finally {
    await caller.close()
    await close()
  }
}
