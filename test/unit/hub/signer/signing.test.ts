import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Freshness, Snapshot } from '@groundswell/proto/statement.ts'
import { signStatement, type SigningKey } from '../../../../hub/bundle/sign.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { SignerPolicy } from '../../../../hub/signer/policy.ts'
import {
  type SignerState,
  emptyRecord,
  foldSignerEntry,
  listEntries,
} from '../../../../hub/signer/record.ts'
import type { SignRequest } from '../../../../hub/signer/signer.ts'
import { createMemorySigner } from '../../../support/open-signer.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const now = 1_767_225_600_000
const url = 'https://git.example/fleet.git'
const nowhere = { epoch: 1, sequence: 0, digest: null }

function present(name: string, content: string): SignRequest['applications'][number] {
  const manifest = { digest: digestOf(content), size: 1 }
  return { name, generation: 1, state: 'present', manifest, revision: 'main@sha1:1' }
}

function removed(name: string): SignRequest['applications'][number] {
  return { name, generation: 2, state: 'removed', deletionPolicy: 'Delete' }
}

function ask(...applications: SignRequest['applications'][number][]): SignRequest {
  return { cluster: 'a', clusterId: 'id-a', clusterUid: 'uid-a', applications, floor: nowhere }
}

function payloadOf(envelope: Uint8Array): unknown {
  const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string }
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}

