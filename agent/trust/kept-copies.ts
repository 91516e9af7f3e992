import { type Shelf, packShelf, shelfBytes, unpackShelf } from '../content/shelf.ts'
import { AgentError } from '../errors.ts'
import { type KeptStore, keptLimit } from './kept.ts'

export interface KeptCopiesDeps {
  /** The disk: written first, and believed when it knows anything. */
  readonly near: KeptStore
  /** Where they outlive the disk. */
  readonly far: Shelf
  readonly log: { warn(fields: object, message: string): void }
}

/**
 * Envelopes of snapshots of before on the disk, and once more where they outlive it. Each is judged
 * again when it is reopened, so an old or a damaged copy costs healing, and never applies anything.
 */
export function createKeptCopies({ near, far, log }: KeptCopiesDeps): KeptStore {
  async function read(): Promise<readonly Uint8Array[] | null> {
    try {
      return (await unpackShelf((await far.read()) ?? new Uint8Array())).slice(0, keptLimit)
    } catch (error) {
      log.warn({ err: error, where: far.label }, 'kept snapshots cannot be read')
      return null
    }
  }

  return {
    async load() {
      const here = await near.load()
      if (here) return here
      const found = await read()
      // From now on the disk knows, and the next start asks nobody.
      if (found) await near.save(found).catch(() => {})
      return found
    },

    /** What cannot be kept twice stops nothing: the disk has it. @throws AgentError `another_agent` */
    async save(envelopes) {
      await near.save(envelopes)
      try {
        await far.write(await packNewest(envelopes))
      } catch (error) {
        if (error instanceof AgentError && error.code === 'another_agent') throw error
        log.warn({ err: error, where: far.label }, 'kept snapshots do not outlive the disk')
      }
    },
  }
}

/** As many of the newest as fit. */
async function packNewest(envelopes: readonly Uint8Array[]): Promise<Uint8Array> {
  for (let count = envelopes.length; ; count -= 1) {
    const packed = await packShelf(envelopes.slice(0, count))
    if (packed.byteLength <= shelfBytes || count === 0) return packed
  }
}
