import type { Connection } from '../cluster/connection.ts'
import type { SecretName } from '../cluster/secret.ts'
import type { KeysChoice, SecretChoice } from '../config.ts'
import { createDirectoryKeys } from '../secrets/fs.ts'
import { type KeyStore, noKeys, rememberKeys } from '../secrets/keys.ts'
import { createSecretKeys } from '../secrets/kube.ts'

const rememberMs = 5_000

/** Inside a cluster its Secrets are in the agent's own namespace; elsewhere only when asked for. */
export function nameSecret(
  { namespace }: Connection,
  choice: SecretChoice,
  name: string,
): SecretName | undefined {
  const secret = choice ?? (namespace === undefined ? 'off' : { namespace, name })
  return secret === 'off' ? undefined : secret
}

/** Where the keys to encrypted Secrets are looked for. */
export function openKeys(
  connection: Connection,
  choice: KeysChoice,
): { readonly keys: KeyStore; close(): Promise<void> } {
  const nothing = () => Promise.resolve()
  const remember = (store: KeyStore) => rememberKeys(store, rememberMs, () => performance.now())
  if (typeof choice === 'object' && 'directory' in choice) {
    return { keys: remember(createDirectoryKeys(choice.directory)), close: nothing }
  }
  const secret = nameSecret(connection, choice, 'groundswell-agent-sops')
  if (!secret) return { keys: noKeys, close: nothing }
  const store = createSecretKeys(connection, secret)
  return { keys: remember(store), close: () => store.close() }
}
