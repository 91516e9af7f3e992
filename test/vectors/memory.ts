import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { base64, seal } from './seal.ts'
import {
  at,
  defaults,
  freshness,
  keys,
  nonce,
  root,
  roles,
  sealedRoot,
  sealedSnapshot,
  snapshot,
  vector,
  type Written,
} from './world.ts'

/* Vectors about what an agent has kept of before, over restarts and restored backups. */

const state = (more: object) => ({ state: { ...defaults.state, ...more } })
const expiring = (left: number) => ({ snapshot: sealedSnapshot({ expiresAt: at + left }) })
const nextEpoch = { version: 2, epoch: 2, roles }
const newRoot = base64(seal('root', { ...root, ...nextEpoch }, keys.root))

const times: readonly Written[] = [
  vector('T5', 'memory: a clock set back behind the time that was attested', 'expired', {
    ...state({ timeFloor: at + 60 }),
    ...expiring(60),
  }),
  vector('T5', 'memory: a statement that outlives the time that was attested', 'accept', {
    ...state({ timeFloor: at + 60 }),
    ...expiring(61),
  }),
  vector('T5', 'memory: a clock that is past the time that was attested', 'expired', {
    ...state({ timeFloor: at - 60 }),
    ...expiring(0),
  }),
  vector('T17', 'memory: a root that expired by the time that was attested', 'expired', {
    ...state({ timeFloor: at + 1_000 }),
    root: sealedRoot({ expiresAt: at + 1_000 }, keys.root),
    snapshot: sealedSnapshot(),
  }),
  vector('T4', 'memory: a new epoch drops a time that was set too late', 'accept', {
    ...state({ timeFloor: at + 999_999_999 }),
    rootChain: [newRoot],
    snapshot: sealedSnapshot({ epoch: 2, sequence: 1 }),
  }),
]

const text = canonicalJson(snapshot as never)
const fifth = { epoch: 1, sequence: 5, snapshotDigest: digestOf(text) }
const again = { snapshot: base64(seal('snapshot', text, keys.snapshot)) }
const repeats: readonly Written[] = [
  vector('T2 T18', 'memory: the snapshot that was accepted once more', 'accept', {
    state: fifth,
    ...again,
  }),
  vector('T2 T18', 'memory: the snapshot that was accepted once more, expired by now', 'accept', {
    state: fifth,
    ...again,
    at: at + 1_000_000 - 1,
  }),
  vector('T3', 'memory: another snapshot of that sequence', 'equivocation', {
    state: fifth,
    snapshot: sealedSnapshot({ previous: null }),
  }),
]

const doubt = 'the Secret is missing'
const told = (change: object = {}) => ({
  nonce,
  freshness: base64(seal('freshness', { ...freshness, ...change }, keys.freshness)),
})
const settled = { sequence: 5, snapshot: digestOf(text) }
const doubts: readonly Written[] = [
  vector('T18', 'memory: in doubt nothing new is taken', 'trust_state_doubtful', {
    ...state({ doubt }),
    ...again,
  }),
  vector('T18', 'memory: a doubt that a signer settled to this very snapshot', 'accept', {
    ...state({ doubt }),
    ...told(settled),
    ...again,
  }),
  vector('T18', 'memory: a doubt that was settled to a later sequence', 'rollback', {
    ...state({ doubt }),
    ...told({ sequence: 9, snapshot: digestOf('9') }),
    ...again,
  }),
  vector('T18', 'memory: a doubt stands while a newer root is not here', 'trust_state_doubtful', {
    ...state({ doubt }),
    ...told({ ...settled, rootVersion: 2 }),
    ...again,
  }),
  vector('T18', 'memory: a signer that knows less settles nothing', 'freshness_behind', {
    ...state({ doubt }),
    ...told({ sequence: 3, snapshot: digestOf('3') }),
    ...again,
  }),
]

const shop = (content: string, size = 1) => ({
  applications: [
    {
      ...{ name: 'shop', generation: 1, state: 'present', revision: 'main' },
      manifest: { digest: digestOf(content), size },
    },
  ],
})
const guarded = {
  root: sealedRoot({ policies: [{ group: 'prod', clusters: ['one'], approvers: 1 }] }, keys.root),
}
const approvals: readonly Written[] = [
  vector('T15', 'memory: content that was accepted before needs no approval again', 'accept', {
    ...guarded,
    accepted: sealedSnapshot({ ...shop('runs'), sequence: 4 }),
    snapshot: sealedSnapshot(shop('runs')),
  }),
  vector('T15', 'memory: content that is new needs an approval', 'approval_missing', {
    ...guarded,
    accepted: sealedSnapshot({ ...shop('runs'), sequence: 4 }),
    snapshot: sealedSnapshot(shop('new')),
  }),
]

const head = (index: number, line = `line ${index}`) => ({ index, digest: digestOf(line) })
const witness = (name: string, seen: object, auditHead: object | null, audit: string | null) =>
  vector('T38', `memory: ${name}`, 'accept', { ...state(seen), ...told({ auditHead }), audit })
const heads: readonly Written[] = [
  witness('the first head of a ledger', {}, head(7), null),
  witness('a ledger that grew', { auditHead: head(7) }, head(9), null),
  witness('a ledger that stands', { auditHead: head(7) }, head(7), null),
  witness(
    'another line in the place of one seen',
    { auditHead: head(7) },
    head(7, 'x'),
    'audit_forked',
  ),
  witness('a head further back, once', { auditHead: head(7) }, head(6), null),
  witness(
    'a head further back, twice',
    { auditHead: head(7), below: true },
    head(6),
    'audit_rewound',
  ),
  witness('no ledger any more', { auditHead: head(7), below: true }, null, 'audit_rewound'),
  witness(
    'a head that was behind and caught up',
    { auditHead: head(7), below: true },
    head(8),
    null,
  ),
]

export const memoryVectors: readonly Written[] = [
  ...times,
  ...repeats,
  ...doubts,
  ...approvals,
  ...heads,
]
