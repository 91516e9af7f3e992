import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'

/** Of messages whose bytes are at hand. */
const known = new WeakMap<Message, Uint8Array>()

/** Says what a message's bytes are, for one whose parts were encoded before; nobody changes it any more. */
export function keepEncoding<M extends Message>(message: M, bytes: Uint8Array): M {
  known.set(message, bytes)
  return message
}

/** A message's bytes. */
export function encode(schema: DescMessage, message: Message): Uint8Array {
  return known.get(message) ?? toBinary(schema, message)
}
