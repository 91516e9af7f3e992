import { envelopeVectors } from './envelope.ts'
import { memoryVectors } from './memory.ts'
import { packVectors } from './packs.ts'
import { approvalVectors, rootVectors } from './roots.ts'
import { statementVectors } from './statements.ts'
import { defaults, type Written } from './world.ts'

const files: Readonly<Record<string, readonly Written[]>> = {
  'approvals.json': approvalVectors,
  'envelopes.json': envelopeVectors,
  'memory.json': memoryVectors,
  'packs.json': packVectors,
  'roots.json': rootVectors,
  'statements.json': statementVectors,
}

/** The files of vectors by name, the same on each machine and day. */
export function generateVectors(): ReadonlyMap<string, string> {
  const texts = Object.entries(files).map(([name, vectors]) => {
    const lines = vectors.map((written) => `    ${JSON.stringify(written)}`)
    const head = JSON.stringify(defaults)
    return [
      name,
      `{\n  "defaults": ${head},\n  "vectors": [\n${lines.join(',\n')}\n  ]\n}\n`,
    ] as const
  })
  return new Map(texts)
}
