import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Appending } from '../ledger/fs.ts'
import type { ReplicatedRegister } from '../ledger/register.ts'
import { readReplicaSecret } from '../replica/fs.ts'
import { serveStandby } from '../replica/http.ts'
import { assertSameFleet, createSharedLedger } from '../replica/redis.ts'
import { type Replica, createReplica } from '../replica/replica.ts'
import { createSeal } from '../replica/seal.ts'
import type { Surroundings } from './surroundings.ts'

/** What a hub is to others of its fleet; one that is alone leads always. */
export interface Standing {
  admit(appending: Appending): Promise<void>
  leads(): boolean
  /** Resolves when this hub leads. */
  begin(register: ReplicatedRegister): Promise<void>
  /** Resolves once it must decide nothing more; never, for one that is alone. */
  readonly lost: Promise<void>
}

export function standAlone(): Standing {
  return {
    admit: async () => {},
    leads: () => true,
    begin: async () => {},
    lost: new Promise(() => {}),
  }
}

/** One of several; `caPin` is what they must have in common. */
export async function joinReplicas(
  { config, log, started, signal }: Surroundings,
  name: string,
  redis: Redis,
  prefix: string,
  caPin: string,
): Promise<Standing> {
  const facts = { CA: caPin }
  await assertSameFleet(redis, prefix, facts)
  const seal = createSeal(await readReplicaSecret(join(config.shared, 'ca')))
  let register: ReplicatedRegister | undefined
  const replica: Replica = createReplica({
    name,
    holder: `${name}#${randomUUID()}`,
    register: () => register!,
    shared: createSharedLedger(redis, prefix, seal, config.leaseMs, facts),
    leaseMs: config.leaseMs,
    monotonic: () => performance.now(),
    sleep: (ms, until) => wait(ms, undefined, { signal: until }).catch(() => {}),
    log: (level, message, err) => log[level]({ err }, message),
  })
  const ending = new AbortController()
  const lost = Promise.withResolvers<void>()
  return {
    admit: (appending) => replica.admit(appending),
    leads: () => replica.leads(),
    lost: lost.promise,
    async begin(opened) {
      register = opened
      const close = await serveStandby(config.host, config.apiPort, () => replica.leader())
      log.info({ replica: name }, 'standing by')
      try {
        await replica.standBy(signal)
      } finally {
        await close()
      }
      log.info({ replica: name, term: opened.state.term }, 'leads')
      const holding = { ended: replica.hold(ending.signal).then(() => lost.resolve()) }
      started.own(holding, async ({ ended }) => {
        ending.abort()
        await ended
      })
    },
  }
}
