import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../hub/errors.ts'
import type { PinnedImage, SignatureRule } from '../../hub/policy/signature/rule.ts'
import { createSignatures } from '../../hub/policy/signature/signatures.ts'
import * as sigstore from '../../hub/policy/signature/sigstore.ts'
import { createChartGet } from '../../hub/source/chart/http.ts'
import { createRegistrySignatures } from '../../hub/source/image/registry.ts'
import { startChartServer } from '../support/chart-server.ts'
import {
  bundleLayer,
  createSigner,
  envelopeLayer,
  payloadOf,
  signatureRule,
  signBundle,
  signEnvelope,
  signPayload,
} from '../support/cosign.ts'

interface Recorded {
  readonly key: string
  readonly digests: readonly Digest[]
  readonly answers: Readonly<Record<string, string>>
}

const never = new AbortController().signal
const text = await readFile(new URL('../vectors/policy/cosign.json', import.meta.url), 'utf8')
const { keyed: recorded } = JSON.parse(text) as { readonly keyed: Recorded }

/** A registry, and a hub that asks it. */
async function startWorld(allowed: readonly string[] = ['127.0.0.1']) {
  const server = await startChartServer()
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`
  const get = createChartGet({
    hosts: { allowed, fleet: '' },
    access: async () => ({ hosts: ['127.0.0.1'], basic }),
    timeoutMs: 10_000,
  })
  const signatures = createSignatures({
    registry: createRegistrySignatures(get),
    loadVerifier: () => Promise.resolve(sigstore),
    now: () => 0,
    within: (run) => run(),
  })
  return {
    server,
    async check(digest: Digest, rule: Partial<SignatureRule>) {
      const image: PinnedImage = { registry: server.host, repository: 'shop/web', digest }
      const answer = await signatures.check(image, signatureRule(rule), never)
      return answer.kind === 'refused' ? answer.reason : answer.kind
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('what cosign itself signed and pushed is trusted by its key, in both forms, and by no other', async () => {
  await using world = await startWorld()
  for (const [path, answer] of Object.entries(recorded.answers)) {
    const [kind, reference = ''] = path.split('/')
    if (kind === 'blobs') world.server.putBlob(answer)
    else world.server.putManifest('shop/web', reference, answer)
  }
  const keys = [createPublicKey(recorded.key)]
  for (const digest of recorded.digests) {
    assert.equal(await world.check(digest, { keys }), 'trusted')
    const other = { keys: [createSigner().publicKey], digest: recorded.digests[0]! }
    assert.match(await world.check(digest, other), /none of the keys|verification failed/)
  }
  const stranger: Digest = `sha256:${'b'.repeat(64)}`
  assert.equal(await world.check(stranger, { keys }), 'nobody signed it')
})

test('what refers to an image is asked of registries that know of it', async () => {
  await using world = await startWorld()
  const { publicKey, privateKey } = createSigner()
  const digest: Digest = `sha256:${'c'.repeat(64)}`
  const bundle = signBundle(digest, privateKey)
  world.server.putBlob(bundle)
  const layer = bundleLayer(bundle)
  const attestation = { mediaType: 'application/vnd.other', digest: layer.digest }
  const manifests = [[attestation], [layer]].map((layers, at) => {
    const manifest = JSON.stringify({ schemaVersion: 2, layers })
    const reference: Digest = `sha256:${String(at).repeat(64)}`
    world.server.putManifest('shop/web', reference, manifest)
    return { digest: reference, artifactType: layers[0]!.mediaType }
  })
  world.server.putManifest('shop/web', `${digest}/referrers`, JSON.stringify({ manifests }))
  assert.equal(await world.check(digest, { keys: [publicKey] }), 'trusted')
})

test('a registry that is away, refuses or is not allowed says nothing of a signature', async () => {
  await using world = await startWorld()
  const { publicKey, privateKey } = createSigner()
  const digest: Digest = `sha256:${'d'.repeat(64)}`
  const payload = payloadOf(digest)
  world.server.putBlob(payload)
  const layers = [signPayload(payload, privateKey)]
  world.server.putManifest(
    'shop/web',
    `${digest.replace(':', '-')}.sig`,
    JSON.stringify({ schemaVersion: 2, layers }),
  )
  const keys = [publicKey]
  const failsWith = (code: string, check: Promise<unknown>) =>
    assert.rejects(check, (error) => error instanceof HubError && error.code === code)
  world.server.away = true
  await failsWith('source_unreachable', world.check(digest, { keys }))
  world.server.away = false
  world.server.guard.bearer = 'me:secret'
  await failsWith('source_unreachable', world.check(digest, { keys }))
  assert.equal(await world.check(digest, { keys, credential: 'registry' }), 'trusted')
  await using outside = await startWorld([])
  await failsWith('source_refused', outside.check(digest, { keys }))
})

test('attestations are asked of registries under their own tag, and as what refers to the image', async () => {
  await using world = await startWorld()
  const { publicKey, privateKey } = createSigner()
  const predicateType = 'https://slsa.dev/provenance/v1'
  const rule = { keys: [publicKey], attestation: { predicateType, conditions: [] } }
  const put = (reference: string, manifest: unknown) =>
    world.server.putManifest('shop/web', reference, JSON.stringify(manifest))

  const older: Digest = `sha256:${'e'.repeat(64)}`
  const envelope = JSON.stringify(signEnvelope(older, privateKey, { predicateType }))
  world.server.putBlob(envelope)
  put(`${older.replace(':', '-')}.att`, { layers: [envelopeLayer(envelope)] })
  assert.equal(await world.check(older, rule), 'trusted')
  const signing = { keys: [publicKey], digest: digestOf('another rule') }
  assert.equal(await world.check(older, signing), 'nobody signed it')

  const newer: Digest = `sha256:${'f'.repeat(64)}`
  // A list of all that is in an image is larger than any signature.
  const predicate = { packages: Array.from({ length: 40_000 }, (_, at) => `package ${at} 1.0`) }
  const bundle = signBundle(newer, privateKey, { predicateType, predicate })
  assert.ok(bundle.length > 1024 * 1024)
  world.server.putBlob(bundle)
  const manifest: Digest = `sha256:${'1'.repeat(64)}`
  put(manifest, { layers: [bundleLayer(bundle)] })
  put(`${newer}/referrers`, { manifests: [{ digest: manifest }] })
  assert.equal(await world.check(newer, rule), 'trusted')
})
