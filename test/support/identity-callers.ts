import 'reflect-metadata'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { Enrolled } from '../../agent/link/enrol.ts'
import { type Leaf, createIssuer, readIssuer, signLeaf } from './certificates.ts'
import type { createIdentityWorld } from './identity-world.ts'

/** Everybody who may call a hub, by how they stand with it. */
export const callerKinds = [
  'nobody',
  'of another authority',
  'with a join token',
  'pending',
  'approved',
  'revoked',
  'locked',
  'with a replaced certificate',
  'approved, for another cluster',
  'the hub itself',
  'with an expired certificate',
] as const
export type CallerKind = (typeof callerKinds)[number]

export interface Caller {
  /** Shown to listeners that ask for one. */
  readonly certificate?: Leaf
  /** Whom it says it is. */
  readonly clusterId: string
  readonly clusterUid: string
  /** Ed25519, PKCS#8 PEM; what it proves that by. */
  readonly boundKey: string
  readonly token: string
  /** The cluster it has nothing to do with, when it names one. */
  readonly victim?: string
}

type World = Awaited<ReturnType<typeof createIdentityWorld>>

const madeUpToken = `gsw1.abcdefghij.${'s'.repeat(22)}.${'a'.repeat(64)}.${'b'.repeat(64)}`

/** Makes a fresh one, with a cluster of its own where it has one. */
export async function createCaller(hub: World, kind: CallerKind): Promise<Caller> {
  const cluster = `c-${randomUUID()}`
  const stranger: Caller = {
    clusterId: randomUUID(),
    clusterUid: randomUUID(),
    boundKey: generateKeyPairSync('ed25519').privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }) as string,
    token: madeUpToken,
  }
  const join = async (name = cluster, preApproved = true): Promise<Enrolled> =>
    (await hub.join(name, { preApproved }, randomUUID())).enrolled
  const known = ({ identity, boundKey }: Enrolled): Caller => ({
    ...stranger,
    clusterId: identity.clusterId,
    clusterUid: identity.clusterUid,
    boundKey,
  })
  const member = (enrolled: Enrolled): Caller => ({
    ...known(enrolled),
    certificate: { key: enrolled.endpoint.key, cert: enrolled.endpoint.certificateChain },
  })
  const uriOf = ({ clusterId }: Caller): string => `spiffe://test/cluster/${clusterId}`

  switch (kind) {
    case 'nobody':
      return stranger
    case 'of another authority': {
      const victim = `v-${randomUUID()}`
      const { clusterId, clusterUid } = known(await join(victim))
      const forged = { ...stranger, clusterId, clusterUid, victim }
      const other = await createIssuer('CN=groundswell test')
      return { ...forged, certificate: await signLeaf(other, uriOf(forged)) }
    }
    case 'with a join token':
      return { ...stranger, token: hub.makeToken(cluster) }
    case 'pending':
      return known(await join(cluster, false))
    case 'approved':
      return member(await join())
    case 'revoked': {
      const caller = member(await join())
      await hub.append('ada', [{ type: 'cluster.revoked', cluster, reason: '' }])
      return caller
    }
    case 'locked': {
      const caller = member(await join())
      const { clusterId } = caller
      await hub.append('hub', [{ type: 'cluster.locked', cluster, clusterId, reason: '' }])
      return caller
    }
    case 'with a replaced certificate': {
      const caller = member(await join())
      const { clusterId } = caller
      const key = `sha256:${'0'.repeat(64)}` as const
      const recovered = { type: 'cluster.recovered', cluster, clusterId, series: 2, key } as const
      await hub.append('agent', [recovered])
      return caller
    }
    case 'approved, for another cluster': {
      const victim = `v-${randomUUID()}`
      const { clusterId, clusterUid } = known(await join(victim))
      return { ...member(await join()), clusterId, clusterUid, victim }
    }
    case 'the hub itself': {
      const { key, certificate: cert } = hub.certificate
      return { ...stranger, certificate: { key, cert } }
    }
    case 'with an expired certificate': {
      const caller = known(await join())
      const ours = await readIssuer(hub.caDirectory)
      const times = { from: -7_200_000, to: -60_000 }
      return { ...caller, certificate: await signLeaf(ours, uriOf(caller), times) }
    }
  }
}
