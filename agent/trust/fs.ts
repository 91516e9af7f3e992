import { readFileSync } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { replaceFile } from '@groundswell/proto/fs.ts'
import { AgentError } from '../errors.ts'
import { formatState, parseState } from './state-text.ts'
import { type Evidence, type EvidenceStore, evidenceLimit } from './evidence.ts'
import { type KeptStore, keptLimit } from './kept.ts'
import type { ContentCache, StateCopy } from './state.ts'

/** Trust state as one JSON file, replaced whole and synced before it counts. */
export function createFileStateCopy(directory: string): StateCopy {
  const path = join(directory, 'trust.json')
  return {
    name: path,
    async load() {
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw new AgentError('trust_state_corrupt', `${path} cannot be read`, { cause })
      }
      try {
        return parseState(text)
      } catch (cause) {
        throw new AgentError('trust_state_corrupt', `${path} is damaged`, { cause })
      }
    },
    async save(state) {
      try {
        await writeSynced(directory, path, Buffer.from(formatState(state)))
      } catch (cause) {
        throw new AgentError('trust_state_unwritable', `${path} cannot be written`, { cause })
      }
    },
  }
}

/** Content as one file a blob, named by its digest; re-checked on every read. */
export function createFileContentCache(directory: string): ContentCache {
  const folder = join(directory, 'content')
  // Thousands are named at a start: what `join` would look at is looked at once.
  const pathOf = (digest: Digest): string => `${folder}/${digest.slice(7)}`
  return {
    async has(digest) {
      return stat(pathOf(digest)).then(
        () => true,
        () => false,
      )
    },
    async read(digest) {
      let bytes: Buffer
      try {
        // A blob is small, and there are thousands: another thread takes longer to ask than to read.
        bytes = readFileSync(pathOf(digest))
      } catch (cause) {
        throw new AgentError('content_missing', `${digest} is not on disk`, { cause })
      }
      if (digestOf(bytes) !== digest) {
        await rm(pathOf(digest), { force: true })
        throw new AgentError('digest_mismatch', `${digest} was damaged on disk`)
      }
      return bytes
    },
    async write(digest, bytes) {
      try {
        await writeWhole(folder, pathOf(digest), bytes)
      } catch (cause) {
        throw new AgentError('trust_state_unwritable', `${directory} cannot be written`, { cause })
      }
    },
    async sweep(keep) {
      const names = await readdir(folder).catch(() => [])
      for (const name of names) {
        if (!keep.has(`sha256:${name}`)) {
          await rm(join(folder, name), { force: true })
        }
      }
    },
  }
}

/** Evidence of equivocation as one JSON file: lists of two envelopes, newest last. */
export function createFileEvidence(directory: string): EvidenceStore {
  const path = join(directory, 'evidence.json')
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch(() => '[]')
      const pairs = JSON.parse(text) as readonly (readonly [string, string])[]
      return pairs.slice(-evidenceLimit).map(([accepted, refused]): Evidence => {
        const [first, second] = [accepted, refused].map((envelope) => Buffer.from(envelope))
        return { accepted: first!, refused: second! }
      })
    },
    async save(evidence) {
      const pairs = evidence.map(({ accepted, refused }) =>
        [accepted, refused].map((envelope) => Buffer.from(envelope).toString()),
      )
      await writeSynced(directory, path, Buffer.from(JSON.stringify(pairs)))
    },
  }
}

/** Envelopes of snapshots of which something still runs, as one JSON file, newest first. */
export function createFileKept(directory: string): KeptStore {
  const path = join(directory, 'kept.json')
  return {
    async load() {
      try {
        const envelopes = JSON.parse(await readFile(path, 'utf8')) as readonly string[]
        return envelopes.slice(0, keptLimit).map((envelope) => Buffer.from(envelope))
      } catch {
        return null
      }
    },
    async save(envelopes) {
      const texts = envelopes.map((envelope) => Buffer.from(envelope).toString())
      await writeSynced(directory, path, Buffer.from(JSON.stringify(texts)))
    },
  }
}

let serial = 0

/** Whole or not at all, for readers; a crash may lose it, and its digest will tell. */
async function writeWhole(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  serial += 1
  const temporary = `${path}.${process.pid}.${serial}`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** Whole, and on the disk when this returns: file synced, renamed, directory synced. */
export async function writeSynced(
  directory: string,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await replaceFile(path, bytes)
}
