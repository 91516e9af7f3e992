import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { VerifyFiles } from './command.ts'

/** Files as they are on disk. */
export const diskFiles: VerifyFiles = {
  read: (path) => readFile(path),
  async readAll(directory) {
    const entries = await readdir(directory, { withFileTypes: true })
    const names = entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort()
    const read = names.map(async (name) => [name, await readFile(join(directory, name))] as const)
    return new Map(await Promise.all(read))
  },
}
