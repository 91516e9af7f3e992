import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../errors.ts'
import type { Enrolled } from './enrol.ts'
import type { Endpoint } from './grpc.ts'
import { writeSynced } from '../trust/fs.ts'
import type { Identity } from '../trust/state.ts'

/** What joining left on this machine: who we are and how to reach the hub. */
export interface StoredIdentity {
  readonly identity: Identity
  readonly endpoint: Endpoint
  readonly boundKey: string
  /** The root statement's envelope that the join token pinned, base64. */
  readonly root?: string
}

const file = 'identity.json'

/** Undefined when this agent has not joined yet. @throws AgentError `config_invalid` when damaged */
export async function loadIdentity(directory: string): Promise<StoredIdentity | undefined> {
  const path = join(directory, file)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AgentError('config_invalid', `${path} cannot be read`, { cause: error })
  }
  try {
    const stored = JSON.parse(text) as StoredIdentity
    if (!stored.identity.clusterId || !stored.endpoint.key) throw new TypeError('members missing')
    return stored
  } catch (cause) {
    throw new AgentError('config_invalid', `${path} is damaged; remove it and join again`, {
      cause,
    })
  }
}

export async function saveIdentity(directory: string, enrolled: Enrolled): Promise<StoredIdentity> {
  const stored: StoredIdentity = {
    identity: enrolled.identity,
    endpoint: enrolled.endpoint,
    boundKey: enrolled.boundKey,
    root: Buffer.from(enrolled.root.envelope).toString('base64'),
  }
  await writeSynced(directory, join(directory, file), Buffer.from(JSON.stringify(stored)))
  return stored
}
