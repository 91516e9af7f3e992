import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { plainPlace } from '../../hub/policy/policy.ts'
import recorded from '../vectors/policy/cosign.json' with { type: 'json' }
import {
  type Attested,
  bundleLayer,
  createSigner,
  type Kept,
  payloadOf,
  signaturesOf,
  signBundle,
  signPayload,
} from '../support/cosign.ts'
import { createBench, faultsOf, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

/* verifyImages of Kyverno: the engine says whose signature it has to know of, and the hub asks. */

let engine: Awaited<ReturnType<typeof startRenderEngine>>
before(async () => {
  engine = await startRenderEngine()
})
after(() => engine.close())

const signer = createSigner()
const second = createSigner()
const pem = ({ publicKey }: { readonly publicKey: KeyObject }) =>
  publicKey.export({ type: 'spki', format: 'pem' }).toString()

const keys = (...of: readonly { readonly publicKey: KeyObject }[]) => ({
  keys: { publicKeys: of.map(pem).join(''), rekor: { url: '', ignoreTlog: true } },
})

const policy = (verifyImages: unknown, more: object = {}) =>
  JSON.stringify({
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name: 'images' },
    spec: {
      validationFailureAction: 'Enforce',
      rules: [
        {
          name: 'signed',
          match: { any: [{ resources: { kinds: ['Pod'] } }] },
          verifyImages,
          ...more,
        },
      ],
    },
  })

const digest = digestOf('an image')
const name = `registry.example/shop/web@${digest}`
const pod = (...images: readonly string[]) =>
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } },
    spec: { containers: images.map((image, at) => ({ name: `c${at}`, image })) },
  })

const signed = ({ privateKey }: { readonly privateKey: KeyObject }): Kept => {
  const payload = payloadOf(digest)
  return { blob: payload, layer: signPayload(payload, privateKey) }
}
const attested = (attestation: Attested, { privateKey } = signer): Kept => {
  const blob = signBundle(digest, privateKey, attestation)
  return { blob, layer: bundleLayer(blob) }
}

async function say(verifyImages: unknown, kept: readonly Kept[], objects = pod(name)) {
  const bench = createBench(engine, signaturesOf(kept))
  const said = await bench.say(objects, policyOf({ 'p.json': policy(verifyImages) }))
  return said.map((line) =>
    line.replace('deny: signatures: ClusterPolicy images, rule signed: ', ''),
  )
}

const references = { imageReferences: ['registry.example/*'] }
const one = (entries: readonly unknown[], count?: number) => [
  { ...references, attestors: [{ entries, ...(count === undefined ? {} : { count }) }] },
]

test('an image passes that is signed by the keys that must, counted as Kyverno counts', async () => {
  assert.deepEqual(await say(one([keys(signer)]), [signed(signer)]), [])
  const refused = (signers: string) =>
    `spec.containers[0].image: ${name} is not signed as it must be: ${signers}`
  assert.deepEqual(await say(one([keys(signer)]), [signed(second)]), [
    refused('0 of 1 that must (none of the keys signed it)'),
  ])
  assert.deepEqual(await say(one([keys(signer)]), []), [
    refused('0 of 1 that must (nobody signed it)'),
  ])
  // Without a count all must have signed, also of several keys in one entry.
  const both = [keys(signer, second)]
  assert.deepEqual(await say(one(both), [signed(signer)]), [
    refused('1 of 2 that must (none of the keys signed it)'),
  ])
  assert.deepEqual(await say(one(both), [signed(signer), signed(second)]), [])
  assert.deepEqual(await say(one(both, 1), [signed(second)]), [])
  // Attestors within attestors, and all of several sets.
  const nested = [{ attestor: { count: 1, entries: both } }]
  assert.deepEqual(await say(one(nested), [signed(second)]), [])
  const sets = [
    { ...references, attestors: [{ entries: [keys(signer)] }, { entries: [keys(second)] }] },
  ]
  assert.deepEqual(await say(sets, [signed(signer)]), [
    refused('0 of 1 that must (none of the keys signed it)'),
  ])
})

test('which images are meant is said by references; those without a digest are refused', async () => {
  const rule = [{ ...one([keys(signer)])[0], skipImageReferences: ['registry.example/base/*'] }]
  const other = `registry.example/base/os@${digest}`
  assert.deepEqual(await say(rule, [signed(signer)], pod(name, other, 'nginx:1')), [])
  assert.deepEqual(await say(rule, [signed(signer)], pod(name, 'registry.example/shop/db:2')), [
    'spec.containers[1].image: registry.example/shop/db:2 has no digest, so nothing tells what will run',
  ])
  const deployment = JSON.stringify({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: name }] },
      },
    },
  })
  assert.match((await say(rule, [], deployment)).join(), /its pods: .*nobody signed it/)
})

const provenance = 'https://slsa.dev/provenance/v1'
const built = (by: string) => ({ predicateType: provenance, predicate: { builder: { id: by } } })
const attestation = (conditions?: unknown) => [
  {
    ...references,
    attestations: [
      {
        type: provenance,
        attestors: [{ entries: [keys(signer)] }],
        ...(conditions ? { conditions } : {}),
      },
    ],
  },
]

