import { digestOf } from '@groundswell/proto/digest.ts'
import { base64, seal } from './seal.ts'
import {
  at,
  keys,
  role,
  root,
  roles,
  sealedRoot,
  sealedSnapshot,
  vector,
  type Written,
} from './world.ts'

/* Vectors about root statements that follow one another, and about approvals. */

const two = (change: object = {}) => ({
  ...{ version: 2, roles: { ...roles, root: role(keys.nextRoot) } },
  ...change,
})
const second = sealedRoot(two(), keys.root, keys.nextRoot)
const third = sealedRoot(two({ version: 3 }), keys.nextRoot)
const revoked = { ...roles, snapshot: role(keys.second) }
const cured = sealedRoot({ version: 2, epoch: 2, roles: revoked }, keys.root)
const burnt = { epoch: 1, sequence: 2 ** 53 - 1, snapshotDigest: digestOf('burnt') }
const by = (key: typeof keys.root, change: object = {}) => sealedSnapshot(change, key)
const sleepy = [second, third, sealedRoot(two({ version: 4 }), keys.nextRoot)]
const last = sealedRoot(
  two({ version: 5, epoch: 2, roles: { ...revoked, root: role(keys.nextRoot) } }),
  keys.nextRoot,
)
const policy = { group: 'prod', clusters: ['one', 'two'], approvers: 2 }

const chains: readonly [rows: string, name: string, given: object, expected: string][] = [
  ['T15', 'the next version, signed by both', { rootChain: [second] }, 'accept'],
  ['T15', 'two versions in order', { rootChain: [second, third] }, 'accept'],
  ['T15', 'two versions out of order', { rootChain: [third, second] }, 'root_gap'],
  ['T15', 'a version left out', { rootChain: [third] }, 'root_gap'],
  [
    'T15',
    'back to an older version',
    { rootChain: [second, sealedRoot({}, keys.root)] },
    'root_rollback',
  ],
  ['T15', 'the pinned root once more', { rootChain: [sealedRoot({}, keys.root)] }, 'accept'],
  [
    'T15',
    'the same version with another text',
    { rootChain: [sealedRoot({ expiresAt: at + 5 }, keys.root)] },
    'root_rollback',
  ],
  [
    'T15',
    'signed by the old keys only',
    { rootChain: [sealedRoot(two(), keys.root)] },
    'threshold_not_met',
  ],
  [
    'T15',
    'signed by its own keys only',
    { rootChain: [sealedRoot(two(), keys.nextRoot)] },
    'threshold_not_met',
  ],
  [
    'T15',
    'signed by an online key',
    { rootChain: [sealedRoot(two(), keys.snapshot)] },
    'threshold_not_met',
  ],
  [
    'T15',
    'of another fleet',
    { rootChain: [sealedRoot(two({ fleet: 'other' }), keys.root, keys.nextRoot)] },
    'wrong_fleet',
  ],
  [
    'T15',
    'epoch that goes back',
    { root: sealedRoot({ epoch: 2 }, keys.root), rootChain: [second] },
    'root_rollback',
  ],
  [
    'T15',
    'more than 1,024 at once',
    { rootChain: Array.from({ length: 1025 }, () => '') },
    'root_chain_too_long',
  ],
  [
    'T15',
    'a revoked key',
    { rootChain: [cured], snapshot: by(keys.snapshot, { epoch: 2 }) },
    'threshold_not_met',
  ],
  [
    'T15',
    'the key that took its place',
    { rootChain: [cured], snapshot: by(keys.second, { epoch: 2, sequence: 1 }) },
    'accept',
  ],
  [
    'T15',
    'three rotations slept through, then a compromise',
    { rootChain: [...sleepy, last], snapshot: by(keys.second, { epoch: 2, sequence: 1 }) },
    'accept',
  ],
  [
    'T15',
    'the stolen key after all of them',
    { rootChain: [...sleepy, last], snapshot: by(keys.snapshot, { epoch: 2, sequence: 1 }) },
    'threshold_not_met',
  ],
  [
    'T4',
    'a burnt epoch takes nothing more',
    { state: burnt, snapshot: by(keys.snapshot, { sequence: 1 }) },
    'rollback',
  ],
  [
    'T4',
    'a new epoch starts afresh',
    { state: burnt, rootChain: [cured], snapshot: by(keys.second, { epoch: 2, sequence: 1 }) },
    'accept',
  ],
  [
    'T4',
    'a new epoch cannot be burnt at once',
    {
      state: burnt,
      rootChain: [cured],
      snapshot: by(keys.second, { epoch: 2, sequence: 2 ** 53 - 1 }),
    },
    'fast_forward',
  ],
  ['T2', 'an epoch that is past', { rootChain: [cured], snapshot: by(keys.second) }, 'wrong_epoch'],
  [
    'T17',
    'new content under an expired root',
    { root: sealedRoot({ expiresAt: at }, keys.root), snapshot: by(keys.snapshot) },
    'expired',
  ],
  [
    'T17',
    'an expired root followed by a newer',
    {
      root: sealedRoot({ expiresAt: at }, keys.root),
      rootChain: [second],
      snapshot: by(keys.snapshot),
    },
    'accept',
  ],
  [
    'T17',
    'a newest root that expired',
    {
      rootChain: [sealedRoot(two({ expiresAt: at - 1 }), keys.root, keys.nextRoot)],
      snapshot: by(keys.snapshot),
    },
    'expired',
  ],
  [
    'T15',
    'a policy for nobody',
    { root: sealedRoot({ policies: [{ ...policy, clusters: [] }] }, keys.root) },
    'root_malformed',
  ],
  [
    'T15',
    'a policy of unsorted names',
    { root: sealedRoot({ policies: [{ ...policy, clusters: ['two', 'one'] }] }, keys.root) },
    'root_malformed',
  ],
  [
    'T15',
    'a policy of no approvers',
    { root: sealedRoot({ policies: [{ ...policy, approvers: 0 }] }, keys.root) },
    'root_malformed',
  ],
  [
    'B49',
    'policies twice in a root',
    { root: base64(seal('root', JSON.stringify(root).replace('{', '{"policies":[],'), keys.root)) },
    'root_malformed',
  ],
  [
    'T1',
    'a root by a key it does not name',
    { root: sealedRoot({}, keys.stranger) },
    'threshold_not_met',
  ],
]

