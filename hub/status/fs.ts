import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Equivocation } from '../bundle/equivocation.ts'

/** Files kept; each is proved by the fleet's own keys, so there are few or all is lost. */
const filesLimit = 100

/** Evidence of equivocation, for those who look into it: both envelopes as they were signed. */
export function createEvidenceFiles(directory: string) {
  return {
    async keep(
      cluster: string,
      found: Equivocation,
      [accepted, refused]: readonly [Uint8Array, Uint8Array],
    ): Promise<void> {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      if ((await readdir(directory)).length >= filesLimit) return
      const { epoch, sequence } = found
      const name = `${cluster}-${epoch}-${sequence}-${found.refused.slice('sha256:'.length, 19)}`
      const texts = [accepted, refused].map((envelope) => Buffer.from(envelope).toString())
      const text = JSON.stringify({ cluster, ...found, envelopes: texts })
      await writeFile(join(directory, `${name}.json`), `${text}\n`, { mode: 0o600 })
    },
  }
}
