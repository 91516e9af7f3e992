import { randomUUID } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { systemClock } from '../cluster/clock.ts'
import type { Connection } from '../cluster/connection.ts'
import { createApiClient } from '../cluster/http.ts'
import { type SecretName, createSecretSlot } from '../cluster/secret.ts'
import { AgentError } from '../errors.ts'
import { formatState, parseState } from './state-text.ts'
import type { StateCopy } from './state.ts'

export interface SecretCopy extends StateCopy {
  close(): Promise<void>
}

/** A state is a snapshot, a root and a few numbers; what unpacks to more was never ours. */
const unpackedLimit = 4 * 1024 * 1024

/** Trust state in a Secret: it lives as long as the cluster, wherever the agent's pod runs. */
export function createSecretCopy(connection: Connection, secret: SecretName): SecretCopy {
  const client = createApiClient(connection, { shares: true })
  const writer = randomUUID()
  const slot = createSecretSlot({ client, clock: systemClock, secret, member: 'state', writer })
  return {
    name: slot.label,

    async load() {
      const packed = await slot.read()
      if (!packed) return null
      try {
        return parseState(gunzipSync(packed, { maxOutputLength: unpackedLimit }).toString())
      } catch (cause) {
        throw new AgentError('trust_state_corrupt', `${slot.label} is damaged`, { cause })
      }
    },

    save: (state) => slot.write(gzipSync(formatState(state))),
    close: () => client.close(),
  }
}
