import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { lockDirectory } from '../fs.ts'
import { createSignerMetrics } from '../metrics.ts'
import { readSignerName } from '../signer/fs.ts'
import { answerAttesting, answerSigning } from '../roles/signer-calls.ts'
import { openDirectory } from './formats.ts'
import { openSocket } from './sockets.ts'
import { startSigner } from './signing.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * The signer alone: keys, record and policy, and two sockets. Who may attest is not who may have
 * something signed.
 */
export async function startSignerRole(
  surroundings: Surroundings,
  registry: Registry,
): Promise<void> {
  const { config, started } = surroundings
  started.own(await lockDirectory(config.data), (unlock) => unlock())
  await openDirectory(surroundings).upgrade()
  const { countRefusal } = createSignerMetrics(registry)
  const signer = await startSigner(surroundings, { onRefused: countRefusal })
  const name = await readSignerName(join(config.data, 'signer'), randomUUID)
  await openSocket(surroundings, 'attest', { methods: answerAttesting(signer) })
  await openSocket(surroundings, 'sign', { methods: answerSigning(signer, name) })
}
