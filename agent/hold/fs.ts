import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../errors.ts'
import { writeSynced } from '../trust/fs.ts'
import { type Hold, holdAll, readHold } from './hold.ts'
import type { HoldSource } from './holds.ts'

/* A hold as a file of the agent's data directory: set there with no API server to ask. */

const fileName = 'hold.json'
const longestFile = 64 * 1024

/** The file is a few lines and is looked at once a second, so it is simply read. */
export function createFileHold(directory: string): HoldSource {
  const path = join(directory, fileName)
  return {
    current(): Hold | undefined {
      let text: string
      try {
        text = readFileSync(path, 'utf8')
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        return code === 'ENOENT' ? undefined : holdAll(path, `it cannot be read: ${code}`)
      }
      if (text.length > longestFile) return holdAll(path, 'it is too long')
      try {
        return readHold(JSON.parse(text), path)
      } catch {
        return holdAll(path, 'it is not JSON')
      }
    },
  }
}

/** @throws AgentError `config_invalid` when it cannot be written */
export async function writeFileHold(
  directory: string,
  members: Readonly<Record<string, string>>,
): Promise<string> {
  const path = join(directory, fileName)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeSynced(directory, path, Buffer.from(`${JSON.stringify(members, null, 2)}\n`))
  } catch (cause) {
    throw new AgentError('config_invalid', `${path} cannot be written`, { cause })
  }
  return path
}

/** Gone already is fine. @throws AgentError `config_invalid` when it cannot be removed */
export async function removeFileHold(directory: string): Promise<void> {
  const path = join(directory, fileName)
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw new AgentError('config_invalid', `${path} cannot be removed`, { cause })
  })
}
