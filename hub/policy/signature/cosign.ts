import { type KeyObject, verify } from 'node:crypto'
import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/* How cosign keeps signatures: an image manifest whose layers are payloads, signed each by itself.
   https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */

/** Mostly one or two; more is somebody who would have us work. */
export const mostSignatures = 32
export const signatureBytes = 1024 * 1024

export const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json'
export const bundleType =
  /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+\+json|\+json;version=0\.\d)$/

/** A layer of a manifest. */
export interface Layer {
  readonly mediaType: string
  readonly digest: Digest
  readonly annotations: Readonly<Record<string, string>>
}

/** A manifest in an index. */
export interface Entry extends Layer {
  readonly artifactType: string
}

/** A signature with what it is of. */
export interface CosignSignature {
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

export const signatureAnnotation = 'dev.cosignproject.cosign/signature'

/** The layers of a manifest; those without a digest are left out. */
export function parseLayers(bytes: Uint8Array): Layer[] {
  return parseList(bytes, 'layers')
}

/** The manifests of an index. */
export function parseIndex(bytes: Uint8Array): Entry[] {
  return parseList(bytes, 'manifests')
}

function parseList(bytes: Uint8Array, name: 'layers' | 'manifests'): Entry[] {
  const manifest = parseJson(bytes)
  const list: unknown = isRecord(manifest) ? manifest[name] : undefined
  if (!Array.isArray(list)) return []
  return list.flatMap((each: unknown): Entry[] => {
    const { mediaType, digest, annotations, artifactType } = isRecord(each) ? each : {}
    if (typeof digest !== 'string' || !isDigest(digest)) return []
    const texts = Object.entries(isRecord(annotations) ? annotations : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    )
    return [
      {
        digest,
        mediaType: typeof mediaType === 'string' ? mediaType : '',
        artifactType: typeof artifactType === 'string' ? artifactType : '',
        annotations: Object.fromEntries(texts),
      },
    ]
  })
}

/** Cosign's name for the manifest of an image's signatures. */
export function signatureTag(digest: Digest): string {
  return `${digest.replace(':', '-')}.sig`
}

/** Cosign's name for the manifest of an image's attestations. */
export function attestationTag(digest: Digest): string {
  return `${digest.replace(':', '-')}.att`
}

/** The digest that a payload says it is of. */
export function readPayloadDigest(payload: Uint8Array): string | undefined {
  const said = parseJson(payload)
  const critical = isRecord(said) ? said['critical'] : undefined
  if (!isRecord(critical) || critical['type'] !== 'cosign container image signature') {
    return undefined
  }
  const digest = isRecord(critical['image']) ? critical['image']['docker-manifest-digest'] : ''
  return typeof digest === 'string' ? digest : undefined
}

/** Whether one of the keys made the signature over exactly these bytes. */
export function isSignedBy(
  keys: readonly KeyObject[],
  { payload, annotations }: CosignSignature,
): boolean {
  const signature = Buffer.from(annotations[signatureAnnotation] ?? '', 'base64')
  if (signature.length === 0) return false
  return keys.some((key) => {
    const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    return verify(algorithm, payload, key, signature)
  })
}

/** What a statement that only signs an image says it is. */
export const signingPredicate = 'https://sigstore.dev/cosign/sign/v1'

/** The statement in a DSSE envelope: is it of this type, and of this image? */
export function isStatementOf(
  payload: Uint8Array,
  digest: Digest,
  predicateType: string = signingPredicate,
): boolean {
  const statement = parseJson(payload)
  if (!isRecord(statement)) return false
  if (statement['predicateType'] !== predicateType) return false
  const subjects: unknown = statement['subject']
  const hex = digest.slice('sha256:'.length)
  return (
    Array.isArray(subjects) &&
    subjects.some((each: unknown) => {
      const digests = isRecord(each) ? each['digest'] : undefined
      return isRecord(digests) && digests['sha256'] === hex
    })
  )
}

/** The envelope in a bundle; undefined when it is none. */
export function readEnvelope(bytes: Uint8Array): unknown {
  const bundle = parseJson(bytes)
  return isRecord(bundle) ? bundle['dsseEnvelope'] : undefined
}

/** Bytes that are what their digest says; a registry is not believed. */
export function isBlob(bytes: Uint8Array, digest: Digest): boolean {
  return digestOf(bytes) === digest
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
