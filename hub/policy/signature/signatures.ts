import type { TimeBound } from '@groundswell/proto/cel.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import { attestationBytes, envelopeType, findUnmet, readStatement } from './attestation.ts'
import {
  bundleType,
  type CosignSignature,
  isBlob,
  isSignedBy,
  isStatementOf,
  type Layer,
  parseIndex,
  parseJson,
  parseLayers,
  payloadType,
  mostSignatures,
  readEnvelope,
  readPayloadDigest,
  signatureAnnotation,
  signatureBytes,
} from './cosign.ts'
import type { PinnedImage, SignatureAnswer, SignatureRule, Signatures } from './rule.ts'

/** Manifests of an image's signatures, and the blobs they name. */
export interface SignatureSource {
  /** Of all signatures that may be of this image. */
  readManifests(image: PinnedImage, rule: SignatureRule, signal: AbortSignal): Promise<Uint8Array[]>
  readBlob(
    image: PinnedImage,
    digest: Digest,
    rule: SignatureRule,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>
}

/** Sigstore's checks, which take their time to load. */
export interface SigstoreVerifier {
  verifyBundle(json: unknown, digest: Digest, rule: SignatureRule): void
  verifyCertified(signature: CosignSignature, rule: SignatureRule): void
  verifyEnvelope(envelope: CosignSignature, digest: Digest, rule: SignatureRule): void
}

export interface SignaturesDeps {
  /** Undefined where no registry is to be asked. */
  readonly registry: SignatureSource | undefined
  readonly loadVerifier: () => Promise<SigstoreVerifier>
  readonly now: () => number
  /** For conditions on what is attested. */
  readonly within: TimeBound
}

const rememberedAnswers = 10_000
/** What was refused may have been signed since; milliseconds. */
const refusalCounts = 60_000

/** Asks for the signatures of images, once for each digest and rule. */
export function createSignatures({
  registry,
  loadVerifier,
  now,
  within,
}: SignaturesDeps): Signatures {
  const answers = new Map<string, { readonly answer: SignatureAnswer; readonly at: number }>()

  async function ask(
    image: PinnedImage,
    rule: SignatureRule,
    signal: AbortSignal,
  ): Promise<SignatureAnswer> {
    const source = rule.layout ? layoutSource : registry
    if (!source) return { kind: 'unasked' }
    const manifests = await source.readManifests(image, rule, signal)
    const reasons = new Set<string>()
    const statements: Uint8Array[] = []
    // A layout holds the signatures of many images.
    const most = rule.layout ? 10_000 : mostSignatures
    let seen = 0
    for (const manifest of manifests) {
      for (const layer of parseLayers(manifest)) {
        const form = formOf(layer, rule)
        if (form === undefined) continue
        if (++seen > most) return refuse([`there are more than ${most} signatures`])
        const bytes = await source.readBlob(image, layer.digest, rule, signal)
        if (!bytes || !isBlob(bytes, layer.digest)) {
          reasons.add('a signature is not what its digest says')
          continue
        }
        const found = { payload: bytes, annotations: layer.annotations }
        const claim = readClaim(form, found, image.digest, rule)
        if (claim === undefined) {
          // Beside signatures there are attestations, and there are those of other types.
          if (!rule.layout && !rule.attestation) reasons.add('a signature is of another image')
          continue
        }
        const why = await judgeLayer(form, found, image.digest, rule)
        if (why !== undefined) reasons.add(why)
        else if (!rule.attestation) return { kind: 'trusted', statements }
        else statements.push(claim)
      }
    }
    if (rule.attestation && statements.length > 0) {
      const unmet = findUnmet(rule.attestation, statements, within)
      return unmet === undefined ? { kind: 'trusted', statements } : refuse([unmet])
    }
    return refuse(reasons.size > 0 ? [...reasons] : [describeNone(rule)])
  }

  function judgeLayer(
    form: Form,
    found: CosignSignature,
    digest: Digest,
    rule: SignatureRule,
  ): Promise<string | undefined> {
    switch (form) {
      case 'bundle':
        return judge(async (by) => by.verifyBundle(parseJson(found.payload), digest, rule))
      case 'envelope':
        return judge(async (by) => by.verifyEnvelope(found, digest, rule))
      case 'payload':
        return judgePayload(found, rule)
      default:
        return form satisfies never
    }
  }

  async function judgePayload(
    signature: CosignSignature,
    rule: SignatureRule,
  ): Promise<string | undefined> {
    if (isSignedBy(rule.keys, signature)) return undefined
    if (rule.identities.length === 0) return 'none of the keys signed it'
    return judge(async (by) => by.verifyCertified(signature, rule))
  }

  /** Anything thrown is a signature that does not hold: there is no other way out. */
  async function judge(
    verify: (by: SigstoreVerifier) => Promise<void>,
  ): Promise<string | undefined> {
    const verifier = await loadVerifier()
    try {
      await verify(verifier)
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  return {
    async check(image, rule, signal) {
      const key = JSON.stringify([image.registry, image.repository, image.digest, rule.digest])
      const known = answers.get(key)
      const isOld = known?.answer.kind === 'refused' && now() - known.at > refusalCounts
      if (known && !isOld) return known.answer
      const answer = await ask(image, rule, signal)
      // Statements are large; a rule that has conditions has asked them, and does without.
      const isLarge = answer.kind === 'trusted' && answer.statements.length > 0
      if (answer.kind === 'unasked' || (isLarge && rule.attestation?.keeps)) return answer
      answers.set(key, {
        answer: isLarge ? { kind: 'trusted', statements: [] } : answer,
        at: now(),
      })
      for (const oldest of answers.keys()) {
        if (answers.size <= rememberedAnswers) break
        answers.delete(oldest)
      }
      return answer
    },
  }
}

/** How a signature is kept: as cosign 3 does, or the older forms of signatures and attestations. */
type Form = 'bundle' | 'payload' | 'envelope'

function formOf({ mediaType }: Layer, { attestation }: SignatureRule): Form | undefined {
  if (bundleType.test(mediaType)) return 'bundle'
  if (attestation) return mediaType === envelopeType ? 'envelope' : undefined
  return mediaType === payloadType ? 'payload' : undefined
}

/** What a signature says of this image, not whether that holds; undefined when nothing that is wanted. */
function readClaim(
  form: Form,
  { payload }: CosignSignature,
  digest: Digest,
  { attestation }: SignatureRule,
): Uint8Array | undefined {
  if (form === 'payload') return readPayloadDigest(payload) === digest ? payload : undefined
  const statement = readStatement(form === 'bundle' ? readEnvelope(payload) : parseJson(payload))
  const isWanted = statement && isStatementOf(statement, digest, attestation?.predicateType)
  return isWanted ? statement : undefined
}

function describeNone({ attestation }: SignatureRule): string {
  return attestation ? `nobody attested ${attestation.predicateType} of it` : 'nobody signed it'
}

function refuse(reasons: readonly string[]): SignatureAnswer {
  return { kind: 'refused', reason: reasons.slice(0, 3).join('; ') }
}

/** Every manifest of a layout: what each signature is of, its payload says. */
const layoutSource: SignatureSource = {
  async readManifests(_, rule) {
    const { layout } = rule
    const entries = parseIndex(await layout!.readIndex())
    const found: Uint8Array[] = []
    for (const { digest } of entries.slice(0, 1_000)) {
      const bytes = await layout!.readBlob(digest, signatureBytes)
      if (bytes && isBlob(bytes, digest) && holdsSignatures(bytes, rule)) found.push(bytes)
    }
    return found
  },
  readBlob: (_, digest, rule) => rule.layout!.readBlob(digest, blobBytes(rule)),
}

function holdsSignatures(manifest: Uint8Array, rule: SignatureRule): boolean {
  return parseLayers(manifest).some((layer) => {
    const form = formOf(layer, rule)
    return form === 'payload'
      ? layer.annotations[signatureAnnotation] !== undefined
      : form !== undefined
  })
}

/** The most bytes of what is signed under a rule. */
export function blobBytes({ attestation }: SignatureRule): number {
  return attestation ? attestationBytes : signatureBytes
}
