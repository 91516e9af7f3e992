import { type MessageInitShape, create } from '@bufbuild/protobuf'
import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { manifestLimits } from '@groundswell/proto/manifest.ts'
import {
  type Content,
  type DryRun,
  type Goodbye,
  type Hello,
  type SyncRequest,
  SyncRequestSchema,
  type SyncResponse,
  type Renewed,
  type Welcome,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError, toAgentError } from '../errors.ts'
import type { Stream } from './grpc.ts'
import {
  allowanceFor,
  bufferedBytes,
  contentCost,
  minimumRate,
  unaskedAllowance,
} from './allowance.ts'
import type { Beginnings } from './beginnings.ts'
import { type Decompress, createAssembly, unpackPush } from './unpack.ts'

/** Digests asked for in one message. */
const wantBatch = 1_000
/** Bytes of messages after which what they took is collected. */
const collectEvery = 4 * 1024 * 1024
/** What a hub may take to answer the hello, the connection included; heartbeats begin with its answer. */
const welcomeMs = 30_000
/** Heartbeats that may be missed before the stream counts as dead. */
const silentBeats = 3
/** Between heartbeats it is looked so many times whether one is due. */
const looksPerBeat = 4

export type RequestMessage = NonNullable<MessageInitShape<typeof SyncRequestSchema>['message']>

/** A signed snapshot as it came, and what came with it. */
export interface ReceivedOffer {
  readonly envelope: Uint8Array
  readonly approvals: readonly Uint8Array[]
  /** Blobs that came along, each checked against its digest; to be looked at once it is known whose word they go with. */
  readonly pushed: Pushed
}

/** @throws AgentError when what came along is not what it says */
export type Pushed = () => Promise<ReadonlyMap<Digest, Uint8Array>>

export interface SessionDeps {
  readonly stream: Stream
  readonly hello: Hello
  readonly decompress: Decompress
  /** Of blobs whose transfer was cut; without it, each begins anew. */
  readonly beginnings?: Beginnings
  /** Frees the memory of messages that were dealt with; called each few mebibytes. */
  readonly collect?: () => void
  /** Milliseconds since 1970, for the hub to read. */
  readonly clock: () => number
  /** Milliseconds of a clock that nobody sets: one that jumps must not end a stream, nor keep a dead one. */
  readonly monotonic: () => number
  readonly onWelcome: (welcome: Welcome) => void
  readonly onOffer: (offer: ReceivedOffer) => void
  readonly onRootChain?: (envelopes: readonly Uint8Array[]) => void
  readonly onFreshness?: (envelope: Uint8Array) => void
  /** What the API server would say to objects that nobody signed. */
  readonly onDryRun?: (asked: DryRun) => void
  /** The hub will end the stream, and says how long to spread the next dial over. */
  readonly onGoodbye: (goodbye: Goodbye) => void
  /** The next client certificate. */
  readonly onRenewed?: (renewed: Renewed) => void
  /** Calls back after `ms` until the returned function is called; given in, so tests own time. */
  readonly every: (ms: number, run: () => void) => () => void
}

export interface Session {
  send(message: RequestMessage): Promise<void>
  /**
   * Fetches blobs by digest, with the sizes that were declared for them. What was `pushed` is taken
   * from there, and the hub is asked for the rest.
   * @throws AgentError `content_missing` naming what the hub would not give, `too_much_data`,
   * `slow_retrieval`; the last two end the stream
   */
  fetch(
    wanted: ReadonlyMap<Digest, number | undefined>,
    onBlob: (digest: Digest, bytes: Uint8Array) => Promise<void>,
    pushed?: ReadonlyMap<Digest, Uint8Array>,
  ): Promise<void>
  /** Resolves when the hub ended the stream; rejects with AgentError when it broke. */
  readonly done: Promise<void>
}

