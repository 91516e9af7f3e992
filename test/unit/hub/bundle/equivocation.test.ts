import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { readEquivocation } from '../../../../hub/bundle/equivocation.ts'
import { type RootChain, openRoot } from '../../../../hub/bundle/root-chain.ts'
import { type SigningKey, signStatement } from '../../../../hub/bundle/sign.ts'
import { bundleOf, signOffer } from '../../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'
import { startSpending } from '../../../support/processor-time.ts'

let key: SigningKey
let fresh: SigningKey
let chain: RootChain
const [one, two] = [bundleOf('shop', '1'), bundleOf('shop', '2')]

before(async () => {
  ;[key, fresh] = [await makeSigningKey(), await makeSigningKey()]
  const first = rootOf('f', key)
  // The key was taken back since, in a new epoch.
  const roles = { ...first.roles, snapshot: { keys: [fresh.publicKey], threshold: 1 } }
  const next = { ...first, version: 2, epoch: 2, roles }
  chain = await Promise.all(
    [first, next].map(async (root) =>
      openRoot((await signStatement('root', root, [key])).envelope),
    ),
  )
})

test('T3: two snapshots under one sequence are proved by their signatures, by a key revoked since too', async () => {
  const [a, b] = [await signOffer(key, 5, one), await signOffer(key, 5, two)]
  assert.deepEqual(readEquivocation(a.envelope, b.envelope, 'id-a', chain), {
    epoch: 1,
    sequence: 5,
    accepted: a.digest,
    refused: b.digest,
  })
  const freshness = {
    ...{ v: 1, fleet: 'f', aud: 'id-a', nonce: 'n'.repeat(43), issuedAt: 1, expiresAt: 601 },
    ...{ epoch: 1, sequence: 5, snapshot: b.digest, rootVersion: 1, auditHead: null },
  }
  const told = await signStatement('freshness', freshness, [key])
  assert.equal(readEquivocation(a.envelope, told.envelope, 'id-a', chain)?.refused, b.digest)
})

test('T3: an agent that lies proves nothing', async () => {
  const a = (await signOffer(key, 5, one)).envelope
  const stranger = await makeSigningKey()
  const lies = {
    'the same twice': a,
    'another sequence': (await signOffer(key, 6, two)).envelope,
    'another cluster': (await signOffer(key, 5, two, { aud: 'id-b' })).envelope,
    'another epoch': (await signOffer(fresh, 5, two, { epoch: 2 })).envelope,
    'a key of its own': (await signOffer(stranger, 5, two)).envelope,
    'a key of another epoch': (await signOffer(fresh, 5, two)).envelope,
    'no envelope': Buffer.from('{}'),
    'a changed byte': Buffer.from(a).fill(65, 20, 21),
    'no statement': (await signStatement('snapshot', { v: 1 }, [key])).envelope,
  }
  for (const [name, b] of Object.entries(lies)) {
    assert.equal(readEquivocation(a, b, 'id-a', chain), undefined, name)
    assert.equal(readEquivocation(b, a, 'id-a', chain), undefined, name)
  }
})

test('T3: evidence is read once, however many root statements it may be under', async () => {
  const roles = chain[0]!.root.roles
  const long: RootChain = await Promise.all(
    Array.from({ length: 300 }, async (_, at) => {
      const other = await makeSigningKey()
      const snapshot = { keys: [other.publicKey], threshold: 1 }
      const root = { ...chain[0]!.root, version: at + 2, roles: { ...roles, snapshot } }
      return { ...chain[0]!, root }
    }),
  )
  const applications = Array.from({ length: 2_000 }, (_, at) => ({
    ...{ name: `a${at}`, generation: 1, state: 'removed', deletionPolicy: 'Delete' },
  }))
  const change = { applications: applications as never }
  const a = (await signOffer(key, 5, one, change)).envelope
  const b = (await signOffer(key, 5, two, { ...change, previous: null, issuedAt: 7 })).envelope
  const all = [...long, chain[0]!]
  const spent = startSpending()
  assert.equal(readEquivocation(a, b, 'id-a', all)?.sequence, 5)
  assert.equal(readEquivocation(a, a, 'id-a', long), undefined)
  assert.ok(spent() < 2_000)
})
