import { randomUUID } from 'node:crypto'
import { systemClock } from '../cluster/clock.ts'
import type { Connection } from '../cluster/connection.ts'
import { createApiClient } from '../cluster/http.ts'
import { type SecretName, createSecretSlot } from '../cluster/secret.ts'
import { AgentError } from '../errors.ts'
import { type IdentityStore, type StoredIdentity, parseIdentity } from './identity.ts'

export interface SecretIdentityStore extends IdentityStore {
  close(): Promise<void>
}

/**
 * Identity in a Secret of the agent's own cluster: a pod that comes up on another node, with an
 * empty disk, goes on as the same agent. Of two pods the one that started last keeps it.
 */
export function createSecretIdentityStore(
  connection: Connection,
  secret: SecretName,
): SecretIdentityStore {
  const client = createApiClient(connection, { shares: true })
  const writer = randomUUID()
  const slot = createSecretSlot({ client, clock: systemClock, secret, member: 'identity', writer })
  const write = (stored: StoredIdentity) => slot.write(Buffer.from(JSON.stringify(stored)))
  return {
    name: slot.label,

    async load() {
      const bytes = await slot.read()
      // An empty one was made for us, to be filled when we join.
      if (!bytes || bytes.byteLength === 0) return undefined
      try {
        return parseIdentity(bytes.toString())
      } catch (cause) {
        const message = `${slot.label} is damaged; empty it and join again`
        throw new AgentError('config_invalid', message, { cause })
      }
    },

    save: write,
    claim: write,
    confirm: () => slot.confirm(),
    close: () => client.close(),
  }
}
