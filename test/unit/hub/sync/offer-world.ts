import { exportJWK, generateKeyPair } from 'jose'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Root, Snapshot } from '@groundswell/proto/statement.ts'
import type { SigningKey } from '../../../../hub/bundle/sign.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { Assignment } from '../../../../hub/rollout/rollout.ts'
import {
  type AgentPosition,
  type OfferDeps,
  type Offered,
  createOffers,
} from '../../../../hub/sync/offer.ts'
import { attestFirst, createMemorySigner } from '../../../support/open-signer.ts'
import { createMemorySnapshots } from '../../../support/memory-stores.ts'

/* Offers of one cluster, by a real signer, over a record in memory that can be lost. */

export const enrolment = {
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
  boundKey: '',
  enrolledAt: 0,
}
export const start: AgentPosition = { epoch: 1, sequence: 0, digest: '' }

export function assignment(
  application: string,
  content: string | null,
  generation = 1,
): Assignment {
  return {
    cluster: 'a',
    application,
    digest: content === null ? null : digestOf(content),
    size: content?.length ?? 0,
    revision: 'main@sha1:1',
    generation,
    rollout: 'r1',
  }
}

export function payloadOf(envelope: Uint8Array): Snapshot {
  const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string }
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Snapshot
}

export interface OfferKeys {
  readonly key: SigningKey
  readonly root: Root
}

export async function createOfferKeys(): Promise<OfferKeys> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { x } = await exportJWK(pair.publicKey)
  const key: SigningKey = {
    privateKey: pair.privateKey,
    publicKey: { kty: 'OKP', crv: 'Ed25519', x: x! },
  }
  const role = { keys: [key.publicKey], threshold: 1 }
  const roles = { root: role, snapshot: role, freshness: role, approver: role }
  const root = { v: 1, fleet: 'f', version: 1, epoch: 1, expiresAt: 2_000_000_000 } as const
  return { key, root: { ...root, roles, policies: [] } }
}

export function createOfferWorld({ key, root }: OfferKeys, firstEpoch = 1) {
  let epoch = firstEpoch
  let now = 1_700_000_000_000
  let assigned: Assignment[] = []
  let store = createMemorySnapshots()
  let signed = 0
  let reads = 0
  const refusals: (string | undefined)[] = []
  let meanwhile: (() => Promise<unknown>) | undefined
  const record = {
    get: (id: string) => {
      reads += 1
      return store.get(id)
    },
    async put(...given: Parameters<typeof store.put>) {
      await meanwhile?.()
      return store.put(...given)
    },
  }
  const openSigner = () =>
    createMemorySigner({ root: { ...root, epoch }, keys: [key], clock: () => now }).then(
      attestFirst,
    )
  let signer = openSigner()
  let [hasRecord, away] = [true, false]
  let restraint: OfferDeps['restraint']
  let ledger: OfferDeps['ledger']
  let listTogether: OfferDeps['listTogether']
  const offerFor = createOffers({
    get restraint() {
      return restraint!
    },
    get ledger() {
      return ledger!
    },
    get listTogether() {
      return listTogether!
    },
    root: () => ({ epoch, version: 1 }),
    signer: {
      sign: async (request) => (await signer).sign(request),
      async position(clusterId) {
        if (away) throw new HubError('signer_unavailable', 'it restarts')
        return hasRecord ? (await signer).position(clusterId) : null
      },
    },
    store: record,
    assignments: () => assigned,
    // No two looks at the clock tell the same time.
    clock: () => (now += 1_000),
    onSigned: () => (signed += 1),
    onRefused: (_, refusal) => void refusals.push(refusal?.code),
  })
  return {
    offer: (at: AgentPosition, known?: Offered | null) => offerFor(enrolment, at, known),
    reads: () => reads,
    assign: (...list: Assignment[]) => (assigned = list),
    later: (ms: number) => (now += ms),
    /** A root statement of that epoch is published, and the signer knows of nothing before. */
    publish(next: number) {
      epoch = next
      signer = openSigner()
    },
    lose: () => (store = createMemorySnapshots()),
    now: () => now,
    signed: () => signed,
    restrainBy: (
      restrain: NonNullable<OfferDeps['restraint']>['restrain'],
      runsBeyond: () => boolean | undefined = () => false,
    ) => void (restraint = { restrain, runsBeyond, isSuspect: () => false }),
    keepBy: (list: OfferDeps['listTogether']) => void (listTogether = list),
    refusals,
    signerIsAway: () => (away = true),
    /** Its disk is that of long ago, too. */
    signerForgets: () => (hasRecord = false),
    ledgerIs: (given: OfferDeps['ledger']) => void (ledger = given),
    last: () => store.get('id-a'),
    /** The same store, as another hub has it. */
    shared: () => store,
    /** Runs between a look and its record. */
    race: (run: typeof meanwhile) => (meanwhile = run),
  }
}
