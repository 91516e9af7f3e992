import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../errors.ts'
import { writeSynced } from '../trust/fs.ts'
import { type IdentityStore, parseIdentity } from './identity.ts'

/** Identity as a file in the agent's data directory. */
export function createFileIdentityStore(directory: string): IdentityStore {
  const path = join(directory, 'identity.json')
  return {
    name: path,
    async load() {
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new AgentError('config_invalid', `${path} cannot be read`, { cause: error })
      }
      try {
        return parseIdentity(text)
      } catch (cause) {
        throw new AgentError('config_invalid', `${path} is damaged; remove it and join again`, {
          cause,
        })
      }
    },
    async save(stored) {
      try {
        await writeSynced(directory, path, Buffer.from(JSON.stringify(stored)))
      } catch (cause) {
        throw new AgentError('trust_state_unwritable', `${path} cannot be written`, { cause })
      }
    },
  }
}
