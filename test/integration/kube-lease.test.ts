import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import { createLeaseStore } from '../../agent/lease/kube.ts'
import { takeLease } from '../../agent/lease/lease.ts'
import { openChaosProxy } from '../support/chaos-proxy.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { kubeCall } from '../support/kube-request.ts'

const name = { namespace: 'default', name: 'agent' }
const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/agent'

describe('the Lease of an agent on a real API server', () => {
  let plane: ControlPlane
  const open = async () =>
    createLeaseStore(await loadConnection({ kubeconfig: plane.kubeconfig }), name, Date.now)

  before(async () => {
    plane = await startControlPlane({ name: 'lease' })
  })
  after(() => plane?.stop())

  it('is written over by nobody who has not read what is there', async () => {
    const [one, other] = [await open(), await open()]
    const [seen, alike] = [await one.read(), await other.read()]
    const taken = await one.write(takeLease(seen!.record, 'one', '1'), seen!)
    assert.equal(taken?.record.holder, 'one')
    assert.equal(await other.write(takeLease(alike!.record, 'other', '1'), alike!), null)
    assert.equal((await other.read())?.record.holder, 'one')
    assert.ok(await one.write(taken.record, taken))
    await Promise.all([one.close(), other.close()])
  })

  it('F31: is renewed also where the API server takes seconds for each answer, as for all else', async () => {
    await using proxy = await openChaosProxy(new URL(plane.server).host)
    const connection = await loadConnection({ kubeconfig: plane.kubeconfig })
    const slow = { ...connection, server: `https://${proxy.address}` }
    const one = createLeaseStore(slow, { ...name, name: 'slow' }, Date.now)
    const seen = await one.read()
    const taken = await one.write(takeLease(seen!.record, 'one', '1'), seen!)
    proxy.delayMs = 3_200
    assert.equal((await one.write(taken!.record, taken!))?.record.holder, 'one')
    await one.close()
  })

  it('that somebody deleted is nobody’s, and not written over unread', async () => {
    const one = await open()
    const seen = await one.read()
    const taken = await one.write(takeLease(seen!.record, 'one', '1'), seen!)
    await kubeCall(plane, 'DELETE', path)
    assert.equal(await one.write(taken!.record, taken!), null)
    const free = await one.read()
    assert.equal(free?.record.holder, '')
    assert.ok(await one.write(takeLease(free.record, 'one', '1'), free))
    await one.close()
  })
})
