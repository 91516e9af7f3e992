import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import type { SignatureRule } from '../../hub/policy/signature/rule.ts'
import { createSignatures } from '../../hub/policy/signature/signatures.ts'
import * as sigstore from '../../hub/policy/signature/sigstore.ts'
import { createChartGet } from '../../hub/source/chart/http.ts'
import { createRegistrySignatures } from '../../hub/source/image/registry.ts'
import { startChartServer } from '../support/chart-server.ts'
import { signatureRule } from '../support/cosign.ts'
import recorded from '../vectors/policy/cosign-attested.json' with { type: 'json' }

/* What cosign itself attested, signed, pushed and saved, judged here as cosign judged it. */

const never = new AbortController().signal
const { keys, verdicts } = recorded
const answers: Readonly<Record<string, string>> = recorded.answers
const blobs: Readonly<Record<string, string>> = recorded.layout.blobs

/** As a Policy has it; the rule's own digest is what answers are remembered by. */
function ruleOf(by: keyof typeof keys, predicateType: string | null): SignatureRule {
  return signatureRule({
    keys: [createPublicKey(keys[by])],
    digest: digestOf(`${by} ${predicateType}`),
    ...(predicateType !== null && { attestation: { predicateType, conditions: [] } }),
  })
}

async function startWorld() {
  const server = await startChartServer()
  for (const [path, answer] of Object.entries(answers)) {
    const [kind, reference = ''] = path.split('/')
    if (kind === 'blobs') server.putBlob(answer)
    else server.putManifest('shop/web', reference, answer)
  }
  const get = createChartGet({
    ...{ hosts: { allowed: ['127.0.0.1'], fleet: '' }, timeoutMs: 10_000 },
    access: () => Promise.reject(new Error('no credential is named')),
  })
  return {
    registry: server.host,
    signatures: createSignatures({
      registry: createRegistrySignatures(get),
      loadVerifier: () => Promise.resolve(sigstore),
      now: () => 0,
      within: (run) => run(),
    }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('attestations of a registry, in both forms of cosign, hold by the keys and types that cosign says', async () => {
  await using world = await startWorld()
  for (const { digest, by, predicateType, holds } of verdicts) {
    const image = { registry: world.registry, repository: 'shop/web', digest: toDigest(digest) }
    const rule = ruleOf(by as keyof typeof keys, predicateType)
    const answer = await world.signatures.check(image, rule, never)
    const words = `${digest} ${by} ${predicateType}: ${JSON.stringify(answer)}`
    assert.equal(answer.kind, holds ? 'trusted' : 'refused', words)
  }
  assert.ok(verdicts.some(({ holds }) => holds) && verdicts.some(({ holds }) => !holds))
})

test('what cosign saved as an OCI layout is judged like the registry it came from', async () => {
  await using world = await startWorld()
  const [first] = verdicts
  const layout = {
    readIndex: async () => Buffer.from(recorded.layout.index),
    readBlob: async (digest: Digest) =>
      blobs[digest] === undefined ? undefined : Buffer.from(blobs[digest]),
  }
  for (const { digest, by, predicateType, holds } of verdicts) {
    if (digest !== first!.digest) continue
    const image = { registry: world.registry, repository: 'shop/web', digest: toDigest(digest) }
    const rule = { ...ruleOf(by as keyof typeof keys, predicateType), layout }
    const answer = await world.signatures.check(image, rule, never)
    const words = `${by} ${predicateType}: ${JSON.stringify(answer)}`
    assert.equal(answer.kind, holds ? 'trusted' : 'refused', words)
  }
})

test('an attestation is of the image it names: one that is put beside another is none of it', async () => {
  await using world = await startWorld()
  const stranger: Digest = `sha256:${'e'.repeat(64)}`
  const { digest, by, predicateType } = verdicts.find(({ holds }) => holds)!
  const moved = answers[`manifests/${digest.replace(':', '-')}.att`]!
  const server = await startChartServer()
  try {
    for (const answer of Object.values(answers)) server.putBlob(answer)
    server.putManifest('shop/web', `${stranger.replace(':', '-')}.att`, moved)
    const image = { registry: server.host, repository: 'shop/web', digest: stranger }
    const rule = ruleOf(by as keyof typeof keys, predicateType)
    const answer = await world.signatures.check(image, rule, never)
    assert.deepEqual(answer, {
      kind: 'refused',
      reason: `nobody attested ${predicateType} of it`,
    })
  } finally {
    await server[Symbol.asyncDispose]()
  }
})

function toDigest(text: string): Digest {
  assert.ok(isDigest(text))
  return text
}
