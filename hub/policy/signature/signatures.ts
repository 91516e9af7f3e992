import type { Digest } from '@groundswell/proto/digest.ts'
import {
  bundleType,
  type CosignSignature,
  isBlob,
  isBundleOf,
  isSignedBy,
  parseIndex,
  parseJson,
  parseLayers,
  payloadType,
  mostSignatures,
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
}

export interface SignaturesDeps {
  /** Undefined where no registry is to be asked. */
  readonly registry: SignatureSource | undefined
  readonly loadVerifier: () => Promise<SigstoreVerifier>
  readonly now: () => number
}

const rememberedAnswers = 10_000
/** What was refused may have been signed since; milliseconds. */
const refusalCounts = 60_000

/** Asks for the signatures of images, once for each digest and rule. */
export function createSignatures({ registry, loadVerifier, now }: SignaturesDeps): Signatures {
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
    // A layout holds the signatures of many images.
    const most = rule.layout ? 10_000 : mostSignatures
    let seen = 0
    for (const manifest of manifests) {
      for (const layer of parseLayers(manifest)) {
        const isBundle = bundleType.test(layer.mediaType)
        if (!isBundle && layer.mediaType !== payloadType) continue
        if (++seen > most) return refuse([`there are more than ${most} signatures`])
        const bytes = await source.readBlob(image, layer.digest, rule, signal)
        if (!bytes || !isBlob(bytes, layer.digest)) {
          reasons.add('a signature is not what its digest says')
          continue
        }
        const isOther = isBundle
          ? !isBundleOf(bytes, image.digest)
          : readPayloadDigest(bytes) !== image.digest
        if (isOther) {
          if (!rule.layout) reasons.add('a signature is of another image')
          continue
        }
        const found = { payload: bytes, annotations: layer.annotations }
        const why = isBundle
          ? await judge(async (by) => by.verifyBundle(parseJson(bytes), image.digest, rule))
          : await judgePayload(found, rule)
        if (why === undefined) return { kind: 'trusted' }
        reasons.add(why)
      }
    }
    return refuse(reasons.size === 0 ? ['nobody signed it'] : [...reasons])
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
      if (answer.kind === 'unasked') return answer
      answers.set(key, { answer, at: now() })
      for (const oldest of answers.keys()) {
        if (answers.size <= rememberedAnswers) break
        answers.delete(oldest)
      }
      return answer
    },
  }
}

function refuse(reasons: readonly string[]): SignatureAnswer {
  return { kind: 'refused', reason: reasons.slice(0, 3).join('; ') }
}

/** Every manifest of a layout: what each signature is of, its payload says. */
const layoutSource: SignatureSource = {
  async readManifests(_, { layout }) {
    const entries = parseIndex(await layout!.readIndex())
    const found: Uint8Array[] = []
    for (const { digest } of entries.slice(0, 1_000)) {
      const bytes = await layout!.readBlob(digest, signatureBytes)
      if (bytes && isBlob(bytes, digest) && holdsSignatures(bytes)) found.push(bytes)
    }
    return found
  },
  readBlob: (_, digest, { layout }) => layout!.readBlob(digest, signatureBytes),
}

function holdsSignatures(manifest: Uint8Array): boolean {
  return parseLayers(manifest).some(
    ({ mediaType, annotations }) =>
      bundleType.test(mediaType) ||
      (mediaType === payloadType && annotations[signatureAnnotation] !== undefined),
  )
}
