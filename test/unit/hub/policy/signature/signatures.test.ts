import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import recorded from '../../../../vectors/policy/cosign.json' with { type: 'json' }
import type { SignatureRule, PinnedImage } from '../../../../../hub/policy/signature/rule.ts'
import { createSignatures } from '../../../../../hub/policy/signature/signatures.ts'
import * as sigstore from '../../../../../hub/policy/signature/sigstore.ts'
import {
  bundleLayer,
  createSigner,
  payloadOf,
  signatureRule,
  signBundle,
  signPayload,
} from '../../../../support/cosign.ts'

const never = new AbortController().signal
const digest = digestOf('an image')
const image: PinnedImage = { registry: 'registry.example', repository: 'shop', digest }
const { publicKey, privateKey } = createSigner()

interface Layer {
  readonly mediaType: string
  readonly digest: Digest
  readonly annotations?: Readonly<Record<string, string>>
}

/** A registry with one manifest of these layers, and these blobs. */
function world(layers: readonly Layer[], blobs: readonly string[]) {
  const state = { layers, asked: 0, now: 0 }
  const byDigest = new Map(blobs.map((text) => [digestOf(Buffer.from(text)), Buffer.from(text)]))
  const signatures = createSignatures({
    registry: {
      async readManifests() {
        state.asked += 1
        return [Buffer.from(JSON.stringify({ layers: state.layers }))]
      },
      readBlob: async (_, wanted) => byDigest.get(wanted),
    },
    loadVerifier: async () => sigstore,
    now: () => state.now,
    within: (run) => run(),
  })
  const check = async (rule: SignatureRule, of: PinnedImage = image) => {
    const answer = await signatures.check(of, rule, never)
    return answer.kind === 'refused' ? answer.reason : answer.kind
  }
  return { state, check }
}

const byKey = (...keys: KeyObject[]) => signatureRule({ keys })
const payload = payloadOf(digest)

test('an image is trusted by one signature of one of the keys, of any kind of key', async () => {
  const pairs = [
    { publicKey, privateKey },
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ]
  for (const pair of pairs) {
    const stranger = createSigner()
    const layers = [
      signPayload(payload, stranger.privateKey),
      signPayload(payload, pair.privateKey),
    ]
    const { check } = world(layers, [payload])
    assert.equal(await check(byKey(createSigner().publicKey, pair.publicKey)), 'trusted')
  }
})

test('a bundle of cosign 3 by a key is trusted; for another image, or by another key, it is not', async () => {
  const bundle = signBundle(digest, privateKey)
  assert.equal(await world([bundleLayer(bundle)], [bundle]).check(byKey(publicKey)), 'trusted')
  const other = signBundle(digestOf('other'), privateKey)
  assert.match(
    await world([bundleLayer(other)], [other]).check(byKey(publicKey)),
    /a signature is of another image/,
  )
  assert.match(
    await world([bundleLayer(bundle)], [bundle]).check(byKey(createSigner().publicKey)),
    /signature verification failed/,
  )
})

test('what does not hold is refused, and says why', async () => {
  const good = signPayload(payload, privateKey)
  const other = payloadOf(digestOf('other'))
  for (const [name, layers, blobs, words] of [
    ['nobody signed', [], [], /nobody signed it/],
    [
      'another key',
      [signPayload(payload, createSigner().privateKey)],
      [payload],
      /none of the keys/,
    ],
    ['another image', [signPayload(other, privateKey)], [other], /of another image/],
    ['the payload is not there', [good], [], /is not what its digest says/],
    ['no signature', [{ ...good, annotations: {} }], [payload], /none of the keys/],
    [
      'another payload under the digest',
      [{ ...good, digest: digestOf(Buffer.from(other)) }],
      [other],
      /of another image/,
    ],
    [
      'no claim of cosign',
      [signPayload('{"critical":{}}', privateKey)],
      ['{"critical":{}}'],
      /of another image/,
    ],
    ['a bundle that is none', [bundleLayer('{}')], ['{}'], /of another image/],
    [
      'too many',
      Array<Layer>(33).fill(signPayload(payload, createSigner().privateKey)),
      [payload],
      /more than 32/,
    ],
  ] as const) {
    assert.match(await world(layers, blobs).check(byKey(publicKey)), words, name)
  }
})

test('no flipped bit of a signature or of what it signs is trusted', async () => {
  const good = signPayload(payload, privateKey)
  const signature = Buffer.from(good.annotations['dev.cosignproject.cosign/signature'], 'base64')
  await fc.assert(
    fc.asyncProperty(
      fc.nat(signature.length * 8 - 1),
      fc.nat(payload.length * 8 - 1),
      async (a, b) => {
        const bent = Buffer.from(signature)
        bent[a >> 3]! ^= 1 << (a & 7)
        const annotations = { 'dev.cosignproject.cosign/signature': bent.toString('base64') }
        const one = world([{ ...good, annotations }], [payload])
        assert.notEqual(await one.check(byKey(publicKey)), 'trusted')
        const bytes = Buffer.from(payload)
        bytes[b >> 3]! ^= 1 << (b & 7)
        const text = bytes.toString('latin1')
        const two = world([{ ...good, digest: digestOf(Buffer.from(text)) }], [text])
        assert.notEqual(await two.check(byKey(publicKey)), 'trusted')
      },
    ),
    { numRuns: 100 },
  )
})

