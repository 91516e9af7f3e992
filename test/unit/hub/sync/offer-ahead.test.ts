import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  type OfferKeys,
  assignment,
  createOfferKeys,
  createOfferWorld,
  payloadOf,
  start,
} from './offer-world.ts'

describe('offers to an agent that is ahead of its hub', () => {
  let keys: OfferKeys
  before(async () => {
    keys = await createOfferKeys()
  })
  const world = () => createOfferWorld(keys)

  test('T19: what was signed when the ledger had more than now is not undone by what it has now', async () => {
    const hub = world()
    const ledger = { index: 9, digest: digestOf('line nine') }
    hub.assign(assignment('shop', 'two', 2))
    hub.ledgerIs({ head: () => ledger, has: () => true })
    const signed = (await hub.offer(start)).offer!
    assert.deepEqual((await hub.last())?.ledger, ledger)
    // The same record, the same agent, and assignments of long ago.
    hub.assign(assignment('shop', 'one'))
    const restrained: string[] = []
    hub.restrainBy((cluster) => {
      restrained.push(cluster)
      return 'wait'
    })
    const asked: unknown[] = []
    const has = (head: object): boolean => asked.push(head) === 0
    hub.ledgerIs({ head: () => ({ ...ledger, index: 4 }), has })
    assert.deepEqual(await hub.offer({ ...signed }), { offer: null, current: null })
    assert.deepEqual([restrained, asked], [['a'], [ledger]])
    // A ledger that has the line keeps nothing back.
    hub.ledgerIs({ head: () => ledger, has: () => true })
    assert.deepEqual([(await hub.offer({ ...signed })).offer?.sequence, restrained], [2, ['a']])
  })

  test('T19: an agent that is ahead gets what is left of the list, signed after what it has', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'), assignment('web', 'old'))
    const at = { epoch: 1, sequence: 41, digest: digestOf('what it accepted') }
    hub.restrainBy((_, all) => all.filter(({ application }) => application === 'shop'))
    hub.signerForgets()
    const { offer } = await hub.offer(at)
    assert.deepEqual(
      payloadOf(offer!.envelope).applications.map(({ name }) => name),
      ['shop'],
    )
    assert.equal(offer?.sequence, 42)
  })

  test('T19: a signer’s record that is newer than the ledger vouches for nothing: what the agent runs is waited for', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'two', 9))
    const first = (await hub.offer(start)).offer!
    // Redis and ledger are those of before, and the signer's record is not.
    hub.lose()
    hub.assign(assignment('shop', 'one', 2))
    const heard: { beyond?: boolean } = {}
    hub.restrainBy(
      () => 'wait',
      () => heard.beyond,
    )
    assert.deepEqual(await hub.offer({ ...first }), { offer: null, current: null })
    heard.beyond = true
    assert.deepEqual(await hub.offer({ ...first }), { offer: null, current: null })
    assert.equal(hub.signed(), 1)
    heard.beyond = false
    assert.equal((await hub.offer({ ...first })).offer?.sequence, 2)
  })

  test('T19: a new epoch hides nobody who is ahead', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const kept: string[] = []
    hub.restrainBy((cluster) => {
      kept.push(cluster)
      return 'wait'
    })
    hub.publish(2)
    const at = { epoch: 1, sequence: 41, digest: digestOf('what it accepted') }
    assert.deepEqual(await hub.offer(at), { offer: null, current: null })
    assert.deepEqual(kept, ['a'])
  })

  test('F11: a record that is lost with Redis keeps nothing back, since the signer has its own', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    hub.lose()
    hub.restrainBy(() => assert.fail('the agent is no further than the signer'))
    hub.assign(assignment('shop', 'two', 2))
    assert.equal((await hub.offer({ ...first })).offer?.sequence, 2)
    // Not asked, nobody knows.
    hub.lose()
    hub.signerIsAway()
    assert.deepEqual(await hub.offer({ ...first }), { offer: null, current: null })
    assert.deepEqual(hub.refusals, ['signer_unavailable'])
  })
})
