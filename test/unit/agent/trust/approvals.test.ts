import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Approval, ApprovalPolicy, Root, Snapshot } from '@groundswell/proto/statement.ts'
import {
  approversNeeded,
  reopenApprovals,
  verifyApprovals,
} from '../../../../agent/trust/approvals.ts'
import { type SigningKey, signStatement } from '../../../../hub/bundle/sign.ts'
import { agentIdentity } from '../../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const seconds = now / 1000
const [one, two] = [digestOf('one'), digestOf('two')]

let approvers: SigningKey[]
let root: Root
before(async () => {
  approvers = await Promise.all(Array.from({ length: 3 }, makeSigningKey))
  root = rootOf('f', await makeSigningKey())
  const keys = approvers.map(({ publicKey }) => publicKey)
  root = { ...root, roles: { ...root.roles, approver: { keys, threshold: 1 } } }
  root = withPolicy({ group: 'prod', clusters: ['a', 'b'], approvers: 2 })
})

const withPolicy = (...policies: ApprovalPolicy[]): Root => ({ ...root, policies })

function snapshotOf(apps: Record<string, Digest | 'removed'>): Snapshot {
  return {
    ...{
      v: 1,
      fleet: 'f',
      aud: 'id-a',
      clusterUid: 'uid-a',
      epoch: 1,
      sequence: 2,
      previous: null,
    },
    ...{ issuedAt: seconds, expiresAt: seconds + 60 },
    applications: Object.entries(apps).map(([name, content]) =>
      content === 'removed'
        ? { name, generation: 1, state: 'removed', deletionPolicy: 'Delete' }
        : {
            name,
            generation: 1,
            state: 'present',
            manifest: { digest: content, size: 1 },
            revision: '',
          },
    ),
  }
}

async function approve(by: SigningKey[], change: Partial<Approval> = {}): Promise<Uint8Array> {
  const approval: Approval = {
    ...{ v: 1, fleet: 'f', application: 'shop', content: one, clusters: ['a'] },
    ...{ issuedAt: seconds, expiresAt: seconds + 3600 },
    ...change,
  }
  return (await signStatement('approval', approval, by)).envelope
}

const verify = (
  given: Uint8Array[],
  wanted = snapshotOf({ shop: one }),
  old: Snapshot | null = null,
) => verifyApprovals(wanted, old, given, root, agentIdentity, now)
const pair = () => approvers.slice(0, 2)

describe('verifyApprovals', () => {
  it('T15 counts distinct approvers, over one approval or several', async () => {
    const both = await approve(pair())
    assert.deepEqual(await verify([both]), [both])
    const each = [
      await approve([approvers[0]!]),
      await approve([approvers[2]!], { clusters: ['*'] }),
    ]
    assert.deepEqual(await verify(each), each)
    const same = [
      await approve([approvers[0]!]),
      await approve([approvers[0]!], { clusters: ['*'] }),
    ]
    await assert.rejects(verify(same), { code: 'approval_missing' })
    await assert.rejects(verify([await approve([approvers[0]!, approvers[0]!])]), {
      code: 'approval_missing',
    })
    await assert.rejects(verify([]), { code: 'approval_missing' })
  })

  const useless: readonly [string, string, Partial<Approval>][] = [
    ['for other content', 'approval_missing', { content: two }],
    ['for the tombstone', 'approval_missing', { content: 'removed' }],
    ['for another application', 'approval_missing', { application: 'till' }],
    ['for other clusters', 'approval_invalid', { clusters: ['b'] }],
    ['for another fleet', 'approval_invalid', { fleet: 'g' }],
    ['that has expired', 'approval_invalid', { expiresAt: seconds }],
    ['with an unknown member', 'approval_invalid', { extra: 1 } as never],
    ['for nobody', 'approval_invalid', { clusters: [] }],
  ]
  for (const [what, code, change] of useless) {
    it(`an approval ${what} does not help, nor harm`, async () => {
      const bad = await approve(pair(), change)
      await assert.rejects(verify([bad]), { code })
      const good = await approve(pair())
      assert.deepEqual(await verify([bad, good]), [good])
    })
  }

  it('T12 an approval by anybody but an approver is none', async () => {
    const stranger = await makeSigningKey()
    await assert.rejects(verify([await approve([stranger])]), { code: 'approval_invalid' })
    await assert.rejects(verify([Buffer.from('{}')]), { code: 'approval_invalid' })
  })

  it('content that was accepted before needs no approval again; a change does', async () => {
    const old = snapshotOf({ shop: one, till: two })
    assert.deepEqual(await verify([], snapshotOf({ shop: one }), old), [])
    for (const change of [{ shop: two }, { shop: 'removed' }, { shop: one, bank: one }] as const) {
      await assert.rejects(verify([], snapshotOf(change), old), { code: 'approval_missing' })
    }
    const gone = await approve(pair(), { content: 'removed' })
    assert.deepEqual(await verify([gone], snapshotOf({ shop: 'removed' }), old), [gone])
  })

  it('as many approvers as the strictest policy for the cluster says', () => {
    const strict = { group: 'all', clusters: ['*'], approvers: 3 }
    const loose = { group: 'eu', clusters: ['a'], approvers: 1 }
    const other = { group: 'us', clusters: ['b'], approvers: 9 }
    assert.equal(approversNeeded(withPolicy(), 'a'), 0)
    assert.equal(approversNeeded(withPolicy(other), 'a'), 0)
    assert.equal(approversNeeded(withPolicy(other, loose), 'a'), 1)
    assert.equal(approversNeeded(withPolicy(other, loose, strict), 'a'), 3)
  })

  it('accepts exactly when two distinct approvers live, whatever else is carried along', async () => {
    const made = await Promise.all(
      approvers.flatMap((by) => [
        approve([by]).then((envelope) => ({ by, good: true, envelope })),
        approve([by], { content: two }).then((envelope) => ({ by, good: false, envelope })),
        approve([by], { expiresAt: seconds - 1 }).then((envelope) => ({
          by,
          good: false,
          envelope,
        })),
      ]),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...made), { maxLength: 8 }), async (given) => {
        const distinct = new Set(given.filter(({ good }) => good).map(({ by }) => by))
        const result = verify(given.map(({ envelope }) => envelope))
        if (distinct.size >= 2) await result
        else await assert.rejects(result, /approvers have approved/)
      }),
      { numRuns: 60 },
    )
  })

  it('what was kept is checked again at boot, but not its expiry', async () => {
    const past = await approve(pair(), { expiresAt: seconds - 1 })
    await reopenApprovals([past], root, agentIdentity)
    const broken = Buffer.from(
      Buffer.from(past)
        .toString()
        .replace(/"signature":"(.)/, (_, first) => `"signature":"${first === 'A' ? 'B' : 'A'}`),
    )
    await assert.rejects(reopenApprovals([broken], root, agentIdentity), {
      code: 'approval_invalid',
    })
  })
})
