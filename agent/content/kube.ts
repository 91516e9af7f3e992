import { randomUUID } from 'node:crypto'
import { systemClock } from '../cluster/clock.ts'
import type { Connection } from '../cluster/connection.ts'
import { createApiClient } from '../cluster/http.ts'
import { type SecretName, createSecretSlot } from '../cluster/secret.ts'
import type { Shelf } from './shelf.ts'

/** How many Secrets there are for content; some 7 MiB compressed, as manifests are some 60 MiB. */
export const contentSecrets = 8

/**
 * Secrets for content, made by whoever installs the agent: NAME-0 and so on, and NAME-kept for the
 * envelopes of snapshots of before.
 */
export function createSecretShelves(
  connection: Connection,
  { namespace, name }: SecretName,
): { readonly shelves: readonly Shelf[]; readonly kept: Shelf; close(): Promise<void> } {
  const client = createApiClient(connection, { shares: true })
  const writer = randomUUID()
  const open = (end: string): Shelf =>
    createSecretSlot({
      ...{ client, clock: systemClock, member: 'content', writer },
      secret: { namespace, name: `${name}-${end}` },
    })
  const shelves = Array.from({ length: contentSecrets }, (_, n) => open(`${n}`))
  return { shelves, kept: open('kept'), close: () => client.close() }
}
