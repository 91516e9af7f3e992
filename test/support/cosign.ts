import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { SignatureRule } from '../../hub/policy/signature/rule.ts'

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

/** A bundle as cosign 3 writes it, signed by a key. */
export function signBundle(digest: string, key: KeyObject): string {
  const type = 'application/vnd.in-toto+json'
  const statement = JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: '', digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  })
  const signed = `DSSEv1 ${type.length} ${type} ${statement.length} ${statement}`
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'a' } },
    dsseEnvelope: {
      payload: Buffer.from(statement).toString('base64'),
      payloadType: type,
      signatures: [{ sig: sign('sha256', Buffer.from(signed), key).toString('base64') }],
    },
  })
}

export const bundleLayer = (bundle: string) => ({
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  digest: digestOf(Buffer.from(bundle)),
})

/** A rule that wants one of these keys. */
export function signatureRule(more: Partial<SignatureRule> = {}): SignatureRule {
  return {
    ...{ images: undefined, keys: [], identities: [], trustedRoot: undefined },
    ...{ layout: undefined, credential: undefined },
    ...more,
    digest: more.digest ?? (`sha256:${'0'.repeat(64)}` satisfies Digest),
  }
}
