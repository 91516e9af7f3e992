import { digestOf, isDigest } from '@groundswell/proto/digest.ts'
import type { TrustState } from './state.ts'

/** A trust state as text that tells when any of it was changed. */
export function formatState(state: TrustState): string {
  const body = {
    root: encode(state.root),
    epoch: state.epoch,
    sequence: state.sequence,
    snapshotDigest: state.snapshotDigest,
    envelope: state.envelope && encode(state.envelope),
    ...(state.envelopeRoot ? { envelopeRoot: encode(state.envelopeRoot) } : {}),
    ...(state.approvals?.length ? { approvals: state.approvals.map(encode) } : {}),
    ...(state.doubt === undefined ? {} : { doubt: state.doubt }),
  }
  return JSON.stringify({ ...body, checksum: digestOf(JSON.stringify(body)) })
}

/** @throws TypeError, SyntaxError when it is not what `formatState` wrote */
export function parseState(text: string): TrustState {
  const { checksum, ...body } = JSON.parse(text) as Record<string, unknown>
  if (checksum !== digestOf(JSON.stringify(body))) throw new TypeError('checksum')
  const { root, epoch, sequence, snapshotDigest, envelope, doubt } = body
  const { envelopeRoot, approvals } = body
  if (typeof root !== 'string' || typeof epoch !== 'number' || typeof sequence !== 'number') {
    throw new TypeError('members')
  }
  return {
    root: decode(root),
    epoch,
    sequence,
    snapshotDigest: isDigest(snapshotDigest) ? snapshotDigest : null,
    envelope: typeof envelope === 'string' ? decode(envelope) : null,
    ...(typeof envelopeRoot === 'string' ? { envelopeRoot: decode(envelopeRoot) } : {}),
    ...(Array.isArray(approvals) ? { approvals: approvals.map(decode) } : {}),
    ...(typeof doubt === 'string' ? { doubt } : {}),
  }
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const decode = (text: unknown): Uint8Array => Buffer.from(String(text), 'base64')
