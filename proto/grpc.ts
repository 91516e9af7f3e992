import { type DescMethod, type DescService, fromBinary, toBinary } from '@bufbuild/protobuf'
import { encodingOf } from './encoding.ts'
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'

/* The one place where protobuf-es meets grpc-js; `any` stops here. */

/**
 * A protobuf-es service as grpc-js wants it, for `Server.addService` and
 * `makeGenericClientConstructor`. Unknown fields are dropped on reading.
 */
export function toServiceDefinition(
  service: DescService,
): ServiceDefinition<UntypedServiceImplementation> {
  return Object.fromEntries(
    service.methods.map((method) => [method.localName, toMethod(service, method)]),
  ) as ServiceDefinition<UntypedServiceImplementation>
}

function toMethod(service: DescService, method: DescMethod): object {
  const { input, output, methodKind } = method
  return {
    path: `/${service.typeName}/${method.name}`,
    originalName: method.localName,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (message: any) => view(toBinary(input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes, { readUnknownFields: false }),
    // A server of grpc-js asks of it no more than what an `Encoding` has: it copies it into a frame.
    responseSerialize: (message: any) => encodingOf(message) ?? view(toBinary(output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes, { readUnknownFields: false }),
  }
}

/** The same service for who passes messages on as they came, without a look inside. */
export function toRawDefinition(
  service: DescService,
): ServiceDefinition<UntypedServiceImplementation> {
  const definition = Object.entries(toServiceDefinition(service))
  return Object.fromEntries(
    definition.map(([name, method]) => [name, { ...method, ...asItCame }]),
  ) as ServiceDefinition<UntypedServiceImplementation>
}

const pass = (bytes: Buffer): Buffer => bytes

/** For a method of bytes. */
export const asItCame = {
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
} as const

/** A Buffer over the same memory, not a copy. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
