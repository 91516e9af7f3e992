import { create, toBinary } from '@bufbuild/protobuf'
import {
  type Content,
  ContentSchema,
  Encoding,
  PackSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'

export interface PartOf {
  readonly digest: string
  readonly data: Uint8Array
  /** Of the whole blob; by default what there is of it here. */
  readonly size?: number
  readonly offset?: number
}

/** A pack as a hub could send it, honest or not; not compressed. */
export function makePack(parts: readonly PartOf[]): Content {
  const pack = toBinary(
    PackSchema,
    create(PackSchema, {
      parts: parts.map(({ digest, data, size = data.byteLength, offset = 0 }) => ({
        digest,
        size,
        offset,
        data: Uint8Array.from(data),
      })),
    }),
  )
  return create(ContentSchema, {
    encoding: Encoding.IDENTITY,
    decodedSize: pack.byteLength,
    pack,
  })
}
