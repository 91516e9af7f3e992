import { create, toBinary } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  ContentSchema,
  Encoding,
  PackSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { base64 } from './seal.ts'
import { vector } from './world.ts'
import { bomb, frame } from './zstd.ts'

/* Vectors about content on its way: packs, compressed or not, and what was asked for. */

const KiB = 1024
const MiB = 1024 * KiB

const blob = (text: string, size = 40): Uint8Array => Buffer.alloc(size, text)
const [one, two, large] = [blob('one'), blob('two'), blob('large ', 3_000)]

interface Part {
  readonly bytes: Uint8Array
  readonly digest?: string
  readonly size?: number
  readonly offset?: number
}

const packOf = (...parts: readonly Part[]): Uint8Array =>
  toBinary(
    PackSchema,
    create(PackSchema, {
      parts: parts.map(({ bytes, digest = digestOf(bytes), size, offset = 0 }) => ({
        ...{ digest, offset, size: size ?? bytes.byteLength, data: Uint8Array.from(bytes) },
      })),
    }),
  )

interface Change {
  readonly encoding?: Encoding
  readonly decodedSize?: number
  readonly missing?: readonly string[]
}

function content(pack: Uint8Array, change: Change = {}): string {
  const { encoding = Encoding.IDENTITY, decodedSize = pack.byteLength, missing = [] } = change
  const value = {
    encoding,
    decodedSize,
    pack: Uint8Array.from(pack),
    missing: [...missing],
  }
  return base64(toBinary(ContentSchema, create(ContentSchema, value)))
}

/** Compressed; `decodedSize` is that of the pack unless it lies. */
const packed = (pack: Uint8Array, decodedSize = pack.byteLength): string =>
  content(frame(pack), { encoding: Encoding.ZSTD, decodedSize })
const exploding = (size: number, decodedSize: number, stated?: number): string =>
  content(bomb(size, stated), { encoding: Encoding.ZSTD, decodedSize })

/** A blob of zeros, that compresses well. */
function zeros(size: number): string {
  const pack = packOf({ bytes: Buffer.alloc(size) })
  const frame = bomb(pack.byteLength, pack.byteLength, pack.subarray(0, pack.byteLength - size))
  return content(frame, { encoding: Encoding.ZSTD, decodedSize: pack.byteLength })
}

/** A slice of the large blob. */
const slice = (from: number, to: number, change: Partial<Part> = {}): string =>
  content(
    packOf({
      ...{ bytes: large.subarray(from, to), digest: digestOf(large) },
      ...{ size: large.byteLength, offset: from, ...change },
    }),
  )

const want = (...blobs: readonly Uint8Array[]) =>
  Object.fromEntries(blobs.map((bytes) => [digestOf(bytes), bytes.byteLength]))
/** So much that an allowance is no obstacle, without any size declared. */
const wantMuch = Object.fromEntries(
  Array.from({ length: 60 }, (_, n) => [digestOf(`wanted ${n}`), null]),
)

type Row = readonly [
  rows: string,
  name: string,
  expected: string,
  wanted: object,
  packs: readonly string[],
]