test('an answer counts for the digest and the rule; a refusal only for a while', async () => {
  const { state, check } = world([], [payload])
  const rule = byKey(publicKey)
  assert.match(await check(rule), /nobody signed it/)
  state.layers = [signPayload(payload, privateKey)]
  assert.match(await check(rule), /nobody signed it/)
  state.now = 61_000
  assert.equal(await check(rule), 'trusted')
  state.layers = []
  state.now = 1e9
  assert.equal(await check(rule), 'trusted')
  assert.equal(state.asked, 2)
  const other = { ...rule, digest: digestOf('another rule') }
  assert.match(await check(other), /nobody signed it/)
})

test('without a registry nothing is asked, unless a layout is there', async () => {
  const signatures = createSignatures({
    registry: undefined,
    loadVerifier: async () => sigstore,
    now: () => 0,
    within: (run) => run(),
  })
  const rule = byKey(publicKey)
  assert.deepEqual(await signatures.check(image, rule, never), { kind: 'unasked' })
  const manifest = JSON.stringify({ layers: [signPayload(payload, privateKey)] })
  const blobs = new Map([payload, manifest].map((text) => [digestOf(Buffer.from(text)), text]))
  const index = { manifests: [...blobs.keys()].map((each) => ({ digest: each, mediaType: 'x' })) }
  const layout = {
    readIndex: async () => Buffer.from(JSON.stringify(index)),
    async readBlob(wanted: Digest) {
      const text = blobs.get(wanted)
      return text === undefined ? undefined : Buffer.from(text)
    },
  }
  assert.deepEqual(await signatures.check(image, { ...rule, layout }, never), {
    kind: 'trusted',
    statements: [],
  })
  const stranger = { ...image, digest: digestOf('other') }
  assert.deepEqual(await signatures.check(stranger, { ...rule, layout }, never), {
    kind: 'refused',
    reason: 'nobody signed it',
  })
})

/* Certificates, logs and their times as a Sigstore of its own makes them; see test/vectors/README.md. */
const vectors = recorded as unknown as {
  readonly digest: Digest
  readonly subject: string
  readonly issuer: string
  readonly trustedRoot: { readonly tlogs: unknown[]; readonly ctlogs: unknown[] }
  readonly older: { readonly payload: string; readonly annotations: Record<string, string> }
  readonly bundle: { verificationMaterial: { tlogEntries: unknown[] } }
}

function identityWorld(change: (bundle: typeof vectors.bundle) => void = () => {}) {
  const bundle = structuredClone(vectors.bundle)
  change(bundle)
  const text = JSON.stringify(bundle)
  const { older } = vectors
  const layer = {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    digest: digestOf(Buffer.from(older.payload)),
    annotations: older.annotations,
  }
  const forms = { older: [layer], bundle: [bundleLayer(text)] }
  return (form: keyof typeof forms, rule: Partial<SignatureRule>) =>
    world(forms[form], [older.payload, text]).check(
      signatureRule({ trustedRoot: vectors.trustedRoot, ...rule }),
      { ...image, digest: vectors.digest },
    )
}

test('an identity is trusted when the authority, its log and the log of certificates vouch for it', async () => {
  const check = identityWorld()
  const { issuer } = vectors
  const subject = 'https://github.com/acme/shop/.github/workflows/release.yaml@refs/heads/*'
  for (const form of ['older', 'bundle'] as const) {
    assert.equal(await check(form, { identities: [{ issuer, subject }] }), 'trusted', form)
    for (const wrong of [
      { issuer: `${issuer}/`, subject },
      { issuer, subject: 'https://github.com/acme/*' },
      { issuer, subject: subject.slice(1) },
    ]) {
      assert.match(await check(form, { identities: [wrong] }), /who is not among the identities/)
    }
    assert.match(await check(form, { keys: [publicKey] }), /none of the keys|none is given/)
    for (const missing of ['tlogs', 'ctlogs', 'certificateAuthorities'] as const) {
      const trustedRoot = { ...vectors.trustedRoot, [missing]: [] }
      const said = await check(form, { identities: [{ issuer, subject }], trustedRoot })
      assert.notEqual(said, 'trusted', missing)
    }
  }
  const unlogged = identityWorld((bundle) => (bundle.verificationMaterial.tlogEntries = []))
  const said = await unlogged('bundle', { identities: [{ issuer, subject }] })
  assert.match(said, /expected 1 timestamps/)
})
