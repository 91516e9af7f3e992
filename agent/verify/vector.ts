import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { type VerifyCase, readIdentity, readState } from './case.ts'
import { type PacksCase, readPacks } from './packs.ts'

/** One case with the verdict it must get; the format is told in test/vectors/README.md. */
export interface Vector {
  readonly name: string
  readonly rows: readonly string[]
  readonly expected: string
  /** What must be told of the ledger: a code, or null for nothing; undefined when it is not asked. */
  readonly audit?: string | null
  readonly given: VerifyCase
  /** When it is about content on its way: then it is judged by this alone. */
  readonly packs?: PacksCase
}

/**
 * A file of vectors: `defaults` hold for each vector that does not say otherwise.
 *
 * @throws TypeError, SyntaxError
 */
export function parseVectors(text: string): readonly Vector[] {
  const file: unknown = JSON.parse(text)
  if (!isRecord(file) || !isRecord(file['defaults']) || !Array.isArray(file['vectors'])) {
    throw new TypeError('a file of vectors has defaults and vectors')
  }
  const { defaults, vectors } = file
  return (vectors as unknown[]).map((vector) => {
    if (!isRecord(vector)) throw new TypeError('a vector is an object')
    const { name, rows, expected } = vector
    if (typeof name !== 'string' || typeof expected !== 'string' || !Array.isArray(rows)) {
      throw new TypeError('a vector has name, rows and expected')
    }
    const audit = vector['audit']
    const asked = audit === null || typeof audit === 'string' ? { audit } : {}
    const given = readCase({ ...defaults, ...vector })
    const packs = readPacks(vector)
    const common = { name, rows: rows.map(String), expected, ...asked, given }
    return packs ? { ...common, packs } : common
  })
}

function readCase(value: Record<string, unknown>): VerifyCase {
  const { rootChain, approvals, accepted, snapshot, freshness, nonce, content, at } = value
  if (!Number.isSafeInteger(at)) throw new TypeError('at is not in whole seconds')
  return {
    root: decode(value['root'], 'root'),
    rootChain: decodeAll(rootChain, 'rootChain'),
    state: readState(value['state']),
    identity: readIdentity(value['identity']),
    approvals: decodeAll(approvals, 'approvals'),
    at: at as number,
    ...(accepted === undefined ? {} : { accepted: decode(accepted, 'accepted') }),
    ...(snapshot === undefined ? {} : { snapshot: decode(snapshot, 'snapshot') }),
    ...(freshness === undefined ? {} : { freshness: decode(freshness, 'freshness') }),
    ...(typeof nonce === 'string' ? { nonce } : {}),
    ...(content === undefined ? {} : { content: readContent(content) }),
  }
}

function readContent(value: unknown): ReadonlyMap<Digest, Uint8Array> {
  if (!isRecord(value)) throw new TypeError('content is not an object')
  const entries = Object.entries(value).map(([digest, text]) => {
    if (!isDigest(digest)) throw new TypeError('content is named by digest')
    return [digest, decode(text, 'content')] as const
  })
  return new Map(entries)
}

function decodeAll(value: unknown, what: string): readonly Uint8Array[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new TypeError(`${what} is not a list`)
  return (value as unknown[]).map((text) => decode(text, what))
}

function decode(value: unknown, what: string): Uint8Array {
  if (typeof value !== 'string') throw new TypeError(`${what} is not base64`)
  return Buffer.from(value, 'base64')
}
