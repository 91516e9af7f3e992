import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deployment } from '../support/admission-policies.ts'
import { createBench } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

const config = (fields: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n${fields}\n`

test('objects are held to the schemas of their cluster’s version', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const say = async (manifest: string, kubernetesVersion: string) =>
    (await bench.judge(manifest, [], { kubernetesVersion })).map(
      ({ action, rule, message }) => `${action}: ${rule}: ${message}`,
    )
  const rule = 'deny: schema of Kubernetes 1.35'
  for (const [manifest, expected] of [
    [deployment({ spec: '\n  replicas: 2' }), []],
    [
      deployment({
        container:
          ', ports: [{ containerPort: 80 }], resources: { limits: { cpu: 1, memory: 1Gi } }',
      }),
      [],
    ],
    [
      deployment({ spec: '\n  replicas: "2"' }),
      [`${rule}: spec.replicas: must be a whole number, not text`],
    ],
    [
      deployment({ spec: '\n  replicas: 1.5' }),
      [`${rule}: spec.replicas: must be a whole number, not a number`],
    ],
    [deployment({ spec: '\n  replica: 2' }), [`${rule}: spec.replica: there is no such field`]],
    [
      deployment({ labels: ', number: 1' }),
      [`${rule}: metadata.labels.number: must be text, not a number; quote it`],
    ],
    [
      deployment({ container: ' }, { image: x' }),
      [`${rule}: spec.template.spec.containers[1].name: is missing`],
    ],
    [
      deployment({ container: ', tty: "yes"' }),
      [`${rule}: spec.template.spec.containers[0].tty: must be true or false, not text`],
    ],
    [
      deployment({ container: ', ports: {}' }),
      [`${rule}: spec.template.spec.containers[0].ports: must be a list, not a map`],
    ],
    [config('data: { a: 1 }'), [`${rule}: data.a: must be text, not a number; quote it`]],
    [config('data: { a: null }'), []],
  ] as const) {
    assert.deepEqual(await say(manifest, '1.35.4'), expected, manifest)
  }
  // What came with 1.35 is no field of 1.31, and of a version that is not known one is only warned.
  const young = deployment({ spec: '\n  nosuch: {}' })
  assert.match((await say(young, '1.31')).join(), /^deny: schema of Kubernetes 1.31: spec.nosuch/)
  for (const version of ['', '1.20', '9.9']) {
    assert.match(
      (await say(young, version)).join(),
      /^warn: schema of Kubernetes 1.37, the cluster's is not known/,
    )
  }
})

test('a custom kind is held to the definition beside it, defaults and CEL rules included', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: boats.sea.example }
spec:
  group: sea.example
  names: { kind: Boat, plural: boats }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [sails]
              properties:
                sails: { type: integer, minimum: 1 }
                name: { type: string, default: ann }
              x-kubernetes-validations:
                - { rule: "self.name != 'bob' || self.sails > 2", message: bob needs more sails }
---
`
  const rule = 'deny: schema of boats.sea.example'
  for (const [spec, expected] of [
    ['{ sails: 2 }', []],
    ['{ sails: 3, name: bob }', []],
    ['{ sails: 2, name: bob }', [`${rule}: spec: Invalid value: bob needs more sails`]],
    ['{ sails: 2, mast: 1 }', [`${rule}: spec.mast: there is no such field`]],
    ['{}', [`${rule}: spec.sails: Required value`]],
    [
      '{ sails: 0 }',
      [
        `${rule}: spec.sails: Invalid value: 0: spec.sails in body should be greater than or equal to 1`,
      ],
    ],
  ] as const) {
    const boat = `apiVersion: sea.example/v1\nkind: Boat\nmetadata: { name: b, namespace: x }\nspec: ${spec}\n`
    assert.deepEqual(await bench.say(definition + boat), expected, spec)
  }
  const old = 'apiVersion: sea.example/v2\nkind: Boat\nmetadata: { name: b, namespace: x }\n'
  assert.deepEqual(await bench.say(definition + old), [`${rule}: it serves no version v2`])
})
