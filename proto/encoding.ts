import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'

/** Bytes that are written where they are wanted, and need not stand anywhere before. A Buffer is one. */
export interface Encoding {
  readonly byteLength: number
  /** Writes all of them into `target`, from `start` on. */
  copy(target: Uint8Array, start: number): unknown
}

/** Of messages whose bytes are known without a look inside. */
const known = new WeakMap<Message, Encoding>()

/** Says what a message's bytes are, for one whose parts were encoded before; nobody changes it any more. */
export function keepEncoding<M extends Message>(message: M, encoding: Encoding): M {
  known.set(message, encoding)
  return message
}

/** What was said of a message's bytes. */
export function encodingOf(message: Message): Encoding | undefined {
  return known.get(message)
}

/** A message's bytes. */
export function encode(schema: DescMessage, message: Message): Uint8Array {
  const encoding = known.get(message)
  if (!encoding) return toBinary(schema, message)
  const bytes = new Uint8Array(encoding.byteLength)
  encoding.copy(bytes, 0)
  return bytes
}
