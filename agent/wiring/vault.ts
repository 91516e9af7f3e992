import { readFile } from 'node:fs/promises'
import type { RotationDeps } from '../apply/track/rotation.ts'
import { AgentError } from '../errors.ts'
import { createVaultClient } from '../secrets/http.ts'
import type { ReferencesDeps } from '../secrets/references.ts'
import { createVault } from '../secrets/vault.ts'
import { createVaultSession } from '../secrets/vault-session.ts'
import type { VaultChoice } from '../secrets/vault-settings.ts'

/** A token that is given back as the agent stops must not keep it from stopping. */
const farewellMs = 2_000

/**
 * Where Secrets that refer to a Vault get their values.
 *
 * @throws AgentError `config_invalid` when the CA file cannot be read
 */
export async function openVault(choice: VaultChoice): Promise<{
  readonly references: ReferencesDeps & Pick<RotationDeps, 'interval'>
  close(): Promise<void>
}> {
  if (choice === undefined || choice === 'off') {
    return { references: { vault: choice }, close: () => Promise.resolve() }
  }
  const { address, namespace, paths, interval, role, tokenFile } = choice
  const ca = choice.caFile === undefined ? undefined : await readCa(choice.caFile)
  const client = createVaultClient({ address, ca, namespace })
  const now = () => performance.now()
  const login = { mount: choice.authPath, role, jwt: () => readToken(tokenFile) }
  const session = createVaultSession(client.send, login, now)
  return {
    references: { vault: createVault({ send: client.send, session, now }), paths, interval },
    async close() {
      await session.end(AbortSignal.timeout(farewellMs)).catch(() => {})
      await client.close()
    },
  }
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const message = `--vault-ca: ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`
    throw new AgentError('config_invalid', message, { cause })
  }
}

/** Read for each login: kubelet puts a new one there from time to time. */
async function readToken(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const message = `Vault: the token to log in with cannot be read: ${path}: ${(cause as NodeJS.ErrnoException).code}`
    throw new AgentError('vault_unavailable', message, { cause })
  }
}
