import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { StatementType } from '@groundswell/proto/statement.ts'
import { base64, encode, headerOf, seal, signWith } from './seal.ts'
import {
  at,
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

/* Vectors about what a snapshot or a freshness statement says. */

type Row = readonly [rows: string, name: string, change: object, expected: string]

const text = canonicalJson(snapshot as never)
const spelt = (from: string | RegExp, to: string) => ({
  snapshot: base64(seal('snapshot', text.replace(from, to), keys.snapshot)),
})
const object = { name: 'shop', generation: 1, state: 'present', revision: 'main' }
const manifestOf = (application: string, data: string) =>
  canonicalJson({
    ...{ v: 1, application, targetNamespace: '', prune: { enabled: true, allowEmpty: false } },
    ...{ drift: 'correct', deletionPolicy: 'Delete' },
    objects: [
      {
        ...{ id: '/ConfigMap/a/b', apiVersion: 'v1', file: 'a.yaml' },
        ...{ digest: digestOf(data), size: data.length },
      },
    ],
  })
const manifest = manifestOf('shop', 'new')
const older = manifestOf('shop', 'old')
const listed = (bytes: string, size = bytes.length) => ({
  ...object,
  manifest: { digest: digestOf(bytes), size },
})
const one = (application: object) => ({ applications: [application] })
const removed = { name: 'shop', generation: 1, state: 'removed', deletionPolicy: 'Delete' }
const moved = ['/ConfigMap/a/b', 'apps/Deployment/a/b']
const listMany = (count: number) =>
  Array.from({ length: count }, (_, at) => `/ConfigMap/a/${1000 + at}`)

const snapshots: readonly Row[] = [
  ['T1', 'the next sequence', {}, 'accept'],
  ['T2', 'an older sequence', { sequence: 3 }, 'rollback'],
  ['T3', 'another snapshot of the sequence accepted', { sequence: 4 }, 'equivocation'],
  ['T4', 'the longest jump', { sequence: 4 + 2 ** 20 }, 'accept'],
  ['T4', 'a longer jump', { sequence: 5 + 2 ** 20 }, 'fast_forward'],
  ['T4', 'the last sequence there is', { sequence: 2 ** 53 - 1 }, 'fast_forward'],
  ['T11', 'another cluster', { aud: 'id-2' }, 'wrong_audience'],
  ['T11', 'another cluster UID', { clusterUid: 'uid-2' }, 'wrong_cluster'],
  ['T11', 'another fleet', { fleet: 'other' }, 'wrong_fleet'],
  ['T4', 'a later epoch than the root statement has', { epoch: 2 }, 'wrong_epoch'],
  ['T5', 'one that expired', { expiresAt: at }, 'expired'],
  ['T5', 'one about to expire', { expiresAt: at + 1 }, 'accept'],
  ['B53', 'sequence as text', { sequence: '5' }, 'statement_malformed'],
  ['B53', 'sequence zero', { sequence: 0 }, 'statement_malformed'],
  ['B53', 'sequence below zero', { sequence: -5 }, 'statement_malformed'],
  ['B53', 'sequence true', { sequence: true }, 'statement_malformed'],
  ['B53', 'sequence null', { sequence: null }, 'statement_malformed'],
  ['B53', 'no sequence', { sequence: undefined }, 'statement_malformed'],
  ['B53', 'expiry as text', { expiresAt: '2030-01-01' }, 'statement_malformed'],
  ['B53', 'no expiry', { expiresAt: undefined }, 'statement_malformed'],
  ['B53', 'the last second of the year 9999', { expiresAt: 253_402_300_799 }, 'accept'],
  ['B53', 'an expiry after that', { expiresAt: 253_402_300_800 }, 'statement_malformed'],
  ['B53', 'issued when there is no date', { issuedAt: 2 ** 53 - 1 }, 'statement_malformed'],
  ['B53', 'epoch as text', { epoch: '1' }, 'statement_malformed'],
  ['T1', 'an unknown member', { extra: null }, 'statement_malformed'],
  ['T1', 'another version', { v: 2 }, 'statement_malformed'],
  ['T1', 'previous that is no digest', { previous: 'sha256:0' }, 'statement_malformed'],
  ['T1', 'applications that are no list', { applications: {} }, 'statement_malformed'],
  [
    'T6',
    'an application twice',
    { applications: [listed(manifest), listed(older)] },
    'statement_malformed',
  ],
  [
    'T1',
    'an application with a path for a name',
    one({ ...listed(manifest), name: '../x' }),
    'statement_malformed',
  ],
  [
    'T1',
    'an application in an unknown state',
    one({ ...listed(manifest), state: 'maybe' }),
    'statement_malformed',
  ],
  [
    'T1',
    'a tombstone with a manifest',
    one({ ...listed(manifest), state: 'removed' }),
    'statement_malformed',
  ],
  ['T1', 'a tombstone', one(removed), 'accept'],
  ['T1', 'a tombstone that leaves all', one({ ...removed, leave: ['*'] }), 'accept'],
  ['T1', 'a tombstone that undoes', one({ ...removed, leave: moved, undo: true }), 'accept'],
  ['T1', 'no object that is left', one({ ...removed, leave: [] }), 'statement_malformed'],
  ['T1', 'objects left as text', one({ ...removed, leave: '*' }), 'statement_malformed'],
  ['T1', 'all objects and one', one({ ...removed, leave: ['*', ...moved] }), 'statement_malformed'],
  [
    'T1',
    'an object that is left twice',
    one({ ...removed, leave: [moved[1], moved[1]] }),
    'statement_malformed',
  ],
  [
    'T1',
    'objects that are left, not sorted',
    one({ ...removed, leave: moved.toReversed() }),
    'statement_malformed',
  ],
  [
    'T1',
    'an object that is left and is none',
    one({ ...removed, leave: ['/ConfigMap/a'] }),
    'statement_malformed',
  ],
  ['T1', 'as many objects as may be left', one({ ...removed, leave: listMany(250) }), 'accept'],
  [
    'T1',
    'more objects than may be left',
    one({ ...removed, leave: listMany(251) }),
    'statement_malformed',
  ],
  ['T1', 'an undoing that is false', one({ ...removed, undo: false }), 'statement_malformed'],
  [
    'T1',
    'a tombstone without its policy',
    one({ ...removed, deletionPolicy: undefined }),
    'statement_malformed',
  ],
  [
    'T1',
    'a manifest with a member more',
    one({ ...object, manifest: { digest: digestOf('x'), size: 1, url: 'x' } }),
    'statement_malformed',
  ],
  [
    'T1',
    'a digest in capitals',
    one({ ...object, manifest: { digest: digestOf('x').toUpperCase(), size: 1 } }),
    'statement_malformed',
  ],
]

const texts: readonly [rows: string, name: string, given: object][] = [
  ['B49', 'sequence twice', spelt('{', '{"sequence":9,')],
  ['B49', 'a member twice, deep down', spelt('[]', '[{"a":{"b":1,"b":2}}]')],
  ['B49', 'a member twice, one in escapes', spelt('{', '{"\\u0061ud":"id-2",')],
  ['B53', 'sequence 2^53', spelt('"sequence":5', '"sequence":9007199254740992')],
  ['B53', 'sequence with a fraction', spelt('"sequence":5', '"sequence":5.0')],
  ['B53', 'sequence with an exponent', spelt('"sequence":5', '"sequence":5e0')],
  ['T1', 'nesting deeper than 64', spelt('[]', '['.repeat(65) + ']'.repeat(65))],
  ['T1', 'a byte order mark', spelt(/^/, '\ufeff')],
  ['T1', 'text after it', spelt(/$/, '{}')],
  ['T1', 'a list', spelt(/^.*$/, '[]')],
  ['T1', 'half of a surrogate pair', spelt('[]', String.raw`["\ud800"]`)],
  ['T1', 'two members that are halves', spelt('{', String.raw`{"\ud800":1,"\ud801":1,`)],
]

const content = (...blobs: readonly [string, string][]) => ({
  snapshot: sealedSnapshot(one(listed(manifest))),
  content: Object.fromEntries(blobs.map(([digest, bytes]) => [digest, base64(bytes)])),
})
const [whole, part] = [digestOf(manifest), digestOf('new')]
const other = manifestOf('till', 'new')

const contents: readonly Row[] = [
  ['T7', 'all content is there', content([whole, manifest], [part, 'new']), 'accept'],
  ['T7', 'an object is missing', content([whole, manifest]), 'content_missing'],
  ['T7', 'the manifest is missing', content([part, 'new']), 'content_missing'],
  [
    'T6',
    'an older manifest of the same size under its digest',
    content([whole, older], [part, 'new']),
    'digest_mismatch',
  ],
  [
    'T6',
    'a longer manifest under its digest',
    content([whole, `${manifest} `], [part, 'new']),
    'size_mismatch',
  ],
  [
    'T1',
    'another object under its digest',
    content([whole, manifest], [part, 'bad']),
    'digest_mismatch',
  ],
  [
    'T6',
    'the manifest of another application',
    {
      snapshot: sealedSnapshot(one(listed(other))),
      content: { [digestOf(other)]: base64(other), [part]: base64('new') },
    },
    'manifest_malformed',
  ],
]

const words: readonly Row[] = [
  ['T5', 'an answer to our question', {}, 'accept'],
  ['T5', 'news of a later snapshot', { sequence: 9, snapshot: digestOf('9') }, 'accept'],
  [
    'T5',
    'an answer to another question',
    { nonce: Buffer.alloc(32).toString('base64url') },
    'wrong_nonce',
  ],
  ['T5', 'a nonce in another spelling', { nonce: `${nonce}=` }, 'freshness_invalid'],
  ['T5', 'an answer that lives for two hours', { expiresAt: at + 7200 }, 'freshness_invalid'],
  ['T5', 'an answer that never lived', { expiresAt: at }, 'freshness_invalid'],
  ['T2', 'a sequence before ours', { sequence: 3, snapshot: digestOf('3') }, 'freshness_behind'],
  ['T2', 'no snapshot at all', { sequence: 0, snapshot: null }, 'freshness_behind'],
  [
    'T3',
    'another snapshot of our sequence',
    { sequence: 4, snapshot: digestOf('x') },
    'equivocation',
  ],
  ['T11', 'an answer for another cluster', { aud: 'id-2' }, 'wrong_audience'],
  ['T11', 'an answer for another fleet', { fleet: 'other' }, 'wrong_fleet'],
  ['B53', 'sequence as text', { sequence: '5' }, 'freshness_invalid'],
  [
    'B53',
    'a time that is none, as a stolen key might attest',
    { issuedAt: 2 ** 53 - 601, expiresAt: 2 ** 53 - 1 },
    'freshness_invalid',
  ],
  ['T38', 'an audit head in pieces', { auditHead: { index: 1 } }, 'freshness_invalid'],
]

const types = ['root', 'snapshot', 'freshness', 'approval'] as const
const samples: Record<StatementType, object> = {
  ...{ root, snapshot, freshness },
  approval: {
    v: 1,
    fleet: 'vectors',
    application: 'shop',
    content: 'removed',
    clusters: ['*'],
    issuedAt: at,
    expiresAt: at + 60,
  },
}
const keyFor = { ...keys, approval: keys.approver }
const guarded = sealedRoot(
  { policies: [{ group: 'all', clusters: ['*'], approvers: 1 }] },
  keys.root,
)

/** One statement handed to the verifier of another kind. */
function handed(to: StatementType, envelope: string): object {
  if (to === 'root') return { rootChain: [envelope] }
  if (to === 'snapshot') return { snapshot: envelope }
  if (to === 'freshness') return { freshness: envelope, nonce }
  return { root: guarded, snapshot: sealedSnapshot(one(removed)), approvals: [envelope] }
}

const crossed = types.flatMap((to) =>
  types
    .filter((from) => from !== to)
    .flatMap((from): Written[] => {
      const typed = base64(seal(from, samples[from], keyFor[from]))
      const byOther = base64(seal(to, samples[to], keyFor[from]))
      const [wrongType, wrongKey] =
        to === 'approval'
          ? ['approval_invalid', 'approval_invalid']
          : ['envelope_header', 'threshold_not_met']
      const next = { ...root, version: 2 }
      const forged = to === 'root' ? base64(seal('root', next, keyFor[from])) : byOther
      return [
        vector('T12', `a ${from} statement for a ${to}`, wrongType, handed(to, typed)),
        vector('T12 B52', `a ${to} statement by the ${from} key`, wrongKey, handed(to, forged)),
      ]
    }),
)

const both = { keys: [keys.snapshot.publicKey, keys.second.publicKey], threshold: 2 }
const payload = encode(text)
const signed = (...by: (typeof keys.snapshot)[]) => base64(seal('snapshot', text, ...by))
const twoKids = canonicalJson({
  payload,
  signatures: [keys.snapshot, keys.second].map((kid) =>
    signWith(keys.snapshot, payload, headerOf('snapshot', kid)),
  ),
} as never)
const ruled = (change: object) =>
  sealedRoot({ roles: { ...roles, snapshot: { ...both, ...change } } }, keys.root)
const x = keys.snapshot.publicKey.x
const respelt = x.slice(0, -1) + String.fromCharCode(x.charCodeAt(x.length - 1) + 1)

const thresholds: readonly Row[] = [
  [
    'T14',
    'two of two',
    { root: ruled({}), snapshot: signed(keys.snapshot, keys.second) },
    'accept',
  ],
  ['T14', 'one of two', { root: ruled({}), snapshot: signed(keys.snapshot) }, 'threshold_not_met'],
  [
    'T14 B48',
    'one of two, twice',
    { root: ruled({}), snapshot: signed(keys.snapshot, keys.snapshot) },
    'threshold_not_met',
  ],
  [
    'T14',
    'one of two and a stranger',
    { root: ruled({}), snapshot: signed(keys.snapshot, keys.stranger) },
    'threshold_not_met',
  ],
  [
    'T14',
    'one key under two ids',
    { root: ruled({}), snapshot: base64(twoKids) },
    'signature_invalid',
  ],
  [
    'T14',
    'two of two and a stranger',
    { root: ruled({}), snapshot: signed(keys.snapshot, keys.second, keys.stranger) },
    'accept',
  ],
  [
    'T14',
    'threshold zero',
    { root: ruled({ threshold: 0 }), snapshot: signed(keys.snapshot) },
    'root_malformed',
  ],
  [
    'T14',
    'no threshold',
    { root: ruled({ threshold: undefined }), snapshot: signed(keys.snapshot) },
    'root_malformed',
  ],
  [
    'T14',
    'a threshold as text',
    { root: ruled({ threshold: '1' }), snapshot: signed(keys.snapshot) },
    'root_malformed',
  ],
  [
    'T14',
    'no keys',
    { root: ruled({ keys: [], threshold: 1 }), snapshot: signed(keys.snapshot) },
    'threshold_not_met',
  ],
  [
    'T14',
    'one key listed twice',
    {
      root: ruled({ keys: [keys.snapshot.publicKey, keys.snapshot.publicKey] }),
      snapshot: signed(keys.snapshot, keys.snapshot),
    },
    'root_malformed',
  ],
  [
    'T14',
    'one key in two spellings',
    {
      root: ruled({ keys: [keys.snapshot.publicKey, { ...keys.snapshot.publicKey, x: respelt }] }),
      snapshot: signed(keys.snapshot),
    },
    'root_malformed',
  ],
]

export const statementVectors: readonly Written[] = [
  ...snapshots.map(([rows, name, change, expected]) =>
    vector(rows, name, expected, { snapshot: sealedSnapshot(change) }),
  ),
  ...texts.map(([rows, name, given]) =>
    vector(rows, `payload: ${name}`, 'statement_malformed', given),
  ),
  ...contents.map(([rows, name, given, expected]) => vector(rows, name, expected, given)),
  ...words.map(([rows, name, change, expected]) =>
    vector(rows, `freshness: ${name}`, expected, {
      freshness: base64(seal('freshness', { ...freshness, ...change }, keys.freshness)),
      nonce,
    }),
  ),
  ...crossed,
  ...thresholds.map(([rows, name, given, expected]) => vector(rows, name, expected, given)),
]
