import { deserialize, serialize } from 'node:v8'
import type { KnownFleet } from './fleet-memory.ts'

/** Whose reading it is. Another program may refuse what this one took, and call the parts otherwise. */
export interface Reader {
  /** Digest of the program's code. */
  readonly build: string
  /** Directory in the fleet repository. */
  readonly path: string
}

/** A fleet as bytes; its maps stay maps. */
export function packFleet({ tree, fleet }: KnownFleet, { build, path }: Reader): Uint8Array {
  return serialize({ build, path, tree, fleet })
}

/** Undefined for another reader's. @throws Error for bytes that are none */
export function unpackFleet(bytes: Uint8Array, { build, path }: Reader): KnownFleet | undefined {
  const { tree, fleet, ...reader } = deserialize(bytes) as Partial<Reader & KnownFleet>
  if (reader.build !== build || reader.path !== path || !tree || !fleet) return undefined
  return { tree, fleet }
}
