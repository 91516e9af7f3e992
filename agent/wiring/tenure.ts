import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from '../cluster/connection.ts'
import { AgentError } from '../errors.ts'
import { createLeaseStore } from '../lease/kube.ts'
import { proveSelf } from '../lease/prove.ts'
import { type Tenure, awaitTenure } from '../lease/tenure.ts'
import { createAddresses } from '../link/addresses.ts'
import { dialRehearsal } from '../link/grpc.ts'
import { chooseProxy } from '../link/proxy.ts'
import { createMirroredTrust } from '../trust/mirror.ts'
import type { ContentCache } from '../trust/state.ts'
import { verifyRoot } from '../trust/verify.ts'
import type { IdentityDeps } from './identity.ts'
import { nameSecret } from './keys.ts'

export interface TenureWorld extends IdentityDeps {
  readonly connection: Connection
  readonly content: ContentCache
}

/** No Lease to go by: of two agents the one that started last goes on. */
const alone: Tenure = {
  lost: new AbortController().signal,
  confirm: () => Promise.resolve(),
  release: () => Promise.resolve(),
}

/** Waits for this agent's turn; undefined when it was asked to stop first. */
export async function openTenure(
  deps: TenureWorld,
  signal: AbortSignal,
): Promise<Tenure | undefined> {
  const { config, connection, log, version } = deps
  const name = nameSecret(connection, config.lease, 'groundswell-agent')
  if (!name) return alone
  const lease = createLeaseStore(connection, name, Date.now)
  const place = createHash('sha256').update(resolve(config.data)).digest('hex').slice(0, 8)
  const tenure = await awaitTenure(
    {
      lease,
      me: `${hostname()}_${place}`,
      version,
      prove: (signal) => prove(deps, signal),
      monotonic: () => performance.now(),
      sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
      log,
    },
    signal,
  )
  if (tenure === null) {
    log.warn(
      { lease: lease.label },
      'the lease may not be read: install the manifest of this version',
    )
  }
  if (!tenure) {
    await lease.close()
    return tenure === null ? alone : undefined
  }
  return {
    lost: tenure.lost,
    confirm: () => tenure.confirm(),
    async release() {
      await tenure.release()
      await lease.close()
    },
  }
}

async function prove(deps: TenureWorld, signal: AbortSignal): Promise<void> {
  const { cluster, content, copies, store, version } = deps
  const stored = await store.load()
  if (!stored || stored.pending) {
    throw new AgentError('config_invalid', `nothing in ${store.name} to go on as`)
  }
  // Only looked at: whoever runs may write meanwhile.
  const looking = copies.map((copy) => ({
    name: copy.name,
    load: () => copy.load(),
    save: () => Promise.resolve(),
  }))
  const pinned = stored.root === undefined ? undefined : Buffer.from(stored.root, 'base64')
  const trust = createMirroredTrust(looking, pinned)
  const identity = { ...stored.identity, clusterUid: await cluster.uid(signal) }
  const address = createAddresses(Math.random).next(stored.endpoint.address)
  await proveSelf(
    {
      identity,
      root: await verifyRoot((await trust.load()).root),
      trust,
      content,
      clock: Date.now,
      version,
      certificateGeneration: stored.generation ?? 0,
      dial: () =>
        dialRehearsal(stored.endpoint, { proxy: chooseProxy(address, process.env), address }),
    },
    signal,
  )
}