const manifest = { digest: digestOf('content'), size: 7 }
const application = { name: 'shop', generation: 1, state: 'present', manifest, revision: 'main' }
const approval = {
  ...{ v: 1, fleet: 'vectors', application: 'shop', content: manifest.digest, clusters: ['one'] },
  ...{ issuedAt: at, expiresAt: at + 60 },
}
const { approver, otherApprover } = keys
const approve = (change: object, ...signers: (typeof keys.root)[]) =>
  base64(seal('approval', { ...approval, ...change }, ...signers))
const pair = (change: object = {}) => [approve(change, approver, otherApprover)]

const approvals: readonly [name: string, approvals: readonly string[], expected: string][] = [
  ['two approvers, one envelope', pair(), 'accept'],
  [
    'two approvers, an envelope each',
    [approve({}, approver), approve({ clusters: ['*'] }, otherApprover)],
    'accept',
  ],
  ['nobody', [], 'approval_missing'],
  ['one approver', [approve({}, approver)], 'approval_missing'],
  [
    'one approver, twice',
    [approve({}, approver), approve({ clusters: ['*'] }, approver)],
    'approval_missing',
  ],
  [
    'one approver and a stranger',
    [approve({}, approver), approve({}, keys.stranger)],
    'approval_invalid',
  ],
  [
    'the snapshot key for an approver',
    [approve({}, approver), approve({}, keys.snapshot)],
    'approval_invalid',
  ],
  ['other content', pair({ content: digestOf('other') }), 'approval_missing'],
  ['the tombstone', pair({ content: 'removed' }), 'approval_missing'],
  ['another application', pair({ application: 'till' }), 'approval_missing'],
  ['another cluster', pair({ clusters: ['two'] }), 'approval_invalid'],
  ['another fleet', pair({ fleet: 'other' }), 'approval_invalid'],
  ['expired', pair({ expiresAt: at }), 'approval_invalid'],
  ['an unknown member', pair({ extra: 1 }), 'approval_invalid'],
  ['a bad one beside good ones', [base64('{}'), ...pair()], 'accept'],
]

export const rootVectors: readonly Written[] = chains.map(([rows, name, given, expected]) =>
  vector(rows, `root: ${name}`, expected, given),
)

export const approvalVectors: readonly Written[] = approvals.map(([name, given, expected]) =>
  vector('T15', `approvals: ${name}`, expected, {
    root: sealedRoot({ policies: [policy] }, keys.root),
    snapshot: sealedSnapshot({ applications: [application] }),
    approvals: given,
  }),
)
