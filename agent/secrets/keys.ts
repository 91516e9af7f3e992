import { AgentError } from '../errors.ts'
import { parseAgeIdentities } from './age.ts'
import type { SopsIdentity } from './identity.ts'
import { parsePgpIdentities } from './pgp.ts'

/** Where the keys that open encrypted Secrets are, and those that are there now. */
export interface KeyStore {
  /** For people: `Secret namespace/name` or a directory. */
  readonly name: string
  /** @throws AgentError `secret_undecryptable`, `cluster_unreachable` */
  load(): Promise<readonly SopsIdentity[]>
}

/**
 * Members of a Secret and files of a directory that hold keys, as Flux names them too: `.agekey` for
 * age, `.asc` for OpenPGP.
 */
export function isKeyFile(name: string): boolean {
  return name.endsWith('.agekey') || name.endsWith('.asc')
}

/** @throws AgentError `secret_undecryptable`; it does not quote the text */
export function parseKeyFile(name: string, text: string, place: string): Promise<SopsIdentity[]> {
  return name.endsWith('.asc') ? parsePgpIdentities(text, place) : parseAgeIdentities(text, place)
}

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
  let kept: { readonly at: number; readonly keys: Promise<readonly SopsIdentity[]> } | undefined
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