test('an identity may have signed, where the Policy says who vouches for it', async () => {
  const vectors = recorded as unknown as {
    readonly [name in 'digest' | 'subject' | 'issuer']: string
  } & { readonly trustedRoot: unknown; readonly bundle: unknown }
  const { subject, issuer, trustedRoot } = vectors
  const blob = JSON.stringify(vectors.bundle)
  const bench = createBench(engine, signaturesOf([{ blob, layer: bundleLayer(blob) }]))
  const digested = `registry.example/shop/web@${vectors.digest as Digest}`
  async function sayOf(keyless: object) {
    const spec = { images: { kyverno: { trustedRoot: 'root.json' } } }
    const plain = policyOf({ 'p.json': policy(one([{ keyless }])) }, spec)
    const trusting = { ...plain, signaturePlace: { ...plainPlace, trustedRoot } }
    return (await bench.say(pod(digested), trusting)).join()
  }
  const wide = `${subject.slice(0, 5)}*`
  assert.equal(await sayOf({ issuer, subject }), '')
  assert.equal(await sayOf({ issuer, subject: wide, rekor: { url: 'https://log.example' } }), '')
  assert.match(await sayOf({ issuer, subject: 'somebody' }), /who is not among the identities/)
  assert.match(await sayOf({ issuer: 'https://other', subject }), /who is not among the identities/)
})

test('what is attested of an image is held to conditions over its predicate', async () => {
  const byCi = [{ all: [{ key: '{{ builder.id }}', operator: 'Equals', value: 'ci' }] }]
  assert.deepEqual(await say(attestation(byCi), [attested(built('ci'))]), [])
  assert.deepEqual(await say(attestation(), [attested(built('laptop'))]), [])
  const refused = `spec.containers[0].image: ${name} has no ${provenance} as it must be: 0 of 1 that must`
  assert.deepEqual(
    await say(attestation(byCi), [attested(built('ci')), attested(built('laptop'))]),
    [`${refused} (its conditions do not hold)`],
  )
  assert.deepEqual(await say(attestation(byCi), [signed(signer)]), [
    `${refused} (nobody attested ${provenance} of it)`,
  ])
  assert.match(
    (await say(attestation(byCi), [attested(built('ci'), second)])).join(),
    /0 of 1 that must \(signature verification failed\)/,
  )
})

test('a failure action of the rule, or one for a namespace, is what comes of it', async () => {
  const bench = createBench(engine, signaturesOf([]))
  const audit = [{ ...one([keys(signer)])[0], failureAction: 'Audit' }]
  const said = await bench.say(pod(name), policyOf({ 'p.json': policy(audit) }))
  assert.match(said.join(), /^audit: signatures: ClusterPolicy images, rule signed: spec/)
})

test('where no registry is to be reached, it is said that nothing was asked', async () => {
  const said = await createBench(engine).say(
    pod(name),
    policyOf({ 'p.json': policy(one([keys(signer)])) }),
  )
  assert.deepEqual(said, [
    `audit: signatures: ClusterPolicy images, rule signed: spec.containers[0].image: the signatures of ${name} are asked for by the hub, in their registry; not here`,
  ])
})

test('a question is put for each image and signer once, whatever asks it', async () => {
  let asked = 0
  const signatures = signaturesOf([signed(signer)])
  const bench = createBench(engine, {
    check(...given) {
      asked += 1
      return signatures.check(...given)
    },
  })
  const twice = [...one([keys(signer)]), ...one([keys(signer)])]
  assert.deepEqual(await bench.say(pod(name, name), policyOf({ 'p.json': policy(twice) })), [])
  assert.equal(asked, 1)
})

test('what verifyImages says that cannot be judged here refuses the policy by its name', async () => {
  const bench = createBench(engine)
  const faults = async (verifyImages: unknown, more: object = {}) =>
    (await faultsOf(bench, { 'p.json': policy(verifyImages, more) })).map((line) =>
      line.replace(/^p\.json:\d+ ClusterPolicy images: rule signed: /, ''),
    )
  const logged = { keys: { publicKeys: pem(signer) } }
  assert.deepEqual(await faults(one([logged])), [
    'verifyImages[0].attestors[0].entries[0].keys.rekor: no log is asked for signatures by keys here; say so by `rekor: { ignoreTlog: true }`',
  ])
  const inCluster = { keys: { publicKeys: 'k8s://kyverno/key', rekor: { ignoreTlog: true } } }
  assert.deepEqual(await faults(one([inCluster])), [
    'verifyImages[0].attestors[0].entries[0].keys.publicKeys must hold keys in PEM: what a cluster, a vault or a variable holds cannot be asked here',
    'verifyImages[0].attestors[0].entries is missing',
  ])
  const keyless = { keyless: { issuer: 'https://i.example', subjectRegExp: '.*' } }
  assert.deepEqual(await faults(one([keyless])), [
    'verifyImages[0].attestors[0].entries[0].keyless.subjectRegExp is not judged here',
    'verifyImages[0].attestors[0].entries[0].keyless needs issuer and subject, or anybody could sign',
    'verifyImages[0].attestors[0].entries[0].keyless: nothing is fetched from Sigstore; name its trusted root in the Policy, `images.kyverno.trustedRoot`',
  ])
  assert.deepEqual(
    await faults([
      { ...one([keys(signer)])[0], type: 'Notary', repository: 'r', validate: { deny: {} } },
    ]),
    [
      'verifyImages[0].repository is not judged here',
      'verifyImages[0].validate is not judged here',
      'verifyImages[0].type: signatures of Notary are not judged here',
    ],
  )
  assert.deepEqual(await faults(one([keys(signer)], 2)), [
    'verifyImages[0].attestors[0].count must be 1 to 1',
  ])
  assert.deepEqual(await faults([{ ...references, attestations: [{ type: provenance }] }]), [
    'verifyImages[0].attestations[0].attestors is missing, so anybody could attest it',
  ])
  assert.deepEqual(await faults([{ attestors: [] }]), [
    'verifyImages[0].imageReferences is missing',
  ])
  assert.deepEqual(await faults(one([keys(signer)]), { validate: { deny: {} } }), [
    'validate and verifyImages do not go together',
  ])
  const odd = await faults([{ ...one([keys(signer)])[0], sbom: true }])
  assert.match(odd.join(), /it says what is not judged here: .*unknown field.*sbom/)
})
