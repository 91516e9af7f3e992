import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewPolicy } from '../../../../hub/status/policy-view.ts'

test('a policy is told in words: what it judges by, where it applies, and what it lets through', () => {
  const view = viewPolicy({
    ...{ kind: 'Policy', name: 'baseline', labels: {}, annotations: {}, file: 'p.yaml', line: 1 },
    spec: {
      files: ['policies/pods.rego'],
      images: { requireDigest: true, allowedRegistries: ['registry.example'] },
      secrets: {},
      clusterGroup: 'prod',
      exceptions: [{ application: 'legacy', kind: 'Pod', reason: 'until spring' }],
    },
  })
  assert.deepEqual(view, {
    ...{ name: 'baseline', description: '', action: 'deny' },
    judges: [
      'policies/pods.rego',
      'images are named by digest',
      'images come from registry.example',
      'no secrets in plain text',
    ],
    applies: ['group prod'],
    exceptions: ['application legacy, kind Pod: until spring'],
  })
})
