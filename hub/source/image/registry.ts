import type { Digest } from '@groundswell/proto/digest.ts'
import {
  attestationTag,
  bundleType,
  mostSignatures,
  parseIndex,
  signatureBytes,
  signatureTag,
} from '../../policy/signature/cosign.ts'
import type { PinnedImage, SignatureRule } from '../../policy/signature/rule.ts'
import { blobBytes, type SignatureSource } from '../../policy/signature/signatures.ts'
import type { HttpGet } from '../chart/chart.ts'
import { formatRegistryPath } from '../chart/registry.ts'

const nothing = new Uint8Array()
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'

/**
 * Signatures and attestations that are in the image's own registry: under cosign's tags, and as what refers to the
 * image (OCI 1.1), also where the registry has only the tag that stands for that.
 */
export function createRegistrySignatures(get: HttpGet): SignatureSource {
  function ask(image: PinnedImage, { credential }: SignatureRule, signal: AbortSignal) {
    // Docker's own registry has another name than its images.
    const host = image.registry === 'docker.io' ? 'registry-1.docker.io' : image.registry
    const base = formatRegistryPath({ repo: `oci://${host}`, chart: image.repository })
    return (path: string, accept: string, maxBytes = signatureBytes) =>
      get(
        {
          ...{ url: `${base}/${path}`, accept, maxBytes, whenMissing: nothing },
          ...(credential === undefined ? {} : { credential }),
        },
        signal,
      )
  }

  return {
    async readManifests(image, rule, signal) {
      const read = ask(image, rule, signal)
      const tag = rule.attestation ? attestationTag : signatureTag
      const tagged = await read(`manifests/${tag(image.digest)}`, manifestType)
      let referrers = await read(`referrers/${image.digest}`, indexType)
      if (referrers.length === 0) {
        referrers = await read(`manifests/${image.digest.replace(':', '-')}`, indexType)
      }
      const bundles = parseIndex(referrers)
        .filter(({ artifactType }) => artifactType === '' || bundleType.test(artifactType))
        .slice(0, mostSignatures)
      const manifests = await Promise.all(
        bundles.map(({ digest }) => read(`manifests/${digest}`, manifestType)),
      )
      return [tagged, ...manifests].filter(({ length }) => length > 0)
    },
    async readBlob(image, digest: Digest, rule, signal) {
      const bytes = await ask(image, rule, signal)(`blobs/${digest}`, '*/*', blobBytes(rule))
      return bytes.length > 0 ? bytes : undefined
    },
  }
}
