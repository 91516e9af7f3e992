import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeManifest, type Manifest, parseManifest } from '@groundswell/proto/manifest.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type Scope, whyOutsideScope } from '@groundswell/proto/scope.ts'

const scope: Scope = {
  project: 'team-a',
  namespaces: ['team-a'],
  clusterScoped: { allow: [], deny: [] },
  namespaced: { allow: ['*'], deny: ['apps/DaemonSet'] },
}
const manifest: Manifest = {
  v: 1,
  application: 'shop',
  targetNamespace: 'team-a',
  prune: { enabled: true, allowEmpty: false },
  drift: 'correct',
  deletionPolicy: 'Delete',
  objects: [],
}

describe('a manifest’s scope', () => {
  test('changes nothing where there is none: such manifests keep their digest', () => {
    // Golden: manifests of this digest are in the records of hubs and agents.
    assert.equal(
      digestOf(encodeManifest(manifest)),
      'sha256:56bb07968fe5214abacc4f96f4224422a6bc621508f7a68d113660e0e7402f22',
    )
    assert.equal(parseManifest(Buffer.from(encodeManifest(manifest))).scope, undefined)
  })

  test('is part of its digest, and read back as it was', () => {
    const scoped = { ...manifest, scope }
    assert.notEqual(digestOf(encodeManifest(scoped)), digestOf(encodeManifest(manifest)))
    assert.deepEqual(parseManifest(Buffer.from(encodeManifest(scoped))).scope, scope)
  })

  const broken: Readonly<Record<string, unknown>> = {
    null: null,
    'a list': [],
    'no project': { ...scope, project: '' },
    'no namespaces': { ...scope, namespaces: undefined },
    'an empty glob': { ...scope, namespaces: [''] },
    'a number': { ...scope, namespaces: [1] },
    'too many': { ...scope, namespaces: Array.from({ length: 201 }, () => 'a') },
    'a rule without deny': { ...scope, clusterScoped: { allow: [] } },
    'a rule of text': { ...scope, namespaced: '*' },
  }
  for (const [what, value] of Object.entries(broken)) {
    test(`is refused with ${what}: a limit that cannot be read is not taken for none`, () => {
      const bytes = Buffer.from(JSON.stringify({ ...manifest, scope: value }))
      assert.throws(() => parseManifest(bytes), { name: 'TypeError', message: /^manifest: scope/ })
    })
  }
})

describe('whyOutsideScope', () => {
  const id = { group: 'apps', kind: 'DaemonSet', namespace: 'team-a', name: 'x' }
  test('says which kinds are allowed and denied', () => {
    assert.equal(
      whyOutsideScope(scope, id, true),
      'DaemonSet team-a/x: Project team-a does not allow the kind apps/DaemonSet; namespaced kinds allowed are *, denied are apps/DaemonSet',
    )
    assert.equal(
      whyOutsideScope(scope, { ...id, namespace: '' }, false),
      'DaemonSet x: Project team-a does not allow the kind apps/DaemonSet; cluster-scoped kinds allowed are none',
    )
  })
  test('says which namespaces are allowed', () => {
    assert.equal(
      whyOutsideScope(scope, { ...id, kind: 'Deployment', namespace: 'b' }, true),
      'Deployment b/x: Project team-a does not allow the namespace "b" here; allowed are team-a',
    )
  })
  test('keeps the agent’s namespace to those who name it in full', () => {
    const own = { group: '', kind: 'Secret', namespace: 'groundswell-system', name: 'x' }
    for (const namespaces of [['*'], ['**'], ['groundswell-*'], ['groundswell-syste?']]) {
      assert.match(whyOutsideScope({ ...scope, namespaces }, own, true) ?? '', /namespace/)
    }
    const named = { ...scope, namespaces: ['groundswell-system'] }
    assert.equal(whyOutsideScope(named, own, true), undefined)
  })
})
