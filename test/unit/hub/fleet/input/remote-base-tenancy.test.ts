import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import { loadFleet } from '../../../../../hub/fleet/load/load.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'

/** The faults of a tenant's application that takes bases of `platform`, with their places. */
function faultsOf(
  sources: string,
  more: { readonly project?: string; readonly repository?: string } = {},
) {
  const text = [
    `${api}\nkind: Cluster\nmetadata: { name: a }\nspec: {}\n`,
    `${api}\nkind: Repository\nmetadata: { name: platform }\nspec: { url: "https://git.example/platform"${more.repository ?? ''} }\n`,
    `${api}\nkind: Repository\nmetadata: { name: apps }\nspec: { url: "https://git.example/apps"${more.repository ?? ''} }\n`,
    `${api}\nkind: Project\nmetadata: { name: tenant }\nspec: { sources: [${sources}], destinations: [{ clusters: [a], namespaces: ["t-*"] }]${more.project ?? ''} }\n`,
    `${api}\nkind: Application\nmetadata: { name: shop }\nspec:\n  project: tenant\n  source:\n    repository: apps\n    path: eu\n    kustomize:\n      bases:\n        - platform\n  targetNamespace: t-shop\n  targets: [{ clusterSelector: {} }]\n`,
  ].join('---\n')
  try {
    loadFleet('main@sha1:0', [{ path: 'f.yaml', bytes: Buffer.from(text) }])
    return []
  } catch (error) {
    assert.ok(error instanceof HubError)
    return error.faults.map(({ line, column, message }) => `${line}:${column} ${message}`)
  }
}

test('a tenant takes bases only of repositories that its Project allows as a whole', () => {
  const all = '{ repository: apps }, { repository: platform }'
  assert.deepEqual(faultsOf(all), [])
  for (const sources of [
    '{ repository: apps }',
    '{ repository: apps }, { repository: platform, paths: [public] }',
  ]) {
    assert.deepEqual(faultsOf(sources), [
      '31:11 Project tenant does not allow bases of the repository "platform"; allow all of it in `sources`',
    ])
  }
})

test('where a Project wants signatures, bases have to be signed, too', () => {
  const all = '{ repository: apps }, { repository: platform }'
  const project = ', signatures: { signers: team }'
  const repository = ', verify: { signers: team }'
  assert.deepEqual(faultsOf(all, { project, repository }), [])
  assert.match(faultsOf(all, { project }).join(), /takes only what "team" signed/)
})
