import { type Fault, formatFault, HubError } from '../errors.ts'
import type { RenderedObject, RenderInput, RenderResult } from './engine.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/** What a worker says to one request. */
export type Answer =
  | { readonly kind: 'done'; readonly result: RenderResult }
  | { readonly kind: 'needTree' }
  | { readonly kind: 'failed'; readonly faults: readonly Fault[] }

/** @throws TypeError when the bytes are not an answer: then the worker is broken. */
export function parseAnswer(bytes: Uint8Array): Answer {
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  if (!isRecord(value)) throw new TypeError('the answer is not an object')
  const { ok, needTree, errors, objects = [], warnings = [] } = value
  if (needTree === true) return { kind: 'needTree' }
  if (Array.isArray(errors)) return { kind: 'failed', faults: errors.map(toFault) }
  if (ok !== true || !Array.isArray(objects) || !Array.isArray(warnings)) {
    throw new TypeError('the answer is neither a result nor an error')
  }
  return {
    kind: 'done',
    result: { objects: objects.map(toObject), warnings: warnings.map(String) },
  }
}

/** The faults of a failed render, as the error that crosses folders. */
export function renderFailed(input: RenderInput, faults: readonly Fault[]): HubError {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const words = first ? formatFault(first) : 'no reason given'
  return new HubError('render_failed', `${input.kind} ${input.path}: ${words}${more}`, { faults })
}

function toObject(value: unknown): RenderedObject {
  if (!isRecord(value) || !isRecord(value['id'])) throw new TypeError('the answer holds no object')
  const { apiVersion, json, file, id } = value
  const text = (member: unknown) => {
    if (typeof member !== 'string') throw new TypeError('an object of the answer is malformed')
    return member
  }
  return {
    id: {
      group: text(id['group']),
      kind: text(id['kind']),
      namespace: text(id['namespace']),
      name: text(id['name']),
    },
    apiVersion: text(apiVersion),
    json: text(json),
    file: text(file),
  }
}

function toFault(value: unknown): Fault {
  const { message, file, line } = isRecord(value) ? value : {}
  return {
    message: typeof message === 'string' ? message : 'unknown fault',
    ...(typeof file === 'string' && file ? { file } : {}),
    ...(typeof line === 'number' && line > 0 ? { line } : {}),
  }
}