const rows: readonly Row[] = [
  [
    'T6',
    'two blobs in one pack',
    'accept',
    want(one, two),
    [content(packOf({ bytes: one }, { bytes: two }))],
  ],
  [
    'T6',
    'a blob in each of two packs',
    'accept',
    want(one, two),
    [content(packOf({ bytes: two })), packed(packOf({ bytes: one }))],
  ],
  [
    'T6',
    'a blob in three slices',
    'accept',
    want(large),
    [slice(0, 1_000), slice(1_000, 1_001), slice(1_001, 3_000)],
  ],
  [
    'T6',
    'a size that nobody declared',
    'accept',
    { [digestOf(one)]: null },
    [content(packOf({ bytes: one }))],
  ],
  [
    'T6',
    'a blob beside one that nobody wants',
    'accept',
    want(one),
    [content(packOf({ bytes: two }, { bytes: one }))],
  ],
  [
    'T6',
    'a blob once more, after it is there',
    'accept',
    want(one),
    [content(packOf({ bytes: one }, { bytes: one }))],
  ],
  [
    'T1 T6',
    'other bytes under a digest that is wanted',
    'digest_mismatch',
    want(one),
    [content(packOf({ bytes: two, digest: digestOf(one) }))],
  ],
  [
    'T1 T6',
    'a blob with one bit changed',
    'digest_mismatch',
    want(one),
    [content(packOf({ bytes: blob('onf'), digest: digestOf(one) }))],
  ],
  [
    'T6',
    'slices of two blobs under one digest',
    'digest_mismatch',
    want(large),
    [slice(0, 1_000), slice(1_000, 3_000, { bytes: blob('other ', 2_000) })],
  ],
  ['T7', 'nothing comes', 'content_missing', want(one), []],
  [
    'T7',
    'one of two is withheld',
    'content_missing',
    want(one, two),
    [content(packOf({ bytes: two }))],
  ],
  [
    'T7',
    'the last slice is withheld',
    'content_missing',
    want(large),
    [slice(0, 1_000), slice(1_000, 2_999)],
  ],
  [
    'T7',
    'it is said to be missing',
    'content_missing',
    want(one),
    [content(new Uint8Array(0), { encoding: Encoding.UNSPECIFIED, missing: [digestOf(one)] })],
  ],
  [
    'T7',
    'a digest that is none',
    'content_missing',
    want(one),
    [content(packOf({ bytes: one, digest: 'sha256:one' }))],
  ],
  [
    'T8',
    'a size other than the declared',
    'size_mismatch',
    { [digestOf(one)]: 41 },
    [content(packOf({ bytes: one }))],
  ],
  [
    'T8',
    'a size that only one byte comes of, larger than an object may be',
    'size_mismatch',
    { [digestOf(one)]: null },
    [content(packOf({ bytes: blob('x', 1), digest: digestOf(one), size: 1_536 * KiB + 1 }))],
  ],
  [
    'T8',
    'a slice with a gap before it',
    'size_mismatch',
    want(large),
    [slice(0, 1_000), slice(1_001, 3_000)],
  ],
  [
    'T8',
    'a slice that overlaps',
    'size_mismatch',
    want(large),
    [slice(0, 1_000), slice(999, 3_000)],
  ],
  [
    'T8',
    'a slice over the end',
    'size_mismatch',
    want(large),
    [slice(0, 1_000), slice(1_000, 3_000, { bytes: blob('large ', 2_001) })],
  ],
  [
    'T8',
    'a slice of another size than the first said',
    'size_mismatch',
    { [digestOf(large)]: null },
    [slice(0, 1_000), slice(1_000, 2_000, { size: 3_001 })],
  ],
  [
    'T8',
    'five blobs begun and none finished',
    'too_much_data',
    wantMuch,
    Array.from({ length: 5 }, (_, n) =>
      content(packOf({ bytes: blob('x', 1), digest: digestOf(`wanted ${n}`), size: 9 })),
    ),
  ],
  [
    'T8',
    'more than it takes to send what is wanted',
    'too_much_data',
    want(one),
    [exploding(100 * KiB, 100 * KiB)],
  ],
  [
    'T8',
    'more in many packs, none of it wanted',
    'too_much_data',
    want(one),
    Array.from({ length: 4 }, () => zeros(20 * KiB)),
  ],
  [
    'T8',
    'a pack of more than a mebibyte',
    'size_mismatch',
    wantMuch,
    [content(new Uint8Array(0), { decodedSize: MiB + 1 })],
  ],
  ['T10', 'a bomb that states 50 MiB', 'size_mismatch', wantMuch, [exploding(50 * MiB, 50 * MiB)]],
  [
    'T10',
    'a bomb of 50 MiB that states 1 KiB',
    'object_malformed',
    want(one),
    [exploding(50 * MiB, KiB)],
  ],
  [
    'T10',
    'a bomb of 50 MiB that states 1 KiB in its frame as well',
    'object_malformed',
    want(one),
    [exploding(50 * MiB, KiB, KiB)],
  ],
  [
    'T10',
    'a bomb of one byte more than it states',
    'object_malformed',
    want(one),
    [exploding(KiB + 1, KiB, KiB)],
  ],
  [
    'T10',
    'a bomb of a mebibyte that states nothing',
    'object_malformed',
    want(one),
    [exploding(MiB, 0)],
  ],
  [
    'T10',
    'a frame of less than is stated',
    'size_mismatch',
    want(one),
    [packed(packOf({ bytes: one }), 1_000)],
  ],
  [
    'B54',
    'garbage that is said to be compressed',
    'object_malformed',
    want(one),
    [content(blob('garbage'), { encoding: Encoding.ZSTD, decodedSize: 100 })],
  ],
  [
    'B54',
    'nothing that is said to be compressed',
    'object_malformed',
    want(one),
    [content(new Uint8Array(0), { encoding: Encoding.ZSTD, decodedSize: 100 })],
  ],
  [
    'B54',
    'a frame that is cut short',
    'object_malformed',
    want(one),
    [
      content(frame(packOf({ bytes: one })).subarray(0, -5), {
        encoding: Encoding.ZSTD,
        decodedSize: packOf({ bytes: one }).byteLength,
      }),
    ],
  ],
  [
    'B54',
    'bytes in an encoding that is not said',
    'object_malformed',
    want(one),
    [content(packOf({ bytes: one }), { encoding: Encoding.UNSPECIFIED })],
  ],
  [
    'B54',
    'an encoding that is not known',
    'object_malformed',
    want(one),
    [content(packOf({ bytes: one }), { encoding: 3 as Encoding })],
  ],
  [
    'B54',
    'less than is stated, not compressed',
    'size_mismatch',
    want(one),
    [content(packOf({ bytes: one }), { decodedSize: 9 })],
  ],
  ...malformed(),
]

/** Packs that are no protobuf, or more than was agreed on. */
function malformed(): Row[] {
  const good = packOf({ bytes: one })
  const raw = (...bytes: number[]) => Buffer.concat([good, Buffer.from(bytes)])
  const row = (name: string, pack: Uint8Array, expected = 'object_malformed'): Row => [
    'B55',
    name,
    expected,
    want(one),
    [content(pack)],
  ]
  return [
    row('a length over the end', raw(0x0a, 0x7f)),
    row(
      'a number of eleven bytes',
      raw(0x0a, 0x0c, 0x10, ...Array.from({ length: 10 }, () => 0xff), 0x01),
    ),
    row('a number without an end', raw(0x10, 0xff)),
    row('field number 0', raw(0x00, 0x01)),
    row('a wire type that is none', raw(0x0f)),
    row('a part that is a number', raw(0x08, 0x01)),
    row('the end of a group that never began', raw(0x1c)),
    row('a digest that is no UTF-8', raw(0x0a, 0x03, 0x0a, 0x01, 0xff)),
    row('unknown groups, a thousand deep', raw(...Array.from({ length: 1_000 }, () => 0x1b))),
    row(
      'unknown fields, a kilobyte of them',
      raw(0x1a, 0x80, 0x08, ...Buffer.alloc(KiB)),
      'accept',
    ),
  ]
}

export const packVectors = rows.map(([of, name, expected, wanted, packs]) =>
  vector(of, `packs: ${name}`, expected, { wanted, packs }),
)
