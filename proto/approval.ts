import { isDigest } from './digest.ts'
import { isClusterList, isName, need, needText, needTimes, parseObject } from './statement-shape.ts'
import type { Approval } from './statement.ts'

/** @throws StatementError naming the member */
export function parseApproval(payload: Uint8Array): Approval {
  const value = parseObject(payload, [
    'application',
    'clusters',
    'content',
    'expiresAt',
    'fleet',
    'issuedAt',
    'v',
  ])
  needText(value, ['fleet'])
  needTimes(value, ['issuedAt', 'expiresAt'])
  need(isName(value['application']), 'application')
  need(value['content'] === 'removed' || isDigest(value['content']), 'content')
  need(isClusterList(value['clusters']), 'clusters are sorted names, or * alone')
  return value as unknown as Approval
}
