import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Connection } from '../../agent/cluster/connection.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import type { StoredIdentity } from '../../agent/link/identity.ts'
import { type SecretIdentityStore, createSecretIdentityStore } from '../../agent/link/kube.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { kubeCall } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

const at = (generation: number): StoredIdentity => ({
  identity: { fleet: 'test', cluster: 'alpha', clusterId: 'id-alpha', clusterUid: 'uid-alpha' },
  endpoint: { address: 'hub:8444', hubCa: 'ca', certificateChain: 'chain', key: 'key' },
  boundKey: 'bound',
  generation,
})

interface LiveSecret {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}

describe('identity in a Secret of a real API server', () => {
  let plane: ControlPlane
  let connection: Connection
  const open: SecretIdentityStore[] = []
  const pod = (name: string) => {
    const store = createSecretIdentityStore(connection, { namespace: 'default', name })
    open.push(store)
    return store
  }
  const folder = '/api/v1/namespaces/default/secrets'

  before(async () => {
    plane = await startControlPlane({ name: 'kube-identity' })
    connection = await loadConnection({ kubeconfig: plane.kubeconfig })
    await until(() => kubeCall(plane, 'GET', '/api/v1/namespaces/default'), {
      deadlineMs: 10_000,
      what: 'the default namespace',
    })
  })
  after(async () => {
    for (const store of open) await store.close()
    await plane?.stop()
  })

  it('is made, replaced, and found again by the next pod', async () => {
    const first = pod('lives')
    assert.equal(await first.load(), undefined)
    for (const generation of [1, 2, 3]) await first.save(at(generation))
    assert.deepEqual(await pod('lives').load(), at(3))
  })

  it('fills the empty Secret that was installed for it, and leaves its marks there', async () => {
    const metadata = { name: 'installed', labels: { owner: 'ops' }, annotations: { note: 'ours' } }
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque' }
    await kubeCall(plane, 'APPLY', `${folder}/installed?fieldManager=installer`, secret)
    const store = pod('installed')
    assert.equal(await store.load(), undefined)
    await store.save(at(1))
    await store.save(at(2))
    const { metadata: kept } = await kubeCall<LiveSecret>(plane, 'GET', `${folder}/installed`)
    assert.equal(kept.labels?.['owner'], 'ops')
    assert.equal(kept.annotations?.['note'], 'ours')
    // Installed again, as an upgrade does, it stays filled and nobody has to force anything.
    await kubeCall(plane, 'APPLY', `${folder}/installed?fieldManager=installer`, secret)
    assert.deepEqual(await pod('installed').load(), at(2))
  })

  it('F28: of two pods the one that started last goes on, and the other learns of it', async () => {
    await pod('shared').save(at(1))
    const [one, two] = [pod('shared'), pod('shared')]
    await one.claim!((await one.load())!)
    await one.confirm!()
    const seen = (await two.load())!
    await two.claim!(seen)
    await assert.rejects(one.confirm!(), { code: 'another_agent' })
    await assert.rejects(one.save(at(2)), { code: 'another_agent' })
    await two.confirm!()
    await two.save(at(2))
    assert.deepEqual(await pod('shared').load(), at(2))
  })

  it('F28: of two pods that start at the same moment one is refused', async () => {
    await pod('together').save(at(1))
    const pods = Array.from({ length: 6 }, () => pod('together'))
    for (const store of pods) await store.load()
    const claims = await Promise.allSettled(pods.map((store) => store.claim!(at(1))))
    const refusals = claims.flatMap((claim) => (claim.status === 'rejected' ? [claim.reason] : []))
    assert.deepEqual(
      refusals.map(({ code }: { code?: string }) => code),
      Array.from({ length: 5 }, () => 'another_agent'),
    )
  })

  it('F28: an agent whose Secret was taken away does not go on as if it were alone', async () => {
    const store = pod('gone')
    await store.save(at(1))
    await kubeCall(plane, 'DELETE', `${folder}/gone`)
    await assert.rejects(store.confirm!(), { code: 'another_agent' })
    await assert.rejects(store.save(at(2)), { code: 'trust_state_unwritable' })
  })

  it('anything else in it is damage, told by name and without its content', async () => {
    for (const [index, text] of ['not JSON', '{}', '{"identity":{}}', '[]', 'null'].entries()) {
      const name = `damaged-${index}`
      const data = { identity: Buffer.from(text).toString('base64') }
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data }
      await kubeCall(plane, 'POST', folder, secret)
      await assert.rejects(pod(name).load(), {
        code: 'config_invalid',
        message: `Secret default/${name} is damaged; empty it and join again`,
      })
    }
  })

  it('F26: what the API server does not take was not saved', async () => {
    const secret = { namespace: 'no-such-namespace', name: 'x' }
    const store = createSecretIdentityStore(connection, secret)
    open.push(store)
    await assert.rejects(store.save(at(1)), { code: 'trust_state_unwritable' })
  })
})
