import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../errors.ts'
import { isKeyFile, type KeyStore, parseKeyFile } from './keys.ts'

/** Keys in a directory: its files that end in `.agekey` or `.asc`, such as a mounted Secret. */
export function createDirectoryKeys(directory: string): KeyStore {
  return {
    name: directory,
    async load() {
      try {
        const files = (await readdir(directory)).filter(isKeyFile)
        const found = files.sort().map(async (file) => {
          const path = join(directory, file)
          return parseKeyFile(file, await readFile(path, 'utf8'), path)
        })
        return (await Promise.all(found)).flat()
      } catch (cause) {
        if (cause instanceof AgentError) throw cause
        const message = `SOPS: ${directory} cannot be read: ${(cause as NodeJS.ErrnoException).code}`
        throw new AgentError('secret_undecryptable', message, { cause })
      }
    },
  }
}
