import { digestOf, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { AuditFault, AuditHead, TrustState } from './state.ts'

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
    ...(state.timeFloor === undefined ? {} : { timeFloor: state.timeFloor }),
    ...(state.auditHead ? { auditHead: state.auditHead } : {}),
    ...(state.auditFault ? { auditFault: state.auditFault } : {}),
  }
  return JSON.stringify({ ...body, checksum: digestOf(JSON.stringify(body)) })
}

/** @throws TypeError, SyntaxError when it is not what `formatState` wrote */
export function parseState(text: string): TrustState {
  const { checksum, ...body } = JSON.parse(text) as Record<string, unknown>
  if (checksum !== digestOf(JSON.stringify(body))) throw new TypeError('checksum')
  const { root, epoch, sequence, snapshotDigest, envelope, doubt } = body
  const { envelopeRoot, approvals, timeFloor } = body
  const [auditHead, auditFault] = [readHead(body['auditHead']), readFault(body['auditFault'])]
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
    ...(typeof timeFloor === 'number' ? { timeFloor } : {}),
    ...(auditHead ? { auditHead } : {}),
    ...(auditFault ? { auditFault } : {}),
  }
}

function readHead(value: unknown): AuditHead | null {
  if (!isRecord(value)) return null
  const { index, digest } = value
  return typeof index === 'number' && isDigest(digest) ? { index, digest } : null
}

function readFault(value: unknown): AuditFault | null {
  if (!isRecord(value)) return null
  const { code } = value
  const [seen, told] = [readHead(value['seen']), readHead(value['told'])]
  if ((code !== 'audit_forked' && code !== 'audit_rewound') || !seen) return null
  return { code, seen, told }
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const decode = (text: unknown): Uint8Array => Buffer.from(String(text), 'base64')
