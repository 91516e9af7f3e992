import { isDigest } from './digest.ts'
import { isRecord } from './record.ts'
import {
  exactly,
  isCount,
  isDigestOrNull,
  need,
  needPositive,
  needText,
  needTimes,
  parseObject,
} from './statement-shape.ts'
import type { Freshness } from './statement.ts'

/** @throws StatementError naming the member */
export function parseFreshness(payload: Uint8Array): Freshness {
  const value = parseObject(payload, [
    'aud',
    'auditHead',
    'epoch',
    'expiresAt',
    'fleet',
    'issuedAt',
    'nonce',
    'rootVersion',
    'sequence',
    'snapshot',
    'v',
  ])
  needText(value, ['fleet', 'aud'])
  needPositive(value, ['epoch', 'rootVersion'])
  needTimes(value, ['issuedAt', 'expiresAt'])
  const { nonce, sequence, snapshot, auditHead } = value
  need(typeof nonce === 'string' && /^[A-Za-z0-9_-]{43}$/.test(nonce), 'nonce')
  need(isCount(sequence), 'sequence')
  need(isDigestOrNull(snapshot) && (sequence === 0) === (snapshot === null), 'snapshot')
  if (auditHead !== null) {
    need(isRecord(auditHead), 'auditHead')
    exactly(auditHead, ['digest', 'index'])
    need(isCount(auditHead['index']) && isDigest(auditHead['digest']), 'auditHead')
  }
  return value as unknown as Freshness
}
