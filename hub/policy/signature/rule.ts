import type { KeyObject } from 'node:crypto'
import type { Digest } from '@groundswell/proto/digest.ts'
import { matchesGlob } from '@groundswell/proto/glob.ts'
import type { WantedAttestation } from './attestation.ts'
import type { Image } from './image.ts'

/** Who may have signed without a key of ours: an identity that a certificate authority vouched for. */
export interface SigningIdentity {
  /** Of the identity provider, exactly. */
  readonly issuer: string
  /** The certificate's subject, as a glob. */
  readonly subject: string
}

/** Where signatures are, and who vouches for their signers. */
export interface SignaturePlace {
  /** The authorities that vouch for identities: a Sigstore trusted root, as JSON. */
  readonly trustedRoot: unknown
  /** Where signatures are, when not in the image's own registry. */
  readonly layout: OciLayout | undefined
  /** Name of a credential for the registry. */
  readonly credential: string | undefined
  /** Of all that decides an answer but the image. */
  readonly digest: Digest
}

/** What a Policy asks of the images it means; one signature by one of these signers is enough. */
export interface SignatureRule extends SignaturePlace {
  /** Globs of `registry/repository`; all images when left out. */
  readonly images: readonly string[] | undefined
  readonly keys: readonly KeyObject[]
  readonly identities: readonly SigningIdentity[]
  /** What must be attested; a signature alone is enough when undefined. */
  readonly attestation: WantedAttestation | undefined
}

/** A directory in the OCI image layout. */
export interface OciLayout {
  /** @throws HubError `source_refused` when it is not there or too large */
  readIndex(): Promise<Uint8Array>
  /** Undefined when it is not there. */
  readBlob(digest: Digest, maxBytes: number): Promise<Uint8Array | undefined>
}

/** An image that is named by its digest. */
export type PinnedImage = Image & { readonly digest: Digest }

export type SignatureAnswer =
  /** With the statements that are attested, where the rule wants such. */
  | { readonly kind: 'trusted'; readonly statements: readonly Uint8Array[] }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody could be asked here: a check without a network. */
  | { readonly kind: 'unasked' }

/** Tells whether somebody who may has signed an image. */
export interface Signatures {
  /** @throws HubError `source_unreachable`, `source_refused` when the registry does not answer */
  check(image: PinnedImage, rule: SignatureRule, signal: AbortSignal): Promise<SignatureAnswer>
}

export function isMeant({ images }: SignatureRule, image: Image): boolean {
  const name = `${image.registry}/${image.repository}`
  return images === undefined || images.some((glob) => matchesGlob(glob, name))
}
