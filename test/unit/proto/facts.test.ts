import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areFacts, factsDigest, factsLimits } from '@groundswell/proto/facts.ts'

const facts = { kubernetesVersion: 'v1.35.4', apis: ['apps/v1', 'apps/v1/Deployment', 'v1'] }

test('facts are a version and a sorted list, spelled as Kubernetes spells them', () => {
  assert.ok(areFacts(facts))
  assert.ok(areFacts({ ...facts, kubernetesVersion: 'v1.33.4-gke.1245000' }))
  for (const kubernetesVersion of ['', 'v0.0.0-memory\n', 'nonsense', `v1.2${'3'.repeat(200)}`]) {
    assert.ok(!areFacts({ ...facts, kubernetesVersion }), kubernetesVersion)
  }
  const many = Array.from({ length: factsLimits.apis + 1 }, (_, n) => `g${10_000 + n}.io/v1`)
  const long = Array.from({ length: 2_000 }, (_, n) => `${'a'.repeat(200)}${10_000 + n}.io/v1`)
  for (const apis of [[], ['v1', 'apps/v1'], ['v1', 'v1'], ['apps/V1'], ['v1 '], many, long]) {
    assert.ok(!areFacts({ ...facts, apis }), JSON.stringify(apis.slice(0, 2)))
  }
})

test('another version or another list is named otherwise', () => {
  const names = [facts, { ...facts, kubernetesVersion: 'v1.35.5' }, { ...facts, apis: ['v1'] }].map(
    factsDigest,
  )
  assert.equal(new Set(names).size, 3)
  assert.equal(factsDigest(facts), factsDigest({ ...facts, apis: [...facts.apis] }))
})
