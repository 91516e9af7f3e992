import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FleetMemory } from './fleet-memory.ts'
import { packFleet, type Reader, unpackFleet } from './v8.ts'

/** A file with the fleet that was read last; damaged, or another reader's, it is as if not there. */
export function createFleetFile(file: string, reader: Reader): FleetMemory {
  let kept: string | undefined
  return {
    async recall() {
      try {
        const known = unpackFleet(await readFile(file), reader)
        kept = known?.tree
        return known
      } catch {
        return undefined
      }
    },
    async keep(known) {
      if (known.tree === kept) return
      kept = known.tree
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        .then(() => writeFile(`${file}.new`, packFleet(known, reader), { mode: 0o600 }))
        .then(() => rename(`${file}.new`, file))
        .catch(() => {
          kept = undefined
        })
    },
  }
}
