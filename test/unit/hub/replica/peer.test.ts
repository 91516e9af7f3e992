import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatCaller, parseCaller, readReplicaName } from '../../../../hub/replica/peer.ts'
import { clientAuth } from '../../../../hub/sync/identity.ts'

const replica = {
  subjectaltname: 'URI:spiffe://fleet/replica/one',
  serialNumber: '0201',
  ext_key_usage: [clientAuth],
  ca: false,
}

describe('a certificate of a replica', () => {
  it('names it', () => {
    assert.equal(readReplicaName(replica, 'fleet'), 'one')
  })

  const others: Readonly<Record<string, object | undefined>> = {
    'no certificate': undefined,
    "an agent's": { ...replica, subjectaltname: 'URI:spiffe://fleet/cluster/one' },
    "another fleet's": { ...replica, subjectaltname: 'URI:spiffe://other/replica/one' },
    "the hub's own for servers": { ...replica, ext_key_usage: ['1.3.6.1.5.5.7.3.1'] },
    'one for both uses': { ...replica, ext_key_usage: [clientAuth, '1.3.6.1.5.5.7.3.1'] },
    'a CA': { ...replica, ca: true },
    'one with two names': {
      ...replica,
      subjectaltname: 'URI:spiffe://fleet/replica/one, URI:spiffe://fleet/cluster/x',
    },
    'one without a name': { ...replica, subjectaltname: 'URI:spiffe://fleet/replica/' },
  }
  for (const [name, certificate] of Object.entries(others)) {
    it(`${name} is none`, () => {
      assert.equal(readReplicaName(certificate, 'fleet'), undefined)
    })
  }
})

describe('whom a replica calls for', () => {
  const certificate = { ...replica, subjectaltname: 'URI:spiffe://fleet/cluster/x' }

  it('arrives as TLS saw it', () => {
    const caller = { certificate, address: 'ipv4:10.0.0.1:5' }
    assert.deepEqual(parseCaller(formatCaller(caller)), caller)
  })

  it('is nobody when a part is missing, of another kind, or too long', () => {
    const whole = { ...certificate, address: 'x' }
    for (const [member, value] of [
      ['address', undefined],
      ['subjectaltname', 7],
      ['serialNumber', undefined],
      ['ext_key_usage', 'all'],
      ['ext_key_usage', [1]],
      ['ca', 'no'],
      ['address', 'x'.repeat(5_000)],
    ] as const) {
      assert.equal(parseCaller(JSON.stringify({ ...whole, [member]: value })), undefined, member)
    }
    for (const text of ['', '[]', 'null', '{']) assert.equal(parseCaller(text), undefined)
    assert.equal(parseCaller(formatCaller({ certificate: undefined, address: 'x' })), undefined)
  })
})
