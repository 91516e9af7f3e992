import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFleet } from '../../../../../hub/fleet/load/load.ts'
import { createResolutions } from '../../../../../hub/fleet/resolve/resolutions.ts'
import { resolveTargets } from '../../../../../hub/fleet/resolve/resolve.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'
const fleet = loadFleet('main@sha1:a', [
  {
    path: 'fleet.yaml',
    bytes: Buffer.from(
      [
        `${api}\nkind: Cluster\nmetadata: { name: a }\nspec: {}\n`,
        `${api}\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: shop }, targets: [{ clusterSelector: {} }], targetNamespace: 'v\${cluster.kubernetesVersion}' }\n`,
      ].join('---\n'),
    ),
  },
])
const facts = (kubernetesVersion: string) => new Map([['a', { kubernetesVersion }]])

test('of a newer revision of the same fleet the targets are those of before', () => {
  const resolve = createResolutions()
  const first = resolve(fleet, facts('v1'))
  assert.equal(resolve({ ...fleet, revision: 'main@sha1:b' }, facts('v1')), first)
})

test('whatever else is another has them resolved anew', () => {
  const resolve = createResolutions()
  for (const [of, word] of [
    [fleet, facts('v1.34.0')],
    [fleet, facts('v1.35.0')],
    [fleet, new Map()],
    [{ ...fleet, clusters: new Map() }, facts('v1.35.0')],
    [fleet, facts('v1.35.0')],
    [{ ...fleet, projects: new Map(fleet.projects) }, facts('v1.35.0')],
  ] as const) {
    const before = resolve(fleet, facts('v1.33.0'))
    const found = resolve(of, word)
    assert.notEqual(found, before)
    assert.deepEqual(found, resolveTargets(of, word))
  }
  const named = { kubernetesVersion: 'v1', apis: { digest: 'sha256:x', names: ['v1'] } } as const
  const one = resolve(fleet, new Map([['a', named]]))
  assert.equal(resolve(fleet, new Map([['a', { ...named }]])), one)
  assert.notEqual(resolve(fleet, new Map([['a', { ...named, apis: { ...named.apis } }]])), one)
})
