import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { plainPlace } from '../../hub/policy/policy.ts'
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
import recorded from '../vectors/policy/cosign.json' with { type: 'json' }

/* Kyverno's ImageValidatingPolicy: CEL whose functions ask of images what the hub finds. */

let engine: Awaited<ReturnType<typeof startRenderEngine>>
before(async () => {
  engine = await startRenderEngine()
})
after(() => engine.close())

const signer = createSigner()
const second = createSigner()
const keyed = (name: string, { publicKey }: { readonly publicKey: KeyObject }) => ({
  name,
  cosign: {
    key: { data: publicKey.export({ type: 'spki', format: 'pem' }).toString() },
    ctlog: { insecureIgnoreTlog: true },
  },
})

const matchConstraints = {
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
  ],
}
const signedByAll = 'images.containers.all(image, verifyImageSignatures(image, [attestors.ci]) > 0)'

const policy = (spec: object, kind = 'ImageValidatingPolicy') =>
  JSON.stringify({
    apiVersion: 'policies.kyverno.io/v1',
    kind,
    metadata: { name: 'images' },
    spec: {
      matchConstraints,
      matchImageReferences: [{ glob: 'registry.example/*' }],
      attestors: [keyed('ci', signer), keyed('release', second)],
      validations: [{ expression: signedByAll, message: 'sign it by ci' }],
      ...spec,
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
const attested = (statement: Attested): Kept => {
  const blob = signBundle(digest, signer.privateKey, statement)
  return { blob, layer: bundleLayer(blob) }
}

async function say(spec: object, kept: readonly Kept[], objects = pod(name)) {
  const bench = createBench(engine, signaturesOf(kept))
  const said = await bench.say(objects, policyOf({ 'p.json': policy(spec) }))
  return said.map((line) => line.replace('signatures: ImageValidatingPolicy images: ', ''))
}
const expecting = (expression: string, more: object = {}) => ({
  validations: [{ expression, message: 'no' }],
  ...more,
})

test('an image passes that its expressions find signed, and is denied in their words if not', async () => {
  assert.deepEqual(await say({}, [signed(signer)]), [])
  assert.deepEqual(await say({}, [signed(second)]), ['deny: sign it by ci'])
  assert.deepEqual(await say({ validationActions: ['Warn', 'Audit'] }, []), [
    'warn: sign it by ci',
    'audit: sign it by ci',
  ])
  const both =
    'images.containers.all(i, verifyImageSignatures(i, [attestors.ci, attestors.release]) == 2)'
  assert.deepEqual(await say(expecting(both), [signed(signer)]), ['deny: no'])
  assert.deepEqual(await say(expecting(both), [signed(signer), signed(second)]), [])
  const told = {
    validations: [
      { expression: signedByAll, messageExpression: '"not signed: " + object.metadata.name' },
    ],
  }
  assert.deepEqual(await say(told, []), ['deny: not signed: web'])
})

test('references say which images are meant, and conditions which objects', async () => {
  assert.deepEqual(await say({}, [signed(signer)], pod(name, 'nginx')), [])
  const byExpression = {
    matchImageReferences: [{ expression: 'ref.startsWith("other.example/")' }],
  }
  assert.deepEqual(await say(byExpression, []), [])
  const others = { matchConditions: [{ name: 'x', expression: 'object.metadata.name != "web"' }] }
  assert.deepEqual(await say(others, []), [])
  const size = expecting('images.containers.size() == 1 && images.initContainers.size() == 0')
  assert.deepEqual(await say({ ...size, validationConfigurations: { required: false } }, []), [])
})

test('a digest is wanted unless it is not, and every image meant must have been verified', async () => {
  assert.deepEqual(await say({}, [], pod('registry.example/shop/web:1')), [
    'deny: image registry.example/shop/web:1 does not have a digest',
  ])
  const nobody = `deny: image ${name} is not verified: no policy asks for a signature or an attestation of it`
  assert.deepEqual(await say(expecting('true'), []), [nobody])
  assert.deepEqual(
    await say(expecting('true', { validationConfigurations: { required: false } }), []),
    [],
  )
  assert.deepEqual(
    await say(expecting('verifyImageSignatures(images.containers[0], [attestors.ci]) >= 0'), []),
    [`deny: image ${name} failed the verification of signatures or attestations`],
  )
  // Another policy may have verified it.
  const bench = createBench(engine, signaturesOf([signed(signer)]))
  const two = policyOf({
    'a.json': policy(expecting('true')),
    'b.json': policy({}).replace('"images"}', '"b"}'),
  })
  assert.deepEqual(await bench.say(pod(name), two), [])
})

test('what is attested of an image is counted, and read once it was verified', async () => {
  const attestations = [{ name: 'sbom', intoto: { type: 'cyclonedx' } }]
  const verified =
    'verifyAttestationSignatures(images.containers[0], attestations.sbom, [attestors.ci]) > 0'
  const read =
    'extractPayload(images.containers[0], attestations.sbom).predicate.bomFormat == "CycloneDX"'
  const sbom = { predicateType: 'https://cyclonedx.org/bom', predicate: { bomFormat: 'CycloneDX' } }
  const spec = expecting(`${verified} && ${read}`, { attestations })
  assert.deepEqual(await say(spec, [attested(sbom)]), [])
  assert.deepEqual(await say(spec, [attested({ ...sbom, predicate: { bomFormat: 'other' } })]), [
    'deny: no',
  ])
  assert.deepEqual(await say(spec, [signed(signer)]), ['deny: no'])
  assert.match(
    (await say(expecting(read, { attestations }), [attested(sbom)])).join(),
    /^deny: it cannot be judged: no attestor that was asked before attested https:\/\/cyclonedx.org\/bom of/,
  )
  const another = attested({ ...sbom, predicate: { bomFormat: 'CycloneDX', version: 2 } })
  assert.match(
    (await say(spec, [attested(sbom), another])).join(),
    /2 statements of .* which one counts/,
  )
  assert.deepEqual(
    await say({ ...expecting(read, { attestations }), failurePolicy: 'Ignore' }, []),
    [],
  )
})

test('identities hold by the trusted root of the policy, or that of the Policy', async () => {
  const vectors = recorded as unknown as {
    readonly [name in 'digest' | 'subject' | 'issuer']: string
  } & { readonly trustedRoot: unknown; readonly bundle: unknown }
  const { subject, issuer, trustedRoot } = vectors
  const blob = JSON.stringify(vectors.bundle)
  const bench = createBench(engine, signaturesOf([{ blob, layer: bundleLayer(blob) }]))
  const image = pod(`registry.example/shop/web@${vectors.digest}`)
  const keyless = (more: object, who = subject) => ({
    attestors: [
      { name: 'ci', cosign: { keyless: { identities: [{ issuer, subject: who }] }, ...more } },
    ],
  })
  const inline = { trustedRoot: { value: JSON.stringify(trustedRoot) } }
  assert.deepEqual(await bench.say(image, policyOf({ 'p.json': policy(keyless(inline)) })), [])
  assert.match(
    (await bench.say(image, policyOf({ 'p.json': policy(keyless(inline, 'other')) }))).join(),
    /sign it by ci/,
  )
  const images = { kyverno: { trustedRoot: 'root.json' } }
  const plain = policyOf({ 'p.json': policy(keyless({})) }, { images })
  const trusting = { ...plain, signaturePlace: { ...plainPlace, trustedRoot } }
  assert.deepEqual(await bench.say(image, trusting), [])
})

test('the pods of controllers are meant too, and offline it is said that nothing was asked', async () => {
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
  assert.deepEqual(
    await say({}, [], deployment),
    ['deny: its pods: ImageValidatingPolicy images: sign it by ci'].map((line) =>
      line.replace('deny: ', 'deny: signatures: '),
    ),
  )
  const offline = await createBench(engine).say(pod(name), policyOf({ 'p.json': policy({}) }))
  assert.deepEqual(offline, [
    'audit: signatures: ImageValidatingPolicy images: it asks the hub for signatures in registries; not here',
  ])
})

test('what it says that cannot be judged here refuses the policy by its name', async () => {
  const bench = createBench(engine)
  const faults = async (spec: object, kind?: string) =>
    (await faultsOf(bench, { 'p.json': policy(spec, kind) })).map((line) =>
      line.replace(/^p\.json:\d+ \w+ images: /, ''),
    )
  const { cosign } = keyed('ci', signer)
  const attestor = (more: object, name = 'ci') => ({ attestors: [{ name, ...more }] })
  assert.deepEqual(await faults(attestor({ notary: { certs: { value: 'x' } } })), [
    'spec.attestors[0] needs a name and cosign; nothing else is judged here',
  ])
  assert.deepEqual(await faults(attestor({ cosign: { key: cosign.key } })), [
    'spec.attestors[0].cosign.ctlog: no log is asked for signatures by keys here; say so by `ctlog: { insecureIgnoreTlog: true }`',
  ])
  assert.deepEqual(
    await faults(
      attestor({
        cosign: { ...cosign, key: { kms: 'k', data: 'x' }, tuf: {}, annotations: { a: 'b' } },
      }),
    ),
    [
      'spec.attestors[0].cosign.annotations is not judged here',
      'spec.attestors[0].cosign.tuf is not judged here',
      'spec.attestors[0].cosign.key.kms is not judged here',
      'spec.attestors[0].cosign.key.data must be one public key in PEM',
    ],
  )
  const identities = [{ issuer: 'i', subjectRegExp: '.*' }]
  assert.deepEqual(await faults(attestor({ cosign: { keyless: { identities } } })), [
    'spec.attestors[0].cosign.keyless.identities[0].subjectRegExp is not judged here',
    'spec.attestors[0].cosign.keyless.identities[0] needs an issuer and a subject without wildcards',
    'spec.attestors[0].cosign: nothing is fetched from Sigstore; name its trusted root, in trustedRoot or in the Policy, `images.kyverno.trustedRoot`',
  ])
  assert.deepEqual(await faults({ attestations: [{ name: 'a', referrer: { type: 'x' } }] }), [
    'spec.attestations[0] needs a name and intoto.type; nothing else is judged here',
  ])
  for (const call of [
    'getImageData(name)',
    'http.Get("x")',
    'resource.Get("v1", "pods", "a", "b")',
    'time.now()',
  ]) {
    const said = (await faults(expecting(`${call} != null`))).join()
    assert.match(said, /^spec\.validations\[0\]\.expression: .*undeclared reference/, call)
  }
  assert.match((await faults(expecting('"text"'))).join(), /it gives string and must give bool/)
  assert.deepEqual(await faults({ validations: [] }), ['spec.validations is missing'])
  assert.deepEqual(await faults({ evaluation: { mode: 'JSON' } }), [
    'the evaluation mode JSON is not judged here',
  ])
  assert.match((await faults({ mutation: {} })).join(), /says what is not judged here: .*mutation/)
  assert.deepEqual(await faults({}, 'NamespacedImageValidatingPolicy'), [
    'a NamespacedImageValidatingPolicy needs a namespace',
  ])
})
