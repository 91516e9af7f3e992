import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { Appending } from '../ledger/fs.ts'
import type { ReplicatedRegister } from '../ledger/register.ts'
import type { LedgerRemote } from '../ledger/remote.ts'
import { readReplicaSecret } from '../replica/fs.ts'
import { type FleetFacts, assertSameFleet, createSharedLedger } from '../replica/redis.ts'
import { type Replica, createReplica } from '../replica/replica.ts'
import { createSeal } from '../replica/seal.ts'
import type { Authority } from '../sync/x509.ts'
import { type FollowingHub, startFollowing } from './following.ts'
import type { Surroundings } from './surroundings.ts'

/** What a hub is to others of its fleet; one that is alone leads always. */
export interface Standing {
  admit(appending: Appending): Promise<void>
  leads(): boolean
  /** Resolves when this hub leads; `remote` is what whoever leads pushes to. */
  begin(register: ReplicatedRegister, remote: LedgerRemote | undefined): Promise<void>
  /** Whether another led before this one did. */
  readonly inherited: boolean
  /** Milliseconds that this machine's clock is ahead of that of whoever led before, as far as it is known. */
  readonly ahead: number
  /** Another replica's decision is known here. */
  onAdopted(entry: LedgerEntry): void
  /** Resolves once it must decide nothing more; never, for one that is alone. */
  readonly lost: Promise<void>
}

export function standAlone(): Standing {
  return {
    admit: async () => {},
    leads: () => true,
    begin: async () => {},
    ...{ inherited: false, ahead: 0 },
    onAdopted: () => {},
    lost: new Promise(() => {}),
  }
}

/** One of several that have one authority in common. */
export async function joinReplicas(
  surroundings: Surroundings,
  name: string,
  redis: Redis,
  prefix: string,
  authority: Authority,
  common: FleetFacts,
): Promise<Standing> {
  const { config, log, started, signal, clock } = surroundings
  const facts = { CA: authority.origin, ...common }
  await assertSameFleet(redis, prefix, facts)
  const seal = createSeal(await readReplicaSecret(join(config.shared, 'ca')))
  let register: ReplicatedRegister | undefined
  let remote: LedgerRemote | undefined
  let ahead = 0
  const replica: Replica = createReplica({
    name,
    holder: `${name}#${randomUUID()}`,
    address: `${config.peerHost}:${config.peerPort}`,
    register: () => register!,
    remote: () => remote,
    shared: createSharedLedger(redis, prefix, seal, config.leaseMs, facts),
    leaseMs: config.leaseMs,
    onFresh: ({ at }) => void (ahead = clock() - at),
    monotonic: () => performance.now(),
    sleep: (ms, until) => wait(ms, undefined, { signal: until }).catch(() => {}),
    log: (level, message, err) => log[level]({ err }, message),
  })
  const ending = new AbortController()
  const lost = Promise.withResolvers<void>()
  let following: FollowingHub | undefined
  /** Who led last, apart from this process. */
  let before: string | undefined
  return {
    admit: (appending) => replica.admit(appending),
    leads: () => replica.leads(),
    lost: lost.promise,
    get inherited() {
      return before !== undefined && before !== name
    },
    get ahead() {
      return ahead
    },
    onAdopted({ decision }) {
      if (decision.type !== 'lease.taken') return
      if (decision.replica !== name) before = decision.replica
      ahead = 0
      following?.turnTo(register?.state.leader ?? null)
    },
    async begin(opened, pushedTo) {
      register = opened
      remote = pushedTo
      const { state } = opened
      before = state.leader?.replica
      following = await startFollowing(surroundings, name, authority, () => state.leader)
      following.turnTo(state.leader)
      log.info({ replica: name }, 'standing by')
      const { close } = following
      try {
        await replica.standBy(signal)
      } catch (error) {
        await close()
        throw error
      }
      log.info({ replica: name, term: opened.state.term }, 'leads')
      // At once: the lease goes on while the ports are handed over.
      const holding = { ended: replica.hold(ending.signal).then(() => lost.resolve()) }
      started.own(holding, async ({ ended }) => {
        ending.abort()
        await ended
      })
      following = undefined
      await close()
    },
  }
}
