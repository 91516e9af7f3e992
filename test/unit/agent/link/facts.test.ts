import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsDigest } from '@groundswell/proto/facts.ts'
import { createFactsTelling } from '../../../../agent/link/facts.ts'
import type { RequestMessage } from '../../../../agent/link/session.ts'

test('an agent tells what its cluster is when the hub knows otherwise, and when it changed', () => {
  let facts: { kubernetesVersion: string; apis?: readonly string[] } = { kubernetesVersion: '' }
  const telling = createFactsTelling(() => facts)
  const sent: RequestMessage[] = []
  const on = { send: async (message: RequestMessage) => void sent.push(message) }
  const told = () =>
    sent.splice(0).map(({ value }) => (value as { kubernetesVersion: string }).kubernetesVersion)

  telling.attach(on)
  assert.deepEqual(told(), [], 'nothing is known yet')
  facts = { kubernetesVersion: 'v1.35.4', apis: ['v1'] }
  telling.notice()
  telling.notice()
  assert.deepEqual(told(), ['v1.35.4'])
  telling.attach(undefined)
  facts = { kubernetesVersion: 'v1.36.0', apis: ['v1'] }
  telling.notice()
  assert.deepEqual(told(), [], 'nobody listens')
  telling.attach(on, factsDigest({ kubernetesVersion: 'v1.36.0', apis: ['v1'] }))
  assert.deepEqual(told(), [], 'the hub knows')
  telling.attach(on, 'sha256:of another')
  assert.deepEqual(told(), ['v1.36.0'])
  facts = { kubernetesVersion: 'v1.36.0', apis: Array.from({ length: 5_000 }, (_, n) => `v${n}`) }
  telling.notice()
  assert.deepEqual(told(), [], 'more than may be told')
})
