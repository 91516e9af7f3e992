import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { parseCel } from '@groundswell/proto/cel.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { attestationVariables } from '../../../../../hub/fleet/kinds/policy.ts'
import type { PinnedImage, SignatureRule } from '../../../../../hub/policy/signature/rule.ts'
import {
  type Attested,
  bundleLayer,
  createSigner,
  envelopeLayer,
  type Kept,
  payloadOf,
  signatureRule,
  signaturesOf,
  signBundle,
  signEnvelope,
  signPayload,
} from '../../../../support/cosign.ts'

const digest = digestOf('an image')
const image: PinnedImage = { registry: 'registry.example', repository: 'shop', digest }
const { publicKey, privateKey } = createSigner()
const stranger = createSigner()
const provenance = 'https://slsa.dev/provenance/v1'
const built = (by: string) => ({ predicateType: provenance, predicate: { builder: { id: by } } })

/** Either way that cosign keeps an attestation. */
const forms = {
  'a bundle': (of: string, key: KeyObject, attested: Attested) => {
    const blob = signBundle(of, key, attested)
    return { blob, layer: bundleLayer(blob) }
  },
  'an envelope beside the image': (of: string, key: KeyObject, attested: Attested) => {
    const blob = JSON.stringify(signEnvelope(of, key, attested))
    return { blob, layer: envelopeLayer(blob) }
  },
}

/** A rule for provenance, with conditions. */
const wanting = (conditions: readonly string[] = [], more: Partial<SignatureRule> = {}) =>
  signatureRule({
    keys: [publicKey],
    attestation: {
      predicateType: provenance,
      conditions: conditions.map((text) => parseCel(text, attestationVariables)),
    },
    ...more,
  })

async function check(rule: SignatureRule, ...kept: readonly Kept[]) {
  const answer = await signaturesOf(kept).check(image, rule, new AbortController().signal)
  return answer.kind === 'refused' ? answer.reason : answer.kind
}

for (const [form, make] of Object.entries(forms)) {
  const ours = (by: string) => make(digest, privateKey, built(by))

  test(`${form} attests an image by a key, and conditions are held to it`, async () => {
    assert.equal(await check(wanting(), ours('ci')), 'trusted')
    const byCi = wanting(["predicate.builder.id == 'ci'", 'statement.subject.size() == 1'])
    assert.equal(await check(byCi, ours('ci')), 'trusted')
    assert.equal(
      await check(byCi, ours('laptop')),
      `an attestation of ${provenance} does not fulfil \`predicate.builder.id == 'ci'\``,
    )
    // One that is as it must be does not make up for another: which is newer, nobody can tell.
    assert.match(await check(byCi, ours('ci'), ours('laptop')), /does not fulfil/)
    assert.match(
      await check(wanting(['predicate.nothing.here == 1']), ours('ci')),
      /`predicate.nothing.here == 1` cannot be asked of an attestation of https:/,
    )
  })

  test(`${form} by a stranger, of another image, or of another type attests nothing`, async () => {
    const none = `nobody attested ${provenance} of it`
    const other = make(digestOf('other'), privateKey, built('ci'))
    assert.equal(await check(wanting(), other), none)
    const scan = make(digest, privateKey, { predicateType: 'https://cosign.sigstore.dev/vuln' })
    assert.equal(await check(wanting(), scan), none)
    const forged = make(digest, stranger.privateKey, built('ci'))
    assert.match(await check(wanting(), forged), /signature verification failed/)
    // A stranger's does no harm beside a good one.
    const held = wanting(["predicate.builder.id == 'ci'"])
    assert.equal(
      await check(held, make(digest, stranger.privateKey, built('x')), ours('ci')),
      'trusted',
    )
  })
}

test('a signature is no attestation, and an attestation no signature', async () => {
  const payload = payloadOf(digest)
  const signed = { blob: payload, layer: signPayload(payload, privateKey) }
  const bundle = signBundle(digest, privateKey)
  const bundled = { blob: bundle, layer: bundleLayer(bundle) }
  assert.match(await check(wanting(), signed, bundled), /nobody attested/)
  for (const make of Object.values(forms)) {
    const attested = make(digest, privateKey, built('ci'))
    assert.notEqual(await check(signatureRule({ keys: [publicKey] }), attested), 'trusted')
  }
})
