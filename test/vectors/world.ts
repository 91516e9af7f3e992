import { digestOf } from '@groundswell/proto/digest.ts'
import { base64, keyOf, seal } from './seal.ts'

/* The fleet that all vectors are about. */

export const keys = {
  root: keyOf('root'),
  nextRoot: keyOf('next root'),
  snapshot: keyOf('snapshot'),
  second: keyOf('second snapshot'),
  freshness: keyOf('freshness'),
  approver: keyOf('approver'),
  otherApprover: keyOf('other approver'),
  stranger: keyOf('stranger'),
}

export const at = 1_800_000_000
export const nonce = Buffer.alloc(32, 7).toString('base64url')
export const role = (...of: readonly { readonly publicKey: object }[]) => ({
  keys: of.map(({ publicKey }) => publicKey),
  threshold: 1,
})

export const roles = {
  root: role(keys.root),
  snapshot: role(keys.snapshot),
  freshness: role(keys.freshness),
  approver: role(keys.approver, keys.otherApprover),
}
export const root = {
  ...{ v: 1, fleet: 'vectors', version: 1, epoch: 1, expiresAt: at + 1_000_000 },
  ...{ roles, policies: [] as object[] },
}
export const snapshot = {
  ...{ v: 1, fleet: 'vectors', aud: 'id-1', clusterUid: 'uid-1', epoch: 1, sequence: 5 },
  ...{ previous: digestOf('4'), issuedAt: at, expiresAt: at + 3600, applications: [] as object[] },
}
export const freshness = {
  ...{ v: 1, fleet: 'vectors', aud: 'id-1', nonce, issuedAt: at, expiresAt: at + 600 },
  ...{ epoch: 1, sequence: 5, snapshot: digestOf('5'), rootVersion: 1, auditHead: null },
}

export interface Written {
  readonly name: string
  readonly rows: readonly string[]
  readonly expected: string
  readonly [member: string]: unknown
}

/** Holds for each vector that does not say otherwise. */
export const defaults = {
  root: base64(seal('root', root, keys.root)),
  identity: { fleet: 'vectors', cluster: 'one', clusterId: 'id-1', clusterUid: 'uid-1' },
  state: { epoch: 1, sequence: 4, snapshotDigest: digestOf('4') },
  at,
}

/** One vector; `rows` are those of the threat model, apart by spaces. */
export function vector(rows: string, name: string, expected: string, given: object): Written {
  return { name, rows: rows.split(' '), expected, ...given }
}

export const sealedRoot = (change: object, ...by: (typeof keys.root)[]) =>
  base64(seal('root', { ...root, ...change }, ...by))
export const sealedSnapshot = (change: object = {}, by = keys.snapshot) =>
  base64(seal('snapshot', { ...snapshot, ...change }, by))
