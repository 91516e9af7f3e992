import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import type { Content, Want } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { manifestLimits } from '@groundswell/proto/manifest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { HubError } from '../errors.ts'
import type { Flow } from './flow.ts'
import { type Compress, type Pack, type PackedBlob, packBlobs } from './pack.ts'
import type { Batch, Serve } from './serving.ts'

const wantedAtOnce = 5_000
/** Wants that wait for the one being answered; an honest agent has one at a time. */
const wantsWaiting = 4

export interface AnsweringDeps {
  /** What it does not split is read a digest at a time. */
  readonly serve: Serve
  readonly compress: Compress
  /** Packs what is served; without it, each time anew. */
  readonly pack?: Pack
  /** What all agents share; without it, this one need not wait for others. */
  readonly flow?: Flow
}

export interface Wanting {
  readonly cluster: string
  /** What the agent may ask for now. */
  readonly list: () => readonly SnapshotApplication[]
  readonly send: (content: Content) => Promise<void>
  /** Ends the stream: the agent does not take what it asked for. */
  readonly cut: () => void
  readonly onFailed: (error: unknown) => void
}

/**
 * Answers an agent's wants beside the reading of its messages, one at a time, and each in parts: no
 * more is read of the store than is on its way.
 */
export function createAnswering(
  { cluster, list, send, cut, onFailed }: Wanting,
  deps: AnsweringDeps,
) {
  const wants: Want[] = []
  let answering: Promise<void> | undefined
  let leaving = false
  let ended = false

  async function answerAll(): Promise<void> {
    for (let want = wants.shift(); want; want = wants.shift()) await answer(want)
  }

  async function answer(want: Want): Promise<void> {
    const wanted = want.digests as Digest[]
    const begun = new Map(want.begun.map(({ digest, offset }) => [digest, offset]))
    const batches = (await deps.serve.batch?.(list(), wanted)) ?? wanted.map(oneByOne)
    for (const { digests, bytes } of batches) {
      const turn = await deps.flow?.enter(bytes, cut)
      try {
        if (ended) return
        const { blobs, missing } = await deps.serve(cluster, list(), digests)
        const pack: Pack = deps.pack ?? ((...what) => packBlobs(...what, deps.compress))
        const rest = blobs.map((blob) => goOn(blob, begun.get(blob.digest)))
        for await (const content of pack(rest, missing)) {
          await send(content)
          turn?.moved()
        }
      } finally {
        turn?.end()
      }
    }
  }

  return {
    /** @throws HubError `invalid` when it is not a want, or one too many */
    ask(want: Want): void {
      const { digests, begun } = want
      if (!digests.every(isDigest) || digests.length > wantedAtOnce) {
        throw new HubError('invalid', `a want names at most ${wantedAtOnce} digests`)
      }
      if (begun.length > digests.length) {
        throw new HubError('invalid', 'more is begun than is wanted')
      }
      // The next hub answers it.
      if (leaving || ended) return
      if (wants.length >= wantsWaiting) {
        throw new HubError('invalid', `at most ${wantsWaiting} wants may wait`)
      }
      wants.push(want)
      answering ??= answerAll()
        .catch(onFailed)
        .finally(() => {
          answering = undefined
        })
    },
    /** Resolves when what is being answered has been sent. */
    idle: (): Promise<void> => answering ?? Promise.resolve(),
    /** Takes up no want any more; resolves when the one being answered has been sent. */
    leave(): Promise<void> {
      leaving = true
      wants.length = 0
      return answering ?? Promise.resolve()
    },
    /** The stream is gone: nothing more is read for it. */
    end(): void {
      ended = true
      wants.length = 0
    },
  }
}

const oneByOne = (digest: Digest): Batch => ({
  digests: [digest],
  bytes: manifestLimits.objectBytes,
})

/** A beginning longer than the blob is of something else: the agent gets it whole. */
function goOn(blob: PackedBlob, offset = 0): PackedBlob {
  return offset > 0 && offset < blob.bytes.byteLength ? { ...blob, from: offset } : blob
}
