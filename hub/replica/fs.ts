import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../errors.ts'

/**
 * A secret that all replicas of a fleet have and nobody else: derived from the CA's private key.
 *
 * @throws HubError `config_invalid`
 */
export async function readReplicaSecret(caDirectory: string): Promise<Buffer> {
  const path = join(caDirectory, 'ca.key')
  const key = await readFile(path).catch((cause: unknown) => {
    throw new HubError('config_invalid', `${path} cannot be read`, { cause })
  })
  return createHash('sha256').update('groundswell/replica/v1|').update(key).digest()
}