/** The agent's side of one stream: hello, then offers and content as they come. */
export function openSession(deps: SessionDeps): Session {
  const { stream } = deps
  let fetching: { take(content: Content): Promise<void>; fail(error: unknown): void } | undefined
  let heardAt = deps.monotonic()
  let ended: unknown
  /** Why this side ended the stream, when it did. */
  let cut: AgentError | undefined
  /** Bytes of content the hub may still send. */
  let allowance = unaskedAllowance

  function cutStream(reason: AgentError): void {
    cut ??= reason
    stream.close()
  }

  const send = (message: RequestMessage): Promise<void> =>
    stream.send(create(SyncRequestSchema, { message }) satisfies SyncRequest)

  let beatAt = deps.monotonic()
  let beating = false

  function beat(): void {
    // A hub that takes nothing is told nothing more.
    if (beating) return
    beating = true
    beatAt = deps.monotonic()
    send({ case: 'heartbeat', value: { sentAt: BigInt(deps.clock()) } })
      .catch(() => {})
      .finally(() => (beating = false))
  }

  /** The hub's heartbeats are answered; where none comes, one is sent all the same. */
  function keepAlive(seconds: number): () => void {
    beatAt = deps.monotonic()
    return deps.every((seconds * 1000) / looksPerBeat, () => {
      const now = deps.monotonic()
      if (now - heardAt > seconds * 1000 * silentBeats) stream.close()
      else if (now - beatAt >= seconds * 1000) beat()
    })
  }

  async function listen(): Promise<void> {
    const late = new AgentError('hub_unreachable', 'the hub did not answer within 30 s')
    let stop = deps.every(welcomeMs, () => cutStream(late))
    let received = 0
    try {
      await send({ case: 'hello', value: deps.hello })
      for await (const response of stream.responses) {
        heardAt = deps.monotonic()
        received += bufferedBytes(response)
        if (received >= collectEvery) {
          received = 0
          deps.collect?.()
        }
        await handle(response, (seconds) => {
          stop()
          stop = keepAlive(seconds)
        })
      }
      if (cut) throw cut
      ended = new AgentError('hub_unreachable', 'the hub ended the stream')
    } catch (error) {
      ended = cut ?? error
      throw ended
    } finally {
      stop()
      stream.close()
      fetching?.fail(ended)
    }
  }

  function charge(content: Content): void {
    allowance -= contentCost(content)
    if (allowance < 0) {
      throw new AgentError('too_much_data', 'the hub sends more content than was asked for')
    }
  }

  async function handle(
    { message }: SyncResponse,
    startBeat: (seconds: number) => void,
  ): Promise<void> {
    switch (message.case) {
      case 'welcome':
        deps.onWelcome(message.value)
        startBeat(Math.min(300, Math.max(1, message.value.heartbeatSeconds)))
        break
      case 'offer': {
        const { envelope, approvals, contents } = message.value
        for (const content of contents) charge(content)
        const pushed: Pushed = () => unpackPush(contents, deps.decompress)
        deps.onOffer({ envelope, approvals, pushed })
        break
      }
      case 'content':
        charge(message.value)
        await fetching?.take(message.value)
        break
      case 'rootChain':
        deps.onRootChain?.(message.value.envelopes)
        break
      case 'renewed':
        deps.onRenewed?.(message.value)
        break
      case 'freshness':
        deps.onFreshness?.(message.value.envelope)
        break
      case 'goodbye':
        deps.onGoodbye(message.value)
        break
      case 'dryRun':
        deps.onDryRun?.(message.value)
        break
      case 'heartbeat':
        beat()
        break
      case undefined:
        break
    }
  }

  /** Blobs that did not go on as they had begun, each once: what comes of them is allowed again. */
  async function askAnew(
    digests: readonly Digest[],
    wanted: ReadonlyMap<Digest, number | undefined>,
  ): Promise<void> {
    if (digests.length === 0) return
    const again = new Map(digests.map((digest) => [digest, wanted.get(digest)]))
    allowance += allowanceFor(again, manifestLimits.objectBytes)
    await send({ case: 'want', value: { digests: [...digests] } })
  }

  async function fetchBatch(
    wanted: ReadonlyMap<Digest, number | undefined>,
    onBlob: (digest: Digest, bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const open = new Set(wanted.keys())
    const refused: string[] = []
    const assembly = createAssembly(wanted, manifestLimits.objectBytes, deps.beginnings)
    const finished = new Promise<void>((resolve, reject) => {
      fetching = {
        fail: reject,
        async take(content) {
          try {
            for (const { digest, bytes } of await assembly.take(content, deps.decompress)) {
              await onBlob(digest, bytes)
              open.delete(digest)
            }
            await askAnew(assembly.takeSpoilt(), wanted)
            for (const digest of content.missing) {
              if (isDigest(digest) && open.delete(digest)) refused.push(digest)
            }
            if (open.size === 0) resolve()
          } catch (error) {
            if (error instanceof AgentError && error.code === 'too_much_data') cutStream(error)
            reject(error)
          }
        },
      }
    })
    finished.catch(() => {})
    // What a fetch that failed left over is kept: the rest of it may be on its way.
    allowance += allowanceFor(wanted, manifestLimits.objectBytes)
    // A hub that keeps the stream alive but gives nothing is left: the next one is asked anew.
    let seen = 0
    const giveUp = deps.every(minimumRate.windowMs, () => {
      const got = assembly.progress - seen
      seen = assembly.progress
      if (got >= minimumRate.bytes) return
      cutStream(
        new AgentError('slow_retrieval', `the hub sent ${got} wanted bytes in the last minute`),
      )
    })
    try {
      const begun = assembly.begun.map(({ digest, offset }) => ({ digest, offset }))
      await send({ case: 'want', value: { digests: [...wanted.keys()], begun } })
      await finished
      allowance = unaskedAllowance
    } catch (error) {
      const { code } = toAgentError(error)
      const goesOn = code === 'hub_unreachable' || code === 'slow_retrieval'
      if (goesOn && deps.beginnings) assembly.leave(deps.beginnings)
      throw error
    } finally {
      giveUp()
      fetching = undefined
    }
    if (refused.length > 0) {
      throw new AgentError(
        'content_missing',
        `the hub has not got ${refused.slice(0, 3).join(', ')}`,
      )
    }
  }

  return {
    send,
    async fetch(wanted, onBlob, pushed) {
      const entries: [Digest, number | undefined][] = []
      for (const [digest, size] of wanted) {
        const bytes = pushed?.get(digest)
        if (!bytes) entries.push([digest, size])
        else {
          checkSize(bytes, digest, size)
          await onBlob(digest, bytes)
        }
      }
      // What was pushed was wanted: it uses nothing up.
      if (wanted.size > 0 && entries.length === 0) allowance = unaskedAllowance
      for (let at = 0; at < entries.length; at += wantBatch) {
        if (ended) throw ended
        await fetchBatch(new Map(entries.slice(at, at + wantBatch)), onBlob)
      }
    },
    done: listen(),
  }
}

function checkSize(bytes: Uint8Array, digest: Digest, declared: number | undefined): void {
  const fits = bytes.byteLength <= manifestLimits.objectBytes
  if (fits && (declared === undefined || bytes.byteLength === declared)) return
  throw new AgentError('size_mismatch', `${digest}: ${bytes.byteLength} bytes, not ${declared}`)
}
