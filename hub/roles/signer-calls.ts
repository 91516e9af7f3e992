import { parseDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import { parseAttestation } from '../signer/attestation.ts'
import { parseFreshnessRequest, parseSignRequest } from '../signer/request.ts'
import type { Attestor, Signer } from '../signer/signer.ts'
import { type TermFence, createTermFence } from '../signer/term-fence.ts'
import type { Methods } from './answerer.ts'
import type { Caller } from './caller.ts'
import { formatBytes, parseBytes, parseList, parseNumber, parseObject, parseText } from './parse.ts'

/* The signer, from another process: one socket for the front end, one for the renderer. */

const deadlineMs = 10_000
/** Of a whole fleet at once, to a signer that writes it down. */
const attestMs = 60_000
const longestRoot = 1024 * 1024

/** What the front end may ask. */
export function answerSigning(signer: Signer, name: string): Methods {
  const fence = createTermFence()
  return {
    /** Whose record it is. */
    name: async () => name,
    async sign(params) {
      const request = parseSignRequest(withoutTerm(params, fence))
      const signed = await signer.sign(request)
      return { ...signed, envelope: formatBytes(signed.envelope) }
    },
    async position(params) {
      if (typeof params !== 'string') throw new HubError('invalid', 'a cluster id is a text')
      return signer.position(params)
    },
    async freshness(params) {
      const { envelope, expiresAt } = await signer.freshness(parseFreshnessRequest(params))
      return { envelope: formatBytes(envelope), expiresAt }
    },
    async roots() {
      return (await signer.roots()).map(formatBytes)
    },
    async adopt(params) {
      await signer.adopt(parseRoot(params))
    },
  }
}

/** What the renderer may ask. */
export function answerAttesting(attestor: Attestor): Methods {
  return { attest: (params) => attestor.attest(parseAttestation(params)) }
}

/** `term`: in which this front end leads, of several. */
export function createRemoteSigner(caller: Caller, term?: () => number): Signer {
  return {
    sign: (request) =>
      ask(caller, 'sign', term ? { ...request, term: term() } : request, (answer) => {
        const { epoch, sequence, digest, expiresAt, envelope } = parseObject(answer)
        return {
          epoch: parseNumber(epoch),
          sequence: parseNumber(sequence),
          digest: parseDigest(digest),
          expiresAt: parseNumber(expiresAt),
          envelope: parseBytes(envelope),
        }
      }),
    position: (clusterId) =>
      ask(caller, 'position', clusterId, (answer) => {
        if (answer === null) return null
        const { epoch, sequence } = parseObject(answer)
        return { epoch: parseNumber(epoch), sequence: parseNumber(sequence) }
      }),
    freshness: (request) =>
      ask(caller, 'freshness', request, (answer) => {
        const { envelope, expiresAt } = parseObject(answer)
        return { envelope: parseBytes(envelope), expiresAt: parseNumber(expiresAt) }
      }),
    roots: () => ask(caller, 'roots', null, (answer) => parseList(answer).map(parseBytes)),
    async adopt(root) {
      await ask(caller, 'adopt', formatBytes(root), () => undefined)
    },
  }
}

/** @throws HubError `signer_unavailable`; `invalid` from one of a release that served one front end only */
export async function askSignerName(caller: Caller): Promise<string> {
  return ask(caller, 'name', null, parseText)
}

export function createRemoteAttestor(caller: Caller): Attestor {
  return {
    async attest(attestation) {
      await caller.call('attest', attestation, { deadlineMs: attestMs })
    },
  }
}

async function ask<T>(
  caller: Caller,
  method: string,
  params: unknown,
  parse: (answer: unknown) => T,
): Promise<T> {
  const answer = await caller.call(method, params, { deadlineMs })
  try {
    return parse(answer)
  } catch (cause) {
    throw new HubError('signer_unavailable', `the signer's answer to ${method} is not one`, {
      cause,
    })
  }
}

/** A front end that is alone says no term. @throws HubError `no_leader`, `invalid` */
function withoutTerm(params: unknown, fence: TermFence): unknown {
  if (!isRecord(params) || !Object.hasOwn(params, 'term')) return params
  const { term, ...request } = params
  if (!Number.isSafeInteger(term) || (term as number) < 0) {
    throw new HubError('invalid', 'a term is a whole number')
  }
  fence.admit(term as number)
  return request
}

function parseRoot(params: unknown): Uint8Array {
  try {
    const bytes = parseBytes(params)
    if (bytes.byteLength <= longestRoot) return bytes
  } catch (cause) {
    throw new HubError('invalid', 'a root statement is base64', { cause })
  }
  throw new HubError('invalid', 'a root statement is smaller')
}
