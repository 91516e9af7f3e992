import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { AgentError } from '../../../agent/errors.ts'
import type { TrustState } from '../../../agent/trust/state.ts'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { settle } from '../../support/manual-clock.ts'
import { bundleOf, signOffer } from '../../support/signed-offer.ts'
import { makeSigningKey } from '../../support/signing-key.ts'
import { until } from '../../support/until.ts'
import { blankTrust, createAgentWorld } from './agent-world.ts'

let key: SigningKey

before(async () => {
  key = await makeSigningKey()
})

const soon = { deadlineMs: 5_000, intervalMs: 1 }

/** An agent that has accepted sequence 5 and holds its content. */
async function agentAt5(rest: Partial<TrustState> = {}) {
  const bundle = bundleOf('shop', 'x')
  const { envelope, digest } = await signOffer(key, 5, bundle)
  const state = { ...blankTrust, sequence: 5, snapshotDigest: digest, envelope, ...rest }
  const world = createAgentWorld(key, state)
  for (const blob of [bundle.manifest, ...bundle.objects]) {
    world.content.blobs.set(blob.digest, blob.bytes)
  }
  world.hub.store(bundle)
  const offer = async (sequence: number) =>
    world.hub.last().offer((await signOffer(key, sequence, bundle)).envelope)
  const running = world.run()
  running.catch(() => {})
  await until(() => world.hub.streams.length > 0, { ...soon, what: 'a stream' })
  world.hub.last().welcome()
  await settle()
  return { world, running, offer }
}

test('F27: in doubt an agent keeps what runs, says where it is, and takes nothing new', async () => {
  const { world, running, offer } = await agentAt5({ doubt: 'the Secret is gone' })
  assert.equal(world.reconciled[0]?.snapshot.snapshot.sequence, 5)
  const [hello] = world.hub.last().heard('hello')
  assert.deepEqual([hello?.epoch, hello?.sequence], [1n, 5n])
  await offer(6)
  const verdicts = () => world.hub.last().heard('verdict')
  await until(() => verdicts().length > 0, { ...soon, what: 'a verdict' })
  const [verdict] = verdicts()
  assert.deepEqual([verdict?.accepted, verdict?.code], [false, 'trust_state_doubtful'])
  assert.deepEqual([world.reconciled.length, world.trust.saves], [1, 0])
  assert.equal(world.reconciled[0]?.signal.aborted, false)
  world.stop()
  await running
})

test('T18: an agent restored from a backup says so by its sequence, and goes forward from there', async () => {
  const { world, running, offer } = await agentAt5()
  assert.equal(world.hub.last().heard('hello')[0]?.sequence, 5n)
  await offer(9)
  await until(() => world.trust.saves > 0, { ...soon, what: 'the newest to be saved' })
  assert.equal((await world.trust.load()).sequence, 9)
  world.stop()
  await running
})

test('F28: an agent that finds another one on its cluster stops, and says why', async () => {
  const { world, running, offer } = await agentAt5()
  world.trust.save = async () =>
    Promise.reject(new AgentError('another_agent', 'written by another agent'))
  await offer(6)
  await assert.rejects(running, { code: 'another_agent' })
  assert.equal(world.reconciled.length, 1)
  assert.equal(world.hub.last().closed, true)
})
