import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPruneGuarded } from '@groundswell/proto/prune-guard.ts'

describe('isPruneGuarded', () => {
  const guarded = [
    { 'groundswell.dev/prune': 'Disabled' },
    { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' },
    { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' },
    { 'helm.sh/resource-policy': ' Keep ' },
    { 'client.lifecycle.config.k8s.io/deletion': 'detach' },
    { 'cli-utils.sigs.k8s.io/on-remove': 'keep' },
    { 'argocd.argoproj.io/sync-options': 'ServerSideApply=true, Delete=confirm' },
  ]
  for (const annotations of guarded) {
    it(`takes ${JSON.stringify(annotations)} for a guard`, () => {
      assert.ok(isPruneGuarded({ other: 'x', ...annotations }))
    })
  }

  it('takes nothing else for one', () => {
    assert.ok(!isPruneGuarded())
    assert.ok(!isPruneGuarded({ 'groundswell.dev/prune': 'enabled', disabled: 'disabled' }))
    assert.ok(!isPruneGuarded({ 'argocd.argoproj.io/sync-options': 'Prune=true' }))
    assert.ok(!isPruneGuarded({ 'helm.sh/resource-policy': 7 }))
  })
})
