import { type Fault, formatFault, HubError } from '../errors.ts'
import type { ObjectId } from '@groundswell/proto/object-id.ts'
import type { PolicyAction } from '../fleet/kinds/policy.ts'
import type { PickedVersion } from '../source/chart/chart.ts'
import type { AskedFacts } from './asked-facts.ts'
import type { RenderedObject, RenderInput, RenderResult } from './engine.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/** One object that one rule of a policy does not allow. */
export interface EngineViolation {
  readonly action: PolicyAction
  readonly rule: string
  readonly object: ObjectId
  readonly file: string
  readonly message: string
}

/** What a rule has to know of an image first, by one signer; see hub/policy/signature. */
export interface ImageQuestion {
  readonly id: string
  /** With its digest. */
  readonly image: string
  /** In PEM. */
  readonly key: string | undefined
  /** One is enough; subjects are globs. */
  readonly identities: readonly { readonly issuer: string; readonly subject: string }[]
  /** As JSON; undefined when the Policy names one, or none is needed. */
  readonly trustedRoot: string | undefined
  /** Of an attestation; undefined when a signature is asked for. */
  readonly predicateType: string | undefined
}

/** What a worker says to one request. */
export type Answer =
  | {
      readonly kind: 'done'
      readonly result: RenderResult
      /** What a policy has to say; see hub/policy. */
      readonly violations: readonly EngineViolation[]
      /** To be asked again with the answers; what else it says does not count then. */
      readonly questions: readonly ImageQuestion[]
      /** Of a chart; see hub/source/chart. */
      readonly picked?: PickedVersion
    }
  | { readonly kind: 'needTree' }
  | { readonly kind: 'needPolicy' }
  | { readonly kind: 'failed'; readonly faults: readonly Fault[] }

/**
 * What people read of one render at most: so many faults, and so many characters of each text. Whoever wrote what is
 * rendered has a say in both, and they go on into logs, statuses and events.
 */
const [mostFaults, mostText] = [500, 4_000]

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws TypeError when the bytes are not an answer: then the worker is broken. */
export function parseAnswer(bytes: Uint8Array): Answer {
  const value: unknown = JSON.parse(utf8.decode(bytes))
  if (!isRecord(value)) throw new TypeError('the answer is not an object')
  const {
    ok,
    needTree,
    needPolicy,
    errors,
    objects = [],
    warnings = [],
    violations = [],
    questions = [],
    picked,
    asked,
  } = value
  if (needTree === true) return { kind: 'needTree' }
  if (needPolicy === true) return { kind: 'needPolicy' }
  if (Array.isArray(errors)) return { kind: 'failed', faults: toFaults(errors) }
  if (
    ok !== true ||
    !Array.isArray(objects) ||
    !Array.isArray(warnings) ||
    !Array.isArray(violations) ||
    !Array.isArray(questions)
  ) {
    throw new TypeError('the answer is neither a result nor an error')
  }
  return {
    kind: 'done',
    result: {
      ...{
        objects: objects.map(toObject),
        warnings: warnings.map((each) => shorten(String(each))),
      },
      ...(isRecord(asked) && { asked: toAsked(asked) }),
    },
    violations: violations.map(toViolation),
    questions: questions.map(toQuestion),
    ...(isRecord(picked) ? { picked: toPicked(picked) } : {}),
  }
}

/** The faults of a failed render, as the error that crosses folders. */
export function renderFailed(input: RenderInput, faults: readonly Fault[]): HubError {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const words = first ? formatFault(first) : 'no reason given'
  return new HubError('render_failed', `${input.kind} ${input.path}: ${words}${more}`, { faults })
}

function toPicked({ version, digest, urls }: Record<string, unknown>): PickedVersion {
  if (typeof version !== 'string') throw new TypeError('the answer picks no version')
  return {
    version,
    digest: typeof digest === 'string' ? digest : '',
    urls: Array.isArray(urls) ? urls.filter((url) => typeof url === 'string') : [],
  }
}

function toAsked({ version, served, apis }: Record<string, unknown>): AskedFacts {
  return {
    version: version === true,
    served: served === true,
    apis: Array.isArray(apis) ? apis.filter((name) => typeof name === 'string') : [],
  }
}

function toViolation(value: unknown): EngineViolation {
  if (!isRecord(value)) throw new TypeError('the answer holds no violation')
  const { action, rule, object, file, message } = value
  if (action !== 'deny' && action !== 'warn' && action !== 'audit') {
    throw new TypeError('a violation of the answer is malformed')
  }
  return {
    action,
    rule: text(rule),
    object: toId(object),
    file: text(file ?? ''),
    message: shorten(text(message)),
  }
}

function toQuestion(value: unknown): ImageQuestion {
  if (!isRecord(value)) throw new TypeError('the answer asks nothing')
  const { id, image, key, identities = [], trustedRoot, predicateType } = value
  if (!Array.isArray(identities)) throw new TypeError('the answer asks of nobody')
  const optional = (member: unknown) => (member === undefined ? undefined : text(member))
  return {
    id: text(id),
    image: text(image),
    key: optional(key),
    identities: identities.map((each: unknown) => {
      if (!isRecord(each)) throw new TypeError('the answer asks of nobody')
      return { issuer: text(each['issuer']), subject: text(each['subject']) }
    }),
    trustedRoot: optional(trustedRoot),
    predicateType: optional(predicateType),
  }
}

function toId(value: unknown): ObjectId {
  if (!isRecord(value)) throw new TypeError('the answer holds no object')
  const { group, kind, namespace, name } = value
  return { group: text(group), kind: text(kind), namespace: text(namespace), name: text(name) }
}

function text(member: unknown): string {
  if (typeof member !== 'string') throw new TypeError('an object of the answer is malformed')
  return member
}

function toObject(value: unknown): RenderedObject {
  if (!isRecord(value)) throw new TypeError('the answer holds no object')
  const { apiVersion, json, file, id } = value
  return {
    id: toId(id),
    apiVersion: text(apiVersion),
    json: text(json),
    file: text(file),
  }
}

function toFaults(errors: readonly unknown[]): Fault[] {
  const faults = errors.slice(0, mostFaults).map(toFault)
  const more = errors.length - faults.length
  return more > 0 ? [...faults, { message: `and ${more} more faults` }] : faults
}

function toFault(value: unknown): Fault {
  const { message, file, line } = isRecord(value) ? value : {}
  return {
    message: typeof message === 'string' ? shorten(message) : 'unknown fault',
    ...(typeof file === 'string' && file ? { file } : {}),
    ...(typeof line === 'number' && line > 0 ? { line } : {}),
  }
}

/** The start of what is too long to be read. */
function shorten(words: string): string {
  if (words.length <= mostText) return words
  return `${words.slice(0, mostText).toWellFormed()}… (${words.length} characters)`
}
