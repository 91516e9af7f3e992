import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentError } from '../../../../agent/errors.ts'
import { createAddresses, toTarget, tryEach } from '../../../../agent/link/addresses.ts'

const unreachable = new AgentError('hub_unreachable', 'nobody there')

describe('addresses of a hub', () => {
  it('are gone around, a dial each, beginning anywhere', () => {
    const addresses = createAddresses(() => 0.5)
    const dialled = [1, 2, 3, 4].map(() => addresses.next('a:1, b:1,c:1'))
    assert.deepEqual(dialled, ['b:1', 'c:1', 'a:1', 'b:1'])
  })

  it('one alone is itself each time, and a list that became shorter is gone around all the same', () => {
    const addresses = createAddresses(() => 0.99)
    assert.equal(addresses.next('a:1,b:1'), 'b:1')
    assert.equal(addresses.next('c:1'), 'c:1')
    assert.equal(addresses.next('c:1'), 'c:1')
  })

  it('go to gRPC as numbers when they are, and are looked up only when they are names', () => {
    const targets = ['127.0.0.1:8443', '[::1]:8443', 'hub.example:8443', '10.example:1'].map(
      toTarget,
    )
    assert.deepEqual(targets, [
      'ipv4:127.0.0.1:8443',
      'ipv6:[::1]:8443',
      'hub.example:8443',
      '10.example:1',
    ])
  })

  it('are tried until one is reached', async () => {
    const tried: string[] = []
    const found = await tryEach('a:1,b:1,c:1', async (address) => {
      tried.push(address)
      if (address === 'a:1') throw unreachable
      return address
    })
    assert.equal(found, 'b:1')
    assert.deepEqual(tried, ['a:1', 'b:1'])
  })

  it('a refusal is an answer: no other is asked', async () => {
    const tried: string[] = []
    const refuse = async (address: string): Promise<never> => {
      tried.push(address)
      throw new AgentError('token_refused', 'no')
    }
    await assert.rejects(tryEach('a:1,b:1', refuse), { code: 'token_refused' })
    assert.deepEqual(tried, ['a:1'])
    await assert.rejects(
      tryEach('a:1,b:1', () => Promise.reject(unreachable)),
      { code: 'hub_unreachable' },
    )
  })
})
