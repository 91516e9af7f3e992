import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { FleetMemory, KnownFleet } from './fleet-memory.ts'

/** Whose reading a file holds. Another program may refuse what this one took, and call the files otherwise. */
export interface Reader {
  /** Digest of the program's code. */
  readonly build: string
  /** Directory in the fleet repository. */
  readonly path: string
}

/** A file with the fleet that was read last; damaged, or another reader's, it is as if not there. */
export function createFleetFile(file: string, { build, path }: Reader): FleetMemory {
  let kept: string | undefined
  return {
    async recall() {
      try {
        const found = deserialize(await readFile(file)) as Partial<Reader & KnownFleet>
        const { tree, fleet } = found
        if (found.build !== build || found.path !== path || !tree || !fleet) return undefined
        kept = tree
        return { tree, fleet }
      } catch {
        return undefined
      }
    },
    async keep({ tree, fleet }) {
      if (tree === kept) return
      kept = tree
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        .then(() =>
          writeFile(`${file}.new`, serialize({ build, path, tree, fleet }), { mode: 0o600 }),
        )
        .then(() => rename(`${file}.new`, file))
        .catch(() => {
          kept = undefined
        })
    },
  }
}
