import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { toSourceSpec } from '../../../../hub/fleet/input/repository-spec.ts'
import { findUnsignedFaults } from '../../../../hub/fleet/resolve/tenancy.ts'

function load(repository: string, source: string): Fleet {
  const document = (kind: string, name: string, spec: string) =>
    `---\napiVersion: groundswell.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`
  const text = [
    document('Cluster', 'one', '{}'),
    document('Repository', 'apps', `{ url: https://git.example/a.git, ${repository} }`),
    document(
      'Project',
      'team',
      '{ sources: [{ repository: "*" }], destinations: [{ clusterSelector: {}, namespaces: ["*"] }], signatures: { signers: release } }',
    ),
    document(
      'Application',
      'shop',
      `{ project: team, source: ${source}, targets: [{ clusterSelector: {} }] }`,
    ),
  ]
  return loadFleet('main@sha1:0', [{ path: 'f.yaml', bytes: Buffer.from(text.join('')) }])
}

const fromApps = '{ repository: apps, path: shop }'

test('a Repository says what has to be signed, and by whom', () => {
  const fleet = load('ref: { semver: ^1 }, verify: { signers: release, object: tag }', fromApps)
  const { spec } = toSourceSpec(fleet.repositories.get('apps')!)
  assert.deepEqual(spec.ref, { semver: '^1' })
  assert.deepEqual(spec.verify, { signers: 'release', object: 'tag' })
})

test('a Project takes nothing from a Repository that its signers do not sign', () => {
  load('verify: { signers: release }', fromApps)
  for (const verify of ['', 'verify: { signers: others }']) {
    assert.throws(
      () => load(verify, fromApps),
      (error) => {
        assert.ok(error instanceof HubError)
        const words =
          'Project team takes only what "release" signed; give Repository apps `verify.signers: release`'
        assert.deepEqual(
          error.faults.map(({ object, message }) => [object, message]),
          [['Application shop', words]],
        )
        return true
      },
    )
  }
})

test('and nothing from a fleet repository that they do not sign', () => {
  const fleet = load('', '{ path: shop }')
  assert.deepEqual(findUnsignedFaults(fleet, 'release'), [])
  for (const signers of [undefined, 'others']) {
    const [fault] = findUnsignedFaults(fleet, signers)
    assert.equal(fault?.object, 'Application shop')
    assert.match(fault?.message ?? '', /start the hub with --fleet-signers release$/)
  }
})

test('tags are verified only where a tag is followed', () => {
  assert.throws(
    () => load('verify: { signers: release, object: tag }', fromApps),
    /tags are verified where `ref` is a tag or semver/,
  )
})
