import { digestOf, isDigest } from '@groundswell/proto/digest.ts'
import type { TrustState } from './state.ts'

/** A trust state as text that tells when any of it was changed. */
export function formatState(state: TrustState): string {
  const body = {
    root: Buffer.from(state.root).toString('base64'),
    epoch: state.epoch,
    sequence: state.sequence,
    snapshotDigest: state.snapshotDigest,
    envelope: state.envelope && Buffer.from(state.envelope).toString('base64'),
    ...(state.doubt === undefined ? {} : { doubt: state.doubt }),
  }
  return JSON.stringify({ ...body, checksum: digestOf(JSON.stringify(body)) })
}

/** @throws TypeError, SyntaxError when it is not what `formatState` wrote */
export function parseState(text: string): TrustState {
  const { checksum, ...body } = JSON.parse(text) as Record<string, unknown>
  if (checksum !== digestOf(JSON.stringify(body))) throw new TypeError('checksum')
  const { root, epoch, sequence, snapshotDigest, envelope, doubt } = body
  if (typeof root !== 'string' || typeof epoch !== 'number' || typeof sequence !== 'number') {
    throw new TypeError('members')
  }
  return {
    root: Buffer.from(root, 'base64'),
    epoch,
    sequence,
    snapshotDigest: isDigest(snapshotDigest) ? snapshotDigest : null,
    envelope: typeof envelope === 'string' ? Buffer.from(envelope, 'base64') : null,
    ...(typeof doubt === 'string' ? { doubt } : {}),
  }
}
