import { fromBinary } from '@bufbuild/protobuf'
import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { ContentSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { manifestLimits } from '@groundswell/proto/manifest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { AgentError } from '../errors.ts'
import { allowanceFor, contentCost, unaskedAllowance } from '../link/allowance.ts'
import { type Decompress, createAssembly } from '../link/unpack.ts'
import type { Verdict } from './case.ts'

/** Content as it came over the stream, in answer to what was asked for. */
export interface PacksCase {
  /** With the sizes that were declared for them, where any were. */
  readonly wanted: ReadonlyMap<Digest, number | undefined>
  /** Messages `Content` of proto/groundswell/v1/sync.proto, encoded. */
  readonly packs: readonly Uint8Array[]
}

/** What an agent would say to them: `accept` once all that was wanted is there, every byte checked. */
export async function judgePacks(
  { wanted, packs }: PacksCase,
  decompress: Decompress,
): Promise<Verdict> {
  const lacking = new Set(wanted.keys())
  const assembly = createAssembly(wanted, manifestLimits.objectBytes)
  let allowance = unaskedAllowance + allowanceFor(wanted, manifestLimits.objectBytes)
  try {
    for (const bytes of packs) {
      const content = fromBinary(ContentSchema, bytes, { readUnknownFields: false })
      allowance -= contentCost(content)
      if (allowance < 0) return 'too_much_data'
      for (const { digest } of await assembly.take(content, decompress)) lacking.delete(digest)
    }
  } catch (error) {
    if (error instanceof AgentError) return error.code
    throw error
  }
  return lacking.size === 0 ? 'accept' : 'content_missing'
}

/** @throws TypeError */
export function readPacks(value: Record<string, unknown>): PacksCase | undefined {
  const { wanted, packs } = value
  if (packs === undefined) return undefined
  if (!Array.isArray(packs) || !isRecord(wanted)) {
    throw new TypeError('packs is a list, and goes with wanted')
  }
  const entries = Object.entries(wanted).map(([digest, size]) => {
    if (!isDigest(digest)) throw new TypeError('wanted is named by digest')
    if (size !== null && !Number.isSafeInteger(size)) {
      throw new TypeError('wanted has a size or null for each digest')
    }
    return [digest, size === null ? undefined : (size as number)] as const
  })
  return {
    wanted: new Map(entries),
    packs: (packs as unknown[]).map((text) => {
      if (typeof text !== 'string') throw new TypeError('packs are base64')
      return Buffer.from(text, 'base64')
    }),
  }
}
