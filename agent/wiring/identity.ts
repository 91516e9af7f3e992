import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../agent.ts'
import type { Cluster } from '../cluster/port.ts'
import type { AgentConfig } from '../config.ts'
import { AgentError } from '../errors.ts'
import { tryEach } from '../link/addresses.ts'
import { claim } from '../link/claim.ts'
import { type Credentials, createCredentials } from '../link/credentials.ts'
import { type Enrolled, enrol } from '../link/enrol.ts'
import { dialEnrolment } from '../link/grpc.ts'
import type { IdentityStore, StoredIdentity } from '../link/identity.ts'
import { awaitApproval, insist } from '../link/join.ts'
import { chooseProxy } from '../link/proxy.ts'
import { createMirroredTrust } from '../trust/mirror.ts'
import type { StateCopy } from '../trust/state.ts'

export interface IdentityDeps {
  readonly config: AgentConfig
  readonly cluster: Cluster
  readonly store: IdentityStore
  /** Where the trust state is kept. */
  readonly copies: readonly StateCopy[]
  readonly log: Log
  readonly version: string
}

/** Needed to join and a few times a day; 6 MB as long as it is loaded. */
const loadKeys = () => import('../link/x509.ts')

const waiting = {
  clock: Date.now,
  random: Math.random,
  sleep: (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal }).catch(() => {}),
}

/**
 * Who this agent is: what it has on record, or what joining gives it, approved. Undefined when it
 * was asked to stop first.
 */
export async function openIdentity(
  deps: IdentityDeps,
  signal: AbortSignal,
): Promise<StoredIdentity | undefined> {
  const { store, log } = deps
  const known = await store.load()
  if (known) await store.claim?.(known)
  const stored = known ?? (await join(deps, signal))
  if (!stored.pending) return stored
  const key = stored.next
  const approved = await awaitApproval(
    stored,
    () => ask(deps.config, stored, Buffer.from(key?.request ?? '', 'base64')),
    signal,
    { ...waiting, log },
  )
  if (!approved) return undefined
  const { next: _, ...rest } = approved
  await store.save(rest)
  log.info({ cluster: rest.identity.cluster }, 'approved')
  return rest
}

export function openCredentials(deps: IdentityDeps, stored: StoredIdentity): Credentials {
  const { config, store, log } = deps
  return createCredentials({
    stored,
    save: (next) => store.save(next),
    ...(store.confirm ? { confirm: () => store.confirm!() } : {}),
    createKey: async () => (await loadKeys()).createCertificateKey(),
    ...(addressOf(config, stored) === undefined
      ? {}
      : { claim: (now, request) => ask(config, now, request) }),
    ...waiting,
    monotonic: () => performance.now(),
    log,
  })
}

function addressOf(config: AgentConfig, stored: StoredIdentity): string | undefined {
  return config.hub ?? stored.enrolAddress
}

async function ask(config: AgentConfig, stored: StoredIdentity, request: Uint8Array) {
  const ca = stored.endpoint.hubCa
  return tryEach(addressOf(config, stored) ?? '', async (address) => {
    const calls = await dialEnrolment(address, { ca }, chooseProxy(address, process.env))
    try {
      return await claim(stored, request, calls)
    } finally {
      calls.close()
    }
  })
}

async function join(deps: IdentityDeps, signal: AbortSignal): Promise<StoredIdentity> {
  const { config, cluster, log } = deps
  const token = config.token ?? (config.tokenFile && readFileSync(config.tokenFile, 'utf8'))
  const { hub } = config
  if (!hub || !token) {
    throw new AgentError(
      'config_invalid',
      `this agent has not joined yet (nothing in ${deps.store.name}); give --hub HOST:PORT and --token, from \`swell cluster token NAME\``,
    )
  }
  const uid = await cluster.uid(signal)
  log.info({ hub, clusterUid: uid }, 'joining')
  const key = await (await loadKeys()).createAgentKey()
  const enrolled = await insist(
    () =>
      tryEach(hub, (address) =>
        enrol(
          token,
          uid,
          key,
          deps.version,
          (pin) => dialEnrolment(address, pin, chooseProxy(address, process.env)),
          config.cluster,
        ),
      ),
    signal,
    { ...waiting, log },
  )
  await createMirroredTrust(deps.copies, undefined).save({
    root: enrolled.root.envelope,
    epoch: enrolled.root.statement.epoch,
    sequence: 0,
    snapshotDigest: null,
    envelope: null,
  })
  log.info({ cluster: enrolled.identity.cluster }, 'joined')
  const stored = toStored(enrolled, hub, key.certificateRequest)
  await deps.store.save(stored)
  return stored
}

function toStored(enrolled: Enrolled, hub: string, request: Uint8Array): StoredIdentity {
  const { identity, endpoint, boundKey, generation, pending, fingerprint, formerIds } = enrolled
  const root = Buffer.from(enrolled.root.envelope).toString('base64')
  const base = { identity, endpoint, boundKey, enrolAddress: hub, fingerprint, formerIds, root }
  if (!pending) return { ...base, generation, receivedAt: Date.now() }
  const text = Buffer.from(request).toString('base64')
  return { ...base, pending, next: { key: endpoint.key, request: text, issued: null } }
}
