import type { Content, SyncResponse } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'

/* What a hub may send, and how slowly: bounds that hold before a byte of it is trusted. */

/** Content nobody asked for, on one stream: the end of something that was given up. */
export const unaskedAllowance = 64 * 1024
/** Around each blob: its digest, its size, its place. */
const blobOverhead = 256
const messageOverhead = 64

/** Slower than 1 KiB/s over a minute, a hub counts as one that gives nothing. */
export const minimumRate = { windowMs: 60_000, bytes: 60 * 1024 } as const

/** Bytes it may take to send what is wanted; a size nobody declared counts as `sizeLimit`. */
export function allowanceFor(
  wanted: ReadonlyMap<string, number | undefined>,
  sizeLimit: number,
): number {
  let sum = 0
  for (const size of wanted.values()) sum += Math.min(size ?? sizeLimit, sizeLimit) + blobOverhead
  return sum
}

/** What a message counts as: the larger of what travelled and what it says it decodes to. */
export function contentCost(content: Content): number {
  const missing = content.missing.reduce((sum, digest) => sum + digest.length, 0)
  return Math.max(content.pack.byteLength, content.decodedSize) + missing + messageOverhead
}

/** Bytes that a message holds in buffers. */
export function bufferedBytes({ message }: SyncResponse): number {
  const sum = (list: readonly Uint8Array[]): number =>
    list.reduce((all, { byteLength }) => all + byteLength, 0)
  if (message.case === 'content') return message.value.pack.byteLength
  if (message.case === 'rootChain') return sum(message.value.envelopes)
  if (message.case !== 'offer') return 0
  const { envelope, approvals, contents } = message.value
  return sum([envelope, ...approvals, ...contents.map(({ pack }) => pack)])
}
