import { type KeyObject, X509Certificate } from 'node:crypto'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { matchesGlob } from '@groundswell/proto/glob.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { type CosignSignature, isStatementOf, parseJson, signatureAnnotation } from './cosign.ts'
import type { SignatureRule, SigningIdentity } from './rule.ts'

/* Sigstore's own library tells whether certificates, logs and times hold; who signed is compared here. */

/**
 * Throws unless a bundle signs this image by one of the rule's keys or identities. A key needs no
 * entry in a log; a certificate needs one, and the time it was made there.
 *
 * @throws Error saying why not
 */
export function verifyBundle(json: unknown, digest: Digest, rule: SignatureRule): void {
  const bundle = bundleFromJSON(json)
  if (bundle.content.$case !== 'dsseEnvelope') throw new Error('it signs no statement')
  const { payload } = bundle.content.dsseEnvelope
  if (!isStatementOf(payload, digest, rule.attestation?.predicateType)) {
    throw new Error('its statement is of something else')
  }
  if (bundle.verificationMaterial.content.$case === 'publicKey') verifyByKey(bundle, rule.keys)
  else verifyByIdentity(bundle, rule)
}

/** The same of a signature in cosign's older form, with a certificate beside it. @throws Error */
export function verifyCertified(signature: CosignSignature, rule: SignatureRule): void {
  const { payload, annotations } = signature
  const json = {
    ...certificateOf(annotations, { kind: 'hashedrekord', version: '0.0.1' }),
    ...signatureOf(signature),
  }
  verifyByIdentity(bundleFromJSON(json), rule, Buffer.from(payload))
}

/** The same of an envelope in cosign's older form; a certificate, if any, is beside it. @throws Error */
export function verifyEnvelope(
  { payload, annotations }: CosignSignature,
  digest: Digest,
  rule: SignatureRule,
): void {
  const isCertified = annotations[certificateAnnotation] !== undefined
  const signer = isCertified
    ? certificateOf(annotations)
    : { mediaType: keyedBundle, verificationMaterial: { publicKey: { hint: '' } } }
  verifyBundle({ ...signer, dsseEnvelope: parseJson(payload) }, digest, rule)
}

const keyedBundle = 'application/vnd.dev.sigstore.bundle.v0.3+json'

export const certificateAnnotation = 'dev.sigstore.cosign/certificate'
const logAnnotation = 'dev.sigstore.cosign/bundle'

function verifyByKey(bundle: Bundle, keys: readonly KeyObject[]): void {
  const entity = toSignedEntity(bundle)
  let last = new Error('no key is given, and it names no identity')
  for (const publicKey of keys) {
    const material = toTrustMaterial(emptyRoot(), () => ({ publicKey, validFor: () => true }))
    // What a log says of it is not judged: nothing here says which logs count.
    const plain = { ...entity, tlogEntries: [], timestamps: [] }
    const none = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }
    try {
      new Verifier(material, none).verify(plain)
      return
    } catch (error) {
      last = error as Error
    }
  }
  throw last
}

function verifyByIdentity(bundle: Bundle, rule: SignatureRule, artifact?: Buffer): void {
  if (rule.identities.length === 0)
    throw new Error('it is signed by an identity, and none is given')
  const root = TrustedRoot.fromJSON(rule.trustedRoot)
  const signer = new Verifier(toTrustMaterial(root)).verify(toSignedEntity(bundle, artifact))
  const subject = signer.identity?.subjectAlternativeName ?? ''
  const issuer = signer.identity?.extensions?.issuer ?? ''
  const isOne = (known: SigningIdentity) =>
    known.issuer === issuer && matchesGlob(known.subject, subject)
  if (!rule.identities.some(isOne)) {
    throw new Error(`it is signed by ${subject} of ${issuer}, who is not among the identities`)
  }
}

function emptyRoot(): TrustedRoot {
  return TrustedRoot.fromJSON({})
}

/** What annotations say of who signed and of the log's entry, as a bundle says it. */
function certificateOf(annotations: CosignSignature['annotations'], kindVersion?: KindVersion) {
  const log = parseJson(Buffer.from(annotations[logAnnotation] ?? ''))
  const entry = isRecord(log) ? log['Payload'] : undefined
  if (!isRecord(log) || !isRecord(entry)) throw new Error('no log has an entry of it')
  const certificate = new X509Certificate(annotations[certificateAnnotation] ?? '')
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: certificate.raw.toString('base64') }] },
      tlogEntries: [
        {
          logIndex: String(entry['logIndex']),
          logId: { keyId: Buffer.from(String(entry['logID']), 'hex').toString('base64') },
          kindVersion: kindVersion ?? readKind(entry['body']),
          integratedTime: String(entry['integratedTime']),
          inclusionPromise: { signedEntryTimestamp: log['SignedEntryTimestamp'] },
          canonicalizedBody: entry['body'],
        },
      ],
    },
  }
}

interface KindVersion {
  readonly kind: string
  readonly version: string
}

/** What an entry says that it is: logs have kept attestations in more than one way. */
function readKind(body: unknown): KindVersion | undefined {
  const read = typeof body === 'string' ? parseJson(Buffer.from(body, 'base64')) : undefined
  const { kind, apiVersion } = isRecord(read) ? read : {}
  return typeof kind === 'string' && typeof apiVersion === 'string'
    ? { kind, version: apiVersion }
    : undefined
}

function signatureOf({ payload, annotations }: CosignSignature) {
  return {
    messageSignature: {
      messageDigest: {
        algorithm: 'SHA2_256',
        digest: Buffer.from(digestOf(payload).slice('sha256:'.length), 'hex').toString('base64'),
      },
      signature: annotations[signatureAnnotation],
    },
  }
}
