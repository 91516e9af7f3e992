import { createHmac } from 'node:crypto'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { base64, encode, headerOf, seal, signWith } from './seal.ts'
import { freshness, keys, nonce, snapshot, vector, type Written } from './world.ts'

/* Vectors about what stands around a statement: the header, the envelope, the signature. */

const payload = encode(canonicalJson(snapshot as never))
const header = headerOf('snapshot', keys.snapshot)
const good = signWith(keys.snapshot, payload, header)
const envelope = (value: unknown) => ({ snapshot: base64(canonicalJson(value as never)) })
const text = canonicalJson({ payload, signatures: [good] } as never)
const raw = (changed: string) => ({ snapshot: base64(changed) })

/** A header of its own kind, truly signed by the snapshot key. */
const headed = (changed: object | string) =>
  envelope({ payload, signatures: [signWith(keys.snapshot, payload, changed)] })

function hmacSigned(): object {
  const spelt = encode(canonicalJson({ ...header, alg: 'HS256' }))
  const secret = Buffer.from(keys.snapshot.publicKey.x, 'base64url')
  const signature = createHmac('sha256', secret).update(`${spelt}.${payload}`).digest('base64url')
  return envelope({ payload, signatures: [{ protected: spelt, signature }] })
}

const without = (member: string): object =>
  Object.fromEntries(Object.entries(header).filter(([name]) => name !== member))

const headers: readonly [rows: string, name: string, header: object | string, expected?: string][] =
  [
    ['T13 B41', 'alg none', { ...header, alg: 'none' }],
    ['T13 B42', 'alg ES256', { ...header, alg: 'ES256' }],
    ['T13', 'alg Ed25519', { ...header, alg: 'Ed25519' }],
    ['T13', 'alg in lower case', { ...header, alg: 'eddsa' }],
    ['T13', 'alg as a list', { ...header, alg: ['EdDSA'] }],
    ['T13 B43', 'no alg', without('alg')],
    ['T13 B44', 'jwk', { ...header, jwk: keys.stranger.publicKey }],
    ['T13 B44', 'jku', { ...header, jku: 'https://example.org/keys' }],
    ['T13 B44', 'x5u', { ...header, x5u: 'https://example.org/chain' }],
    ['T13 B44', 'x5c', { ...header, x5c: ['AAAA'] }],
    ['T13 B45', 'crit empty', { ...header, crit: [] }],
    ['T13 B45', 'crit unknown', { ...header, crit: ['exp'], exp: 1 }],
    ['T13 B45 B46', 'crit b64', { ...header, crit: ['b64'], b64: false }],
    ['T13 B46', 'b64 false', { ...header, b64: false }],
    ['T13 B46', 'b64 true', { ...header, b64: true }],
    ['T13 B51', 'no kid', without('kid')],
    ['T13 B51', 'kid __proto__', { ...header, kid: '__proto__' }],
    ['T13 B51', 'kid ../../', { ...header, kid: '../../' }],
    ['T13 B51', 'kid as a number', { ...header, kid: 1 }],
    [
      'T13 B51',
      'a kid that nobody has',
      { ...header, kid: keys.stranger.kid },
      'threshold_not_met',
    ],
    ['T12', 'no typ', without('typ')],
    ['T12', 'typ of JWT', { ...header, typ: 'JWT' }],
    ['T12', 'typ of another version', { ...header, typ: 'groundswell.snapshot+jws;v=2' }],
    ['T13', 'a member more', { ...header, cty: 'json' }],
    ['T13', 'a list for a header', canonicalJson([header] as never)],
    ['T13', 'null for a header', 'null'],
    [
      'B49',
      'alg twice, none first',
      canonicalJson(header).replace('{', '{"alg":"none",'),
      'envelope_malformed',
    ],
    [
      'B49',
      'alg twice, none last',
      canonicalJson(header).replace(/}$/, ',"alg":"none"}'),
      'envelope_malformed',
    ],
    [
      'B49',
      'alg twice, one in escapes',
      canonicalJson(header).replace('{', '{"\\u0061lg":"EdDSA",'),
      'envelope_malformed',
    ],
    ['T13', 'a header that is not JSON', 'alg=EdDSA', 'envelope_malformed'],
    [
      'T13',
      'half of a surrogate pair in it',
      canonicalJson(header).replace('{', String.raw`{"\ud800":1,`),
      'envelope_malformed',
    ],
  ]

