import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { migrate } from './migrated.ts'

/* Objects of the other tool that are applied like any others: sent to clusters, they would have it go on there. */

const kustomization = (name: string, path: string, more = '') =>
  `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: { name: ${name}, namespace: flux-system }\nspec:\n  sourceRef: { kind: GitRepository, name: flux-system }\n  path: ${path}\n${more}`
const release = (name: string, spec = 'values: { a: 1 }') =>
  `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: ${name}, namespace: ${name} }\nspec: { chart: { spec: { chart: ${name}, version: 1.0.0, sourceRef: { kind: HelmRepository, name: charts } } }, ${spec} }\n`
const charts =
  'apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: { name: charts }\nspec: { url: https://charts.example }\n'
const application = (name: string, path: string) =>
  `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  project: default\n  source: { repoURL: https://git.example/all, targetRevision: main, path: ${path} }\n  destination: { name: one, namespace: x }\n  syncPolicy: { automated: {} }\n`

describe('swell migrate sends no object of the other tool', () => {
  // As Flux's own example has it: bases of releases, and overlays for each cluster.
  const flux = {
    'clusters/prod/all.yaml': [
      kustomization('infra', './infra'),
      kustomization('config', './config', '  dependsOn: [{ name: infra }]\n'),
      kustomization('apps', './apps/prod', '  dependsOn: [{ name: config }]\n'),
    ].join('---\n'),
    'clusters/dev/all.yaml': kustomization('apps', './apps/dev'),
    'infra/kustomization.yaml': 'resources: [issuer.yaml]\n',
    'infra/issuer.yaml': [charts, release('issuer')].join('---\n'),
    'config/ca.yaml': 'apiVersion: cert.example/v1\nkind: Authority\nmetadata: { name: ca }\n',
    'apps/base/kustomization.yaml': 'resources: [web.yaml]\n',
    'apps/base/web.yaml': release('web'),
    'apps/prod/kustomization.yaml': 'resources: [../base]\n',
    'apps/dev/kustomization.yaml': 'resources: [../base, tool.yaml]\n',
    'apps/dev/tool.yaml': release('tool'),
  }

  test('flux: releases go where the Kustomization that brings them goes, and wait for what it waited for', () => {
    const { names, places, spec, gaps } = migrate('flux', flux)
    assert.deepEqual(
      names.filter((name) => name.startsWith('Application')),
      ['config', 'issuer', 'tool', 'web'].map((name) => `Application ${name}`),
    )
    assert.deepEqual(places, ['config@prod', 'issuer@prod', 'tool@dev', 'web@dev', 'web@prod'])
    assert.deepEqual(spec('Application', 'config')['dependsOn'], [{ name: 'issuer' }])
    // The configuration is on one of its clusters alone: on the other it would wait for ever.
    assert.equal(spec('Application', 'web')['dependsOn'], undefined)
    assert.equal(gaps.filter((gap) => /holds nothing but objects of Flux/.test(gap)).length, 3)
  })

  test('flux: a release that an overlay changes is suspended, and the patch is no release', () => {
    const { names, places, spec, gaps } = migrate('flux', {
      ...flux,
      'apps/prod/kustomization.yaml': 'resources: [../base]\npatches: [{ path: values.yaml }]\n',
      'apps/prod/values.yaml': release('web', 'values: { a: 2 }'),
    })
    assert.equal(names.filter((name) => /Application web/.test(name)).length, 1)
    assert.equal(spec('Application', 'web')['suspend'], true)
    assert.deepEqual(places, ['config@prod', 'issuer@prod', 'tool@dev'])
    assert.ok(gaps.some((gap) => gap.startsWith('apps/prod/values.yaml:1: changes what another')))
    assert.ok(gaps.some((gap) => gap.startsWith('apps/base/web.yaml:1: is changed by the')))
  })

  test('flux: what holds other objects, too, is suspended until they are apart', () => {
    const { places, gaps } = migrate('flux', {
      ...flux,
      'infra/issuer.yaml': `${flux['infra/issuer.yaml']}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: issuer }\n`,
    })
    assert.deepEqual(places.slice(0, 2), ['config@prod', 'issuer@prod'])
    assert.ok(!places.includes('infra@prod'))
    assert.ok(gaps.some((gap) => /all\.yaml:6: holds objects of Flux, which become/.test(gap)))
  })

  test('argocd: an application of applications is left out, or suspended where it holds more', () => {
    const files = {
      'root.yaml': application('root', 'apps'),
      'apps/one.yaml': application('one', 'workloads/one'),
      'apps/two.yaml': application('two', '.'),
      'workloads/one/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n',
    }
    const alone = migrate('argocd', files)
    assert.deepEqual(alone.places, ['one@one', 'two@one'])
    assert.ok(alone.gaps.some((gap) => gap.startsWith('root.yaml:6: holds nothing but objects of')))
    const mixed = migrate('argocd', { ...files, 'apps/a.yaml': files['workloads/one/a.yaml'] })
    assert.deepEqual(mixed.places, ['one@one', 'two@one'])
    assert.equal(mixed.spec('Application', 'root')['suspend'], true)
  })
})
