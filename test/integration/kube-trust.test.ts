import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Connection } from '../../agent/cluster/connection.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import { type SecretCopy, createSecretCopy } from '../../agent/trust/kube.ts'
import type { TrustState } from '../../agent/trust/state.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { kubeCall } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

const at = (sequence: number): TrustState => ({
  root: Buffer.from('root'),
  epoch: 1,
  sequence,
  snapshotDigest: digestOf(`${sequence}`),
  envelope: Buffer.from(`snapshot ${sequence}`),
})

describe('trust state in a Secret of a real API server', () => {
  let plane: ControlPlane
  let connection: Connection
  const open: SecretCopy[] = []
  const agent = (name: string) => {
    const copy = createSecretCopy(connection, { namespace: 'default', name })
    open.push(copy)
    return copy
  }
  const pathOf = (name: string) => `/api/v1/namespaces/default/secrets/${name}`

  before(async () => {
    plane = await startControlPlane({ name: 'kube-trust' })
    connection = await loadConnection({ kubeconfig: plane.kubeconfig })
    await until(() => kubeCall(plane, 'GET', '/api/v1/namespaces/default'), {
      deadlineMs: 10_000,
      what: 'the default namespace',
    })
  })
  after(async () => {
    for (const copy of open) await copy.close()
    await plane?.stop()
  })

  it('is made, replaced, and found again by the next pod', async () => {
    const first = agent('lives')
    assert.equal(await first.load(), null)
    for (const sequence of [1, 2, 3]) await first.save(at(sequence))
    assert.deepEqual(await agent('lives').load(), at(3))
  })

  it('F28: of two agents on one cluster the second to write is told to stop', async () => {
    const [one, two] = [agent('shared'), agent('shared')]
    await one.load()
    await two.load()
    await one.save(at(1))
    await assert.rejects(two.save(at(1)), { code: 'another_agent' })
    await two.load()
    await two.save(at(2))
    await assert.rejects(one.save(at(2)), { code: 'another_agent' })
    assert.deepEqual(await agent('shared').load(), at(2))
  })

  it('F28: an agent whose Secret was taken away does not go on as if it were alone', async () => {
    const copy = agent('gone')
    await copy.load()
    await copy.save(at(1))
    await kubeCall(plane, 'DELETE', pathOf('gone'))
    await assert.rejects(copy.save(at(2)))
  })

  it('an agent that has just joined takes the place of what was there', async () => {
    const old = agent('joined')
    await old.load()
    await old.save(at(9))
    await agent('joined').save(at(0))
    assert.deepEqual(await agent('joined').load(), at(0))
    await assert.rejects(old.save(at(10)), { code: 'another_agent' })
  })

  it('F27: a Secret with anything else in it is damaged, and can be replaced', async () => {
    for (const data of [undefined, {}, { state: 'bm90IGd6aXA=' }, { other: 'eA==' }]) {
      const name = `damaged-${digestOf(JSON.stringify(data ?? null)).slice(7, 17)}`
      await kubeCall(plane, 'POST', '/api/v1/namespaces/default/secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name },
        ...(data && { data }),
      })
      const copy = agent(name)
      await assert.rejects(copy.load(), { code: 'trust_state_corrupt' })
      await copy.save(at(4))
      assert.deepEqual(await agent(name).load(), at(4))
    }
  })

  it('holds the largest snapshot', async () => {
    const applications = Array.from({ length: 2_000 }, (_, n) => digestOf(`application ${n}`))
    const envelope = Buffer.from(
      Buffer.from(JSON.stringify(applications).repeat(5)).toString('base64url'),
    )
    assert.ok(envelope.byteLength > 900_000)
    await agent('large').save({ ...at(1), envelope })
    assert.deepEqual((await agent('large').load())?.envelope, envelope)
  })

  it('F26: what the API server does not take was not saved', async () => {
    const copy = createSecretCopy(connection, { namespace: 'no-such-namespace', name: 'x' })
    open.push(copy)
    await assert.rejects(copy.save(at(1)), { code: 'trust_state_unwritable' })
  })
})