const shapes: readonly [rows: string, name: string, given: object, expected: string][] = [
  ['T1', 'an envelope of the profile', raw(text), 'accept'],
  [
    'B47',
    'an unprotected header',
    envelope({ payload, signatures: [{ ...good, header: { kid: 'x' } }] }),
    'envelope_malformed',
  ],
  [
    'B47',
    'a header beside the payload',
    envelope({ payload, header, signatures: [good] }),
    'envelope_malformed',
  ],
  [
    'B43 B47',
    'alg only unprotected',
    envelope({
      payload,
      signatures: [
        { ...signWith(keys.snapshot, payload, without('alg')), header: { alg: 'EdDSA' } },
      ],
    }),
    'envelope_malformed',
  ],
  ['B48 T14', 'no signatures', envelope({ payload, signatures: [] }), 'envelope_malformed'],
  ['B48', 'signatures missing', envelope({ payload }), 'envelope_malformed'],
  [
    'B48',
    'signatures that are no list',
    envelope({ payload, signatures: good }),
    'envelope_malformed',
  ],
  [
    'B48',
    'seventeen signatures',
    envelope({ payload, signatures: Array.from({ length: 17 }, () => good) }),
    'envelope_malformed',
  ],
  [
    'B48',
    'the same signature twice, where one is enough',
    envelope({ payload, signatures: [good, good] }),
    'accept',
  ],
  ['B48', 'flattened JSON', envelope({ payload, ...good }), 'envelope_malformed'],
  [
    'B49',
    'payload twice',
    raw(text.replace('{', `{"payload":"${payload}",`)),
    'envelope_malformed',
  ],
  ['B49', 'signatures twice', raw(text.replace(/}$/, ',"signatures":[]}')), 'envelope_malformed'],
  [
    'B49',
    'signature twice in one',
    raw(text.replace('[{', '[{"signature":"AAAA",')),
    'envelope_malformed',
  ],
  [
    'B50',
    'payload with padding',
    envelope({ payload: `${payload}=`, signatures: [good] }),
    'envelope_malformed',
  ],
  [
    'B50',
    'payload with white space',
    envelope({ payload: `${payload}\n`, signatures: [good] }),
    'envelope_malformed',
  ],
  [
    'B50',
    'payload in the other alphabet',
    envelope({ payload: `${payload}+/`, signatures: [good] }),
    'envelope_malformed',
  ],
  [
    'B50',
    'signature with padding',
    envelope({ payload, signatures: [{ ...good, signature: `${good.signature}==` }] }),
    'envelope_malformed',
  ],
  [
    'B50',
    'signature with bits beyond its bytes',
    envelope({ payload, signatures: [{ ...good, signature: beyond(good.signature) }] }),
    'envelope_malformed',
  ],
  ['B50', 'an empty payload', envelope({ payload: '', signatures: [good] }), 'envelope_malformed'],
  [
    'B50',
    'payload as a number',
    envelope({ payload: 1, signatures: [good] }),
    'envelope_malformed',
  ],
  ['T1', 'nothing', raw(''), 'envelope_malformed'],
  ['T1', 'null', raw('null'), 'envelope_malformed'],
  ['T1', 'a list', raw(`[${text}]`), 'envelope_malformed'],
  ['T1', 'text after it', raw(`${text}{}`), 'envelope_malformed'],
  ['T1', 'a byte order mark before it', raw(`\ufeff${text}`), 'envelope_malformed'],
  ['T1', 'half of it', raw(text.slice(0, text.length / 2)), 'envelope_malformed'],
  [
    'T1',
    'a compact JWS',
    raw(`${good.protected}.${payload}.${good.signature}`),
    'envelope_malformed',
  ],
  [
    'T1',
    'white space inside, which changes nothing',
    raw(JSON.stringify(JSON.parse(text), null, 1)),
    'accept',
  ],
  [
    'T1',
    'a signature that is too short',
    envelope({ payload, signatures: [{ ...good, signature: encode(Buffer.alloc(63)) }] }),
    'signature_invalid',
  ],
  [
    'T1',
    'a signature of zeros',
    envelope({ payload, signatures: [{ ...good, signature: encode(Buffer.alloc(64)) }] }),
    'signature_invalid',
  ],
  [
    'T1',
    'a good signature and a wrong one by the same key',
    envelope({ payload, signatures: [good, { ...good, signature: encode(Buffer.alloc(64)) }] }),
    'signature_invalid',
  ],
  [
    'T1',
    'a signature over another payload',
    envelope({
      payload: encode(canonicalJson({ ...snapshot, sequence: 6 } as never)),
      signatures: [good],
    }),
    'signature_invalid',
  ],
  ['T13 B42', 'HMAC keyed by the public key', hmacSigned(), 'envelope_header'],
  [
    'T8',
    'a freshness statement of more than 16 KiB',
    {
      freshness: base64(
        seal('freshness', { ...freshness, aud: 'x'.repeat(12_300) }, keys.freshness),
      ),
      nonce,
    },
    'envelope_too_large',
  ],
]

function beyond(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return signature.slice(0, -1) + alphabet[alphabet.indexOf(signature.at(-1)!) + 1]!
}

/** Another letter in one place of the payload or of the signature. */
function flipped(part: string, step: number): string {
  const place = Math.floor((part.length * step) / 12)
  return part.slice(0, place) + (part[place] === 'A' ? 'B' : 'A') + part.slice(place + 1)
}

const flips = Array.from({ length: 10 }, (_, at) => at + 1).flatMap((step): Written[] => [
  vector(
    'T1',
    `a letter of the payload changed, ${step} of 10`,
    'signature_invalid',
    envelope({ payload: flipped(payload, step), signatures: [good] }),
  ),
  vector(
    'T1',
    `a letter of the signature changed, ${step} of 10`,
    'signature_invalid',
    envelope({ payload, signatures: [{ ...good, signature: flipped(good.signature, step) }] }),
  ),
])

export const envelopeVectors: readonly Written[] = [
  ...headers.map(([rows, name, changed, expected = 'envelope_header']) =>
    vector(rows, `header: ${name}`, expected, headed(changed)),
  ),
  ...shapes.map(([rows, name, given, expected]) => vector(rows, name, expected, given)),
  ...flips,
]
