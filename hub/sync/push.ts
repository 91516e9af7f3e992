import type { Digest } from '@groundswell/proto/digest.ts'
import type { Content } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { parseManifest } from '@groundswell/proto/manifest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import type { Blob, ContentStore } from '../bundle/content.ts'
import { type Compress, packBlobs } from './pack.ts'

/** Content that travels with an offer: what the agent lacks, as far as the hub can tell. */
export type Push = (
  /** What the agent has. */
  before: readonly SnapshotApplication[],
  /** What it is offered. */
  after: readonly SnapshotApplication[],
) => Promise<readonly Content[]>

/** Agents take no more than 64 KiB unasked on one stream; above this they ask. */
export const pushLimits = { decodedBytes: 48 * 1024, packedBytes: 16 * 1024 } as const
const remembered = 64

/** A manifest that takes the place of another, or of none. */
interface Change {
  readonly from: Digest | null
  readonly to: Digest
}

/**
 * Saves the agent two round trips where little has changed. Agents that go from the same content to
 * the same content share one pack. Only what the offered snapshot refers to is sent (T21); a push
 * that cannot be made is none, and the agent asks.
 */
export function createPush(deps: {
  readonly content: Pick<ContentStore, 'get'>
  readonly compress: Compress
}): Push {
  const made = new Map<string, Promise<readonly Content[]>>()

  async function readBlobs(digests: readonly Digest[]): Promise<Blob[] | undefined> {
    const found = await deps.content.get(digests)
    const blobs = digests.flatMap((digest, at) => {
      const bytes = found[at]
      return bytes ? [{ digest, bytes }] : []
    })
    return blobs.length === digests.length ? blobs : undefined
  }

  /** Undefined when something is not at hand. */
  async function listLacking(changes: readonly Change[]): Promise<Blob[] | undefined> {
    const newer = await readBlobs(changes.map(({ to }) => to))
    const older = await readBlobs(changes.flatMap(({ from }) => from ?? []))
    if (!newer || !older) return undefined
    const has = new Set(older.flatMap(({ bytes }) => objectsOf(bytes)).map(({ digest }) => digest))
    const lacking = newer
      .flatMap(({ bytes }) => objectsOf(bytes))
      .filter(({ digest }) => !has.has(digest))
    const manifests = newer.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
    // Known from the manifests alone, so that what is too large is not even read.
    if (lacking.reduce((sum, { size }) => sum + size, manifests) > pushLimits.decodedBytes)
      return []
    const objects = await readBlobs([...new Set(lacking.map(({ digest }) => digest))])
    return objects && [...newer, ...objects]
  }

  async function make(changes: readonly Change[]): Promise<readonly Content[] | undefined> {
    const blobs = await listLacking(changes)
    if (!blobs) return undefined
    const contents: Content[] = []
    for await (const content of packBlobs(blobs, [], deps.compress)) contents.push(content)
    const decoded = contents.reduce((sum, { decodedSize }) => sum + decodedSize, 0)
    const packed = contents.reduce((sum, { pack }) => sum + pack.byteLength, 0)
    const isSmall = decoded <= pushLimits.decodedBytes && packed <= pushLimits.packedBytes
    return isSmall ? contents : []
  }

  return function push(before, after) {
    const changes = listChanges(before, after)
    if (changes.length === 0) return Promise.resolve([])
    const key = changes.map(({ from, to }) => `${from ?? ''}>${to}`).join()
    const known = made.get(key)
    if (known) return known
    const making = make(changes).then(
      (contents) => {
        // It may be at hand the next time.
        if (!contents) made.delete(key)
        return contents ?? []
      },
      () => {
        made.delete(key)
        return []
      },
    )
    made.set(key, making)
    for (const oldest of made.keys()) {
      if (made.size <= remembered) break
      made.delete(oldest)
    }
    return making
  }
}

function listChanges(
  before: readonly SnapshotApplication[],
  after: readonly SnapshotApplication[],
): Change[] {
  const had = new Map<string, Digest>()
  for (const one of before) if (one.state === 'present') had.set(one.name, one.manifest.digest)
  return after.flatMap((one) => {
    if (one.state !== 'present') return []
    const from = had.get(one.name) ?? null
    return from === one.manifest.digest ? [] : [{ from, to: one.manifest.digest }]
  })
}

function objectsOf(manifest: Uint8Array) {
  return parseManifest(manifest).objects
}
