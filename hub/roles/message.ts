import { isRecord } from '@groundswell/proto/record.ts'
import { type Fault, HubError, hubErrorCodes } from '../errors.ts'

/** The ways that roles reach each other, each with a directory of its own. */
export const socketNames = ['attest', 'sign', 'render'] as const
export type SocketName = (typeof socketNames)[number]

/** What is asked; the greeting comes first, from who listens. */
export type Asked =
  | { readonly id: number; readonly method: string; readonly params: unknown }
  /** Nobody waits for that answer any more. */
  | { readonly cancel: number }

export type Told =
  | { readonly v: 1; readonly socket: string; readonly fleet: string }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: HubError }
  | { readonly news: unknown }

const mostFaults = 1_000
const longestText = 8_192

export function encodeMessage(message: Asked | Told): Uint8Array {
  if (!('error' in message)) return Buffer.from(JSON.stringify(message))
  const { id, error } = message
  const { code, faults } = error
  const told = {
    code,
    message: error.message.slice(0, longestText),
    faults: faults.slice(0, mostFaults),
  }
  return Buffer.from(JSON.stringify({ id, error: told }))
}

/** @throws TypeError when it is no question */
export function parseAsked(frame: Uint8Array): Asked {
  const value = parseObject(frame)
  if ('cancel' in value) return { cancel: parseId(value['cancel']) }
  const { id, method, params } = value
  if (typeof method !== 'string') throw new TypeError('a question without a method')
  return { id: parseId(id), method, params }
}

/** @throws TypeError when it is no answer */
export function parseTold(frame: Uint8Array): Told {
  const value = parseObject(frame)
  if ('news' in value) return { news: value['news'] }
  if ('fleet' in value) {
    const { v, socket, fleet } = value
    if (v !== 1 || typeof socket !== 'string' || typeof fleet !== 'string') {
      throw new TypeError('a greeting of another version')
    }
    return { v, socket, fleet }
  }
  const id = parseId(value['id'])
  return 'error' in value
    ? { id, error: parseError(value['error']) }
    : { id, result: value['result'] }
}

function parseObject(frame: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame))
  if (!isRecord(value)) throw new TypeError('not an object')
  return value
}

function parseId(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw new TypeError('not an id')
  return value as number
}

function parseError(value: unknown): HubError {
  const { code, message, faults } = isRecord(value) ? value : {}
  const known = hubErrorCodes.find((name) => name === code)
  if (!known || typeof message !== 'string' || !Array.isArray(faults)) {
    throw new TypeError('not an error')
  }
  return new HubError(known, message, { faults: faults.slice(0, mostFaults).map(parseFault) })
}

/** @throws TypeError */
export function parseFault(value: unknown): Fault {
  if (!isRecord(value) || typeof value['message'] !== 'string') throw new TypeError('not a fault')
  const { message, file, object, cluster, line, column } = value
  const texts = Object.entries({ file, object, cluster }).filter(
    ([, text]) => typeof text === 'string',
  )
  const numbers = Object.entries({ line, column }).filter(([, at]) => Number.isSafeInteger(at))
  return { ...Object.fromEntries([...texts, ...numbers]), message }
}
