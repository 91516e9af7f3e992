import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { SignatureRule } from '../../hub/policy/signature/rule.ts'
import { createSignatures } from '../../hub/policy/signature/signatures.ts'
import * as sigstore from '../../hub/policy/signature/sigstore.ts'

/** A key pair as `cosign generate-key-pair` makes them. */
export const createSigner = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** What cosign signs: a claim about a manifest's digest. */
export const payloadOf = (digest: string) =>
  JSON.stringify({
    critical: {
      identity: { 'docker-reference': '' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  })

/** A layer of the manifest that cosign's tag names. */
export function signPayload(payload: string, key: KeyObject, more: Record<string, string> = {}) {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = sign(algorithm, Buffer.from(payload), key).toString('base64')
  return {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    digest: digestOf(Buffer.from(payload)),
    annotations: { 'dev.cosignproject.cosign/signature': signature, ...more },
  }
}

const statementType = 'application/vnd.in-toto+json'

/** What a statement says of an image; of its being signed alone when nothing is given. */
export interface Attested {
  readonly predicateType?: string
  readonly predicate?: unknown
}

/** A statement of in-toto in an envelope (DSSE), signed by a key. */
export function signEnvelope(digest: string, key: KeyObject, attested: Attested = {}) {
  const statement = JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: '', digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: attested.predicateType ?? 'https://sigstore.dev/cosign/sign/v1',
    predicate: attested.predicate ?? {},
  })
  const { length } = Buffer.from(statement)
  const signed = `DSSEv1 ${statementType.length} ${statementType} ${length} ${statement}`
  return {
    payload: Buffer.from(statement).toString('base64'),
    payloadType: statementType,
    signatures: [{ sig: sign('sha256', Buffer.from(signed), key).toString('base64') }],
  }
}

/** A bundle as cosign 3 writes it, signed by a key. */
export function signBundle(digest: string, key: KeyObject, attested: Attested = {}): string {
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'a' } },
    dsseEnvelope: signEnvelope(digest, key, attested),
  })
}

/** As cosign 2 keeps an attestation. */
export const envelopeLayer = (envelope: string) => ({
  mediaType: 'application/vnd.dsse.envelope.v1+json',
  digest: digestOf(Buffer.from(envelope)),
  annotations: { 'dev.cosignproject.cosign/signature': '' },
})

export const bundleLayer = (bundle: string) => ({
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  digest: digestOf(Buffer.from(bundle)),
})

/** A signature as a registry keeps it: the blob, and the layer that names it. */
export interface Kept {
  readonly blob: string
  readonly layer: object
}

/** Signatures in a registry that is asked nothing but these. */
export function signaturesOf(kept: readonly Kept[]) {
  const blobs = new Map(kept.map(({ blob }) => [digestOf(Buffer.from(blob)), Buffer.from(blob)]))
  const manifest = Buffer.from(JSON.stringify({ layers: kept.map(({ layer }) => layer) }))
  return createSignatures({
    registry: {
      readManifests: async () => [manifest],
      readBlob: async (_, wanted) => blobs.get(wanted),
    },
    loadVerifier: async () => sigstore,
    now: () => 0,
    within: (run) => run(),
  })
}

/** A rule that wants one of these keys. */
export function signatureRule(more: Partial<SignatureRule> = {}): SignatureRule {
  return {
    ...{ images: undefined, keys: [], identities: [], trustedRoot: undefined },
    attestation: undefined,
    ...{ layout: undefined, credential: undefined },
    ...more,
    digest: more.digest ?? (`sha256:${'0'.repeat(64)}` satisfies Digest),
  }
}
