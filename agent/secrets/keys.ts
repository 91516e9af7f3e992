import type { AgeIdentity } from './age.ts'
import { AgentError } from '../errors.ts'

/** Where the keys that open encrypted Secrets are, and those that are there now. */
export interface KeyStore {
  /** For people: `Secret namespace/name` or a directory. */
  readonly name: string
  /** @throws AgentError `secret_undecryptable`, `cluster_unreachable` */
  load(): Promise<readonly AgeIdentity[]>
}

/** Members of a Secret and files of a directory that hold age keys, as Flux names them too. */
export const keyFileSuffix = '.agekey'

/** For an agent that was given no place to look in. */
export const noKeys: KeyStore = {
  name: 'this agent',
  load: () =>
    Promise.reject(
      new AgentError('secret_undecryptable', 'SOPS: no keys are configured; see --sops-keys'),
    ),
}

/**
 * Asks again only after `ms`: a run may open hundreds of Secrets, and a key that was just put there
 * should soon be found.
 */
export function rememberKeys(store: KeyStore, ms: number, now: () => number): KeyStore {
  let kept: { readonly at: number; readonly keys: Promise<readonly AgeIdentity[]> } | undefined
  return {
    name: store.name,
    load() {
      if (!kept || now() - kept.at >= ms) kept = { at: now(), keys: store.load() }
      const { keys } = kept
      keys.catch(() => {
        if (kept?.keys === keys) kept = undefined
      })
      return keys
    },
  }
}
