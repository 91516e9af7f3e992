import { digestOf } from '@groundswell/proto/digest.ts'
import type { Renew } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { HubError } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import { findBar, type Membership, seriesOf } from '../ledger/membership.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import { identify, type IdentityVerdict, type PeerCertificate } from './identity.ts'
import {
  admitCertificate,
  type Pins,
  type PinStore,
  planRenewal,
  type RenewalPlan,
} from './pins.ts'
import type { CertificateNumber } from './serial-number.ts'
import type { Authority } from './x509.ts'

export interface CredentialsDeps {
  readonly fleet: string
  readonly membership: Membership
  readonly pins: PinStore
  readonly authority: Authority
  /** Decides that two agents share an identity. Returns once that is durable. */
  readonly lock: (enrolment: Enrolment, reason: string) => Promise<void>
}

/** What a session needs to know who it talks to. */
export interface SessionIdentity {
  /** @throws HubError `identity_refused` when this is not the cluster that joined */
  checkCluster(enrolment: Enrolment, clusterUid: string): Promise<void>
  /** @throws HubError `identity_refused`, `invalid` */
  renew(
    enrolment: Enrolment,
    certificate: CertificateNumber | undefined,
    request: Renew,
  ): Promise<{ certificateChain: string; generation: bigint; hubCa: string }>
}

export interface Credentials extends SessionIdentity {
  /** A data stream's certificate → cluster, or why not. */
  identify(peer: PeerCertificate | undefined): Promise<IdentityVerdict>
}

type Renewal =
  | { readonly kind: 'issued'; readonly generation: number; readonly chain: string }
  | Exclude<RenewalPlan, { kind: 'issue' }>

/** Two hubs may change one cluster's pins at a time; more than this is not by chance. */
const pinAttempts = 5

/** Who comes in by which certificate, how those are renewed, and how copies are found out (T20). */
export function createCredentials(deps: CredentialsDeps): Credentials {
  const { membership, pins, authority } = deps
  const serial = createSerial()

  /** Decides on the pins as they are and writes what follows, again if they moved meanwhile. */
  async function change<T>(
    clusterId: string,
    decide: (pins: Pins | undefined) => Promise<{ readonly next: Pins | null; readonly result: T }>,
  ): Promise<T> {
    return serial.run(clusterId, async () => {
      for (let attempt = 0; attempt < pinAttempts; attempt += 1) {
        const found = await pins.get(clusterId)
        const { next, result } = await decide(found?.pins)
        if (!next || (await pins.replace(clusterId, found?.was ?? null, next))) return result
      }
      throw new HubError('redis_unavailable', 'certificates of one cluster change too fast')
    })
  }

  async function lock(enrolment: Enrolment, reason: string): Promise<never> {
    if (findBar(membership, enrolment) === undefined) await deps.lock(enrolment, reason)
    throw new HubError('identity_barred', `this cluster is locked: ${reason}`)
  }

  return {
    async identify(peer) {
      const verdict = identify(peer, deps.fleet, membership)
      if (!verdict.ok) return verdict
      const admitted = await change(verdict.enrolment.clusterId, async (known) => {
        const admission = admitCertificate(known, verdict.certificate)
        return {
          next: admission.admitted ? admission.pins : null,
          result: admission.admitted,
        }
      })
      if (!admitted) return { ok: false, reason: 'this certificate was replaced by a newer one' }
      // Who was barred while Redis was asked had no stream yet that could be ended.
      return identify(peer, deps.fleet, membership)
    },

    async checkCluster(enrolment, clusterUid) {
      if (clusterUid === enrolment.clusterUid) return
      await lock(enrolment, 'its identity was used from another cluster')
    },

    async renew(enrolment, certificate, request) {
      if (!certificate || Number(request.generation) !== certificate.generation) {
        throw new HubError('invalid', 'a renewal names the generation of the stream’s certificate')
      }
      const bar = findBar(membership, enrolment)
      if (bar !== undefined) throw new HubError('identity_barred', bar)
      // A stream may be older than the series: what it says of pins would take the new one's place.
      const now = membership.enrolments.get(enrolment.cluster)
      if (!now || seriesOf(now) !== certificate.series) throw replaced()
      const publicKey = await authority.readRequest(request.certificateRequest)
      const key = digestOf(publicKey)
      const { series, generation } = certificate
      const renewed = await change<Renewal>(enrolment.clusterId, async (known) => {
        // A Redis that went back may not know any more what passed when this stream was opened.
        const admission = admitCertificate(known, certificate)
        const inUse = admission.admitted ? admission.pins : null
        const held = inUse ?? known ?? { ...certificate, next: null }
        const plan = planRenewal(held, generation, key)
        if (plan.kind !== 'issue') return { next: null, result: plan }
        const number = { series, generation: plan.generation }
        const issued = await authority.issue(publicKey, enrolment.clusterId, number)
        const next = { serial: issued.serial, generation: plan.generation, key }
        return {
          next: { ...held, next },
          result: { kind: 'issued', generation: plan.generation, chain: issued.chain },
        }
      })
      if (renewed.kind === 'lock') return lock(enrolment, renewed.reason)
      if (renewed.kind === 'late') throw replaced()
      return {
        certificateChain: renewed.chain,
        generation: BigInt(renewed.generation),
        hubCa: authority.certificate,
      }
    },
  }
}

function replaced(): HubError {
  return new HubError('identity_refused', 'this certificate was replaced by a newer one')
}
