import { readFileSync } from 'node:fs'
import { create } from '@bufbuild/protobuf'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HelloSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { type Endpoint, decompressZstd, dial } from '../../agent/link/grpc.ts'
import { openSession } from '../../agent/link/session.ts'
import { openCollector } from '../../agent/v8.ts'
import { repeat } from '../../hub/clock.ts'
import { until } from './until.ts'

/* The link of an agent to a hub that never stops sending, as a process whose memory is watched. */

export interface Ask {
  readonly endpoint: Endpoint
  /** That many blobs are asked for. */
  readonly blobs: number
  /** Bytes declared for each; null when none are. */
  readonly size: number | null
  /** This side ends the stream after so many offers. */
  readonly offers: number
}

export interface Endured {
  readonly code: string
  /** Bytes the resident size grew by, at most. */
  readonly growth: number
  readonly written: number
  readonly offers: number
}

const resident = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024

process.once('message', (ask: Ask) => {
  void endure(ask).then((endured) => process.send!(endured))
})

async function endure({ endpoint, blobs, size, offers: enough }: Ask): Promise<Endured> {
  const wanted = new Map<Digest, number | undefined>(
    Array.from({ length: blobs }, (_, n) => [digestOf(`${n}`), size ?? undefined]),
  )
  const stream = dial(endpoint)
  let welcomed = false
  let offers = 0
  let code: string | undefined
  const session = openSession({
    stream,
    hello: create(HelloSchema),
    decompress: decompressZstd,
    collect: openCollector(),
    clock: Date.now,
    monotonic: () => performance.now(),
    onWelcome: () => {
      welcomed = true
    },
    onOffer: () => {
      offers += 1
      if (offers > enough) stream.close()
    },
    onGoodbye: () => {},
    every: repeat,
  })
  session.done.catch((error: { code?: string }) => {
    code = error.code ?? 'unknown'
  })
  await until(() => welcomed, { deadlineMs: 10_000, what: 'the welcome' })
  const before = resident()
  let most = before
  let written = 0
  session.fetch(wanted, async (_, { byteLength }) => void (written += byteLength)).catch(() => {})
  await until(
    () => {
      most = Math.max(most, resident())
      return code
    },
    { deadlineMs: 600_000, intervalMs: 5, what: 'an end' },
  )
  return { code: code!, growth: most - before, written, offers }
}