describe('createSigner', () => {
  let key: SigningKey

  before(async () => {
    key = await makeSigningKey()
  })

  async function world(
    options: { policy?: Partial<SignerPolicy>; state?: SignerState; epoch?: number } = {},
  ) {
    const root = { ...rootOf('f', key), epoch: options.epoch ?? 1 }
    const signer = await createMemorySigner({ root, keys: [key], clock: () => now, ...options })
    /** What Git asks for: application → content, on clusters `a` and `b`. */
    const attest = (wanted: Record<string, string>, kinds = ['ConfigMap']) =>
      signer.attest({
        fleetRevision: 'main@sha1:1',
        clusters: ['a', 'b'],
        names: Object.keys(wanted),
        groups: { test: ['a'] },
        applications: Object.entries(wanted).map(([name, content]) => ({
          name,
          keep: [],
          contents: [
            {
              digest: digestOf(content),
              repository: 'fleet',
              url,
              revision: 'main@sha1:1',
              kinds,
              clusters: ['a', 'b'],
            },
          ],
        })),
      })
    const refuses = (request: SignRequest, code: string) =>
      assert.rejects(signer.sign(request), (error) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, code)
        return true
      })
    return { signer, attest, refuses }
  }

  test('T16: signs what the renderer attested for that application and cluster, nothing else', async () => {
    const { signer, attest, refuses } = await world()
    await refuses(ask(present('shop', 'one')), 'sign_unattested')
    await attest({ shop: 'one', blog: 'two' })
    assert.equal((await signer.sign(ask(present('shop', 'one')))).sequence, 1)
    await refuses(ask(present('shop', 'evil')), 'sign_unattested')
    await refuses(ask(present('shop', 'two')), 'sign_unattested')
    await refuses(
      { ...ask(present('shop', 'one')), cluster: 'z', clusterId: 'z' },
      'sign_unattested',
    )
    assert.equal((await signer.sign(ask(present('shop', 'one')))).sequence, 2)
  })

  test('T16: goes back only as far as the policy says', async () => {
    const { signer, attest, refuses } = await world({ policy: { history: 2 } })
    for (const content of ['one', 'two', 'three']) await attest({ shop: content })
    await refuses(ask(present('shop', 'one')), 'sign_unattested')
    assert.equal((await signer.sign(ask(present('shop', 'two')))).sequence, 1)
    // Git may go back by itself: what it asks for now is the newest.
    await attest({ shop: 'one' })
    assert.equal((await signer.sign(ask(present('shop', 'one')))).sequence, 2)
    await refuses(ask(present('shop', 'two')), 'sign_unattested')
  })

  test('I4 T16: a tombstone needs Git to have dropped the application, or a first rollout to take back', async () => {
    const { signer, attest, refuses } = await world()
    await attest({ shop: 'one', blog: 'b' })
    await refuses(ask(removed('shop')), 'sign_removal')
    await signer.sign(ask(present('shop', 'one')))
    // The first rollout is taken back.
    await signer.sign(ask(removed('shop')))
    await signer.sign(ask(removed('shop')))
    await signer.sign(ask(present('shop', 'one')))
    await attest({ shop: 'two', blog: 'b' })
    await signer.sign(ask(present('shop', 'two')))
    await refuses(ask(removed('shop')), 'sign_removal')
    await attest({ blog: 'b' })
    await signer.sign(ask(removed('shop')))
    await refuses(ask(removed('blog')), 'sign_removal')
  })

  test('I4 what failed to render, and what is suspended, is not taken for dropped', async () => {
    const { signer, attest, refuses } = await world()
    await attest({ shop: 'one' })
    await attest({ shop: 'two' })
    await signer.sign(ask(present('shop', 'one')))
    await signer.sign(ask(present('shop', 'two')))
    const around = { fleetRevision: 'r', clusters: ['a', 'b'], groups: {} }
    await signer.attest({ ...around, names: ['shop'], applications: [] })
    await refuses(ask(removed('shop')), 'sign_removal')
    const suspended = { name: 'shop', contents: [], keep: ['a'] }
    await signer.attest({ ...around, names: ['shop'], applications: [suspended] })
    await refuses(ask(removed('shop')), 'sign_removal')
    // A cluster that Git no longer declares is detached: nothing on it is unwanted.
    await signer.attest({ ...around, clusters: ['b'], names: [], applications: [] })
    await refuses(ask(removed('shop')), 'sign_removal')
  })

  test('T16: the policy bounds repositories, kinds, clusters and removals', async () => {
    const closed = await world({ policy: { repositories: ['https://git.example/other.git'] } })
    await closed.attest({ shop: 'one' })
    await closed.refuses(ask(present('shop', 'one')), 'sign_forbidden')
    const kinds = await world({ policy: { kinds: ['ConfigMap', 'apps/*'] } })
    await kinds.attest({ shop: 'one' }, ['ConfigMap', 'apps/Deployment'])
    await kinds.signer.sign(ask(present('shop', 'one')))
    await kinds.attest({ shop: 'two' }, ['rbac.authorization.k8s.io/ClusterRoleBinding'])
    await kinds.refuses(ask(present('shop', 'two')), 'sign_forbidden')
    const groups = await world({ policy: { clusters: [], groups: ['test'], removals: 'never' } })
    await groups.attest({ shop: 'one' })
    await groups.signer.sign(ask(present('shop', 'one')))
    await groups.refuses(ask(removed('shop')), 'sign_forbidden')
    const other = { ...ask(present('shop', 'one')), cluster: 'b', clusterId: 'id-b' }
    await groups.refuses(other, 'sign_forbidden')
  })

  test('T11: an id stays bound to the name and UID it first had', async () => {
    const { signer, attest, refuses } = await world()
    await attest({ shop: 'one' })
    await signer.sign(ask(present('shop', 'one')))
    await refuses({ ...ask(present('shop', 'one')), cluster: 'b' }, 'sign_identity')
    await refuses({ ...ask(present('shop', 'one')), clusterUid: 'other' }, 'sign_identity')
  })

  test('T4: a floor far ahead is refused, and a new epoch starts afresh', async () => {
    const { signer, attest, refuses } = await world({ epoch: 2 })
    await attest({ shop: 'one' })
    const at = (epoch: number, sequence: number) => ({
      ...ask(present('shop', 'one')),
      floor: { epoch, sequence, digest: null },
    })
    await refuses(at(2, 2 ** 53 - 2), 'sign_sequence')
    const { epoch, sequence } = await signer.sign(at(1, 2 ** 53 - 2))
    assert.deepEqual([epoch, sequence], [2, 1])
  })

  test('T4: freshness far ahead of what was signed is refused: an agent in doubt would take it for its own', async () => {
    const { signer, attest } = await world()
    await attest({ shop: 'one' })
    await signer.sign(ask(present('shop', 'one')))
    const freshness = (epoch: number, sequence: number) =>
      signer.freshness({
        ...{ clusterId: 'id-a', nonce: 'n'.repeat(43), auditHead: null },
        at: { epoch, sequence, digest: digestOf('made up') },
      })
    await assert.rejects(freshness(1, 2 ** 53 - 1), { code: 'sign_sequence' })
    await assert.rejects(freshness(1, 2 + 2 ** 20), { code: 'sign_sequence' })
    for (const [epoch, sequence, named] of [
      [1, 1 + 2 ** 20, 1 + 2 ** 20],
      [2, 2 ** 53 - 1, 1],
    ] as const) {
      const { envelope } = await freshness(epoch, sequence)
      assert.equal((payloadOf(envelope) as Freshness).sequence, named)
    }
  })

  test('I3 T19: a sequence is never used twice, whatever floors it is told and whatever is restored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(30), { maxLength: 20 }), async (floors) => {
        let state = emptyRecord()
        const seen = new Map<number, Digest>()
        let agent = 0
        for (const [at, floor] of floors.entries()) {
          // Every third time it starts again from its own record, read back.
          if (at % 3 === 2) {
            const kept = emptyRecord()
            for (const entry of listEntries(state)) foldSignerEntry(kept, entry)
            state = kept
          }
          const { signer, attest } = await world({ state })
          await attest({ shop: `content ${at}` })
          const told = { epoch: 1, sequence: Math.max(floor - 15, 0), digest: null }
          const made = await signer.sign({ ...ask(present('shop', `content ${at}`)), floor: told })
          assert.ok(made.sequence > agent && made.sequence > told.sequence)
          assert.equal(seen.has(made.sequence), false)
          seen.set(made.sequence, made.digest)
          agent = made.sequence
        }
      }),
      { numRuns: 30 },
    )
  })

  test('T19: a signer restored from an old backup goes on after what agents report', async () => {
    const { signer, attest } = await world()
    await attest({ shop: 'one' })
    const floor = { epoch: 1, sequence: 8, digest: digestOf('accepted') }
    const made = await signer.sign({ ...ask(present('shop', 'one')), floor })
    assert.equal(made.sequence, 9)
    assert.equal((payloadOf(made.envelope) as Snapshot).previous, floor.digest)
  })

  test('T5 T38: freshness says the newest that was signed and the head of the ledger, for one nonce', async () => {
    const { signer, attest } = await world()
    await attest({ shop: 'one' })
    const made = await signer.sign(ask(present('shop', 'one')))
    const auditHead = { index: 7, digest: digestOf('line') }
    const old = { epoch: 1, sequence: 0, digest: null }
    const given = await signer.freshness({
      clusterId: 'id-a',
      nonce: 'n'.repeat(43),
      at: old,
      auditHead,
    })
    assert.deepEqual(payloadOf(given.envelope), {
      v: 1,
      fleet: 'f',
      aud: 'id-a',
      nonce: 'n'.repeat(43),
      issuedAt: now / 1000,
      expiresAt: now / 1000 + 600,
      epoch: 1,
      sequence: made.sequence,
      snapshot: made.digest,
      rootVersion: 1,
      auditHead,
    })
  })

  test('T15: a revoked key is gone from the next signature on; a root that names lacking keys is refused', async () => {
    const fresh = await makeSigningKey()
    const root = rootOf('f', key)
    const keys = [key]
    const signer = await createMemorySigner({ root, keys, clock: () => now })
    const role = { keys: [fresh.publicKey], threshold: 1 }
    const next = {
      ...root,
      version: 2,
      epoch: 2,
      roles: { ...root.roles, snapshot: role, freshness: role },
    }
    const { envelope } = await signStatement('root', next, [key])
    await assert.rejects(signer.adopt(envelope), /put the key file there first/)
    keys.push(fresh)
    await signer.adopt(envelope)
    await signer.adopt(envelope)
    assert.equal((await signer.roots()).length, 2)
    const made = await signer.sign(ask())
    assert.deepEqual([made.epoch, made.sequence], [2, 1])
    const skipped = { ...next, version: 4 }
    await assert.rejects(
      signer.adopt((await signStatement('root', skipped, [key])).envelope),
      /does not follow/,
    )
    const foreign = (await signStatement('root', { ...next, version: 3 }, [fresh])).envelope
    await assert.rejects(signer.adopt(foreign), /0 of the 1 signatures/)
  })
})
