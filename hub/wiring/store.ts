import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { lockDirectory, readLedgerCredential } from '../fs.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import { type LedgerFault, type RemoteOptions, openLedger } from '../ledger/git.ts'
import { type ReplicatedRegister, openReplicatedRegister } from '../ledger/register.ts'
import { assertNoEviction, assertNoOther, connectRedis } from '../redis.ts'
import { startLocalRedis } from '../redis-server.ts'
import { readReplicaSecret } from '../replica/fs.ts'
import type { FleetFacts } from '../replica/redis.ts'
import { createSeal } from '../replica/seal.ts'
import { describeEntry, type HubEvent } from '../status/event.ts'
import { type EventLog, createEventLog } from '../status/redis-events.ts'
import { type TokenKeys, createTokenKeys } from '../sync/token-key.ts'
import { type Authority, loadAuthority } from '../sync/x509.ts'
import { openDirectory, openRedis } from './formats.ts'
import { type Standing, joinReplicas, standAlone } from './replica.ts'
import type { Surroundings } from './surroundings.ts'

/** What is kept: Redis for what can be rebuilt, files for what must never be lost. */
export interface Store {
  readonly standing: Standing
  readonly redis: Redis
  readonly redisUrl: string
  readonly prefix: string
  readonly authority: Authority
  readonly tokenKeys: TokenKeys
  readonly events: EventLog
  readonly register: ReplicatedRegister
  /** What is wrong with the ledger now. */
  readonly faults: ReadonlySet<LedgerFault>
}

/** Of every key in Redis; the braces keep them on one node of a Redis cluster. */
export function prefixOf(fleet: string): string {
  return `gs:{${fleet}}`
}

/**
 * One hub to a directory; `common` is what replicas have alike beside their CA. `onEntry` sees each decision once it is on disk and in the state.
 */
export async function openStore(
  surroundings: Surroundings,
  onEntry: (entry: LedgerEntry) => void,
  onNews: (event: HubEvent) => void,
  common: FleetFacts,
): Promise<Store> {
  const { config, log, started, signal, clock, run } = surroundings
  started.own(await lockDirectory(config.data), (unlock) => unlock())
  const kept = openDirectory(surroundings)
  await kept.refuseNewer()
  const local = config.redisUrl
    ? undefined
    : started.own(
        await startLocalRedis(
          join(config.data, 'redis'),
          (code) => log.warn({ code }, 'the local Redis ended; it is started again'),
          signal,
        ),
        (server) => server.close(),
      )
  const redisUrl = config.redisUrl ?? local!.url
  const redis = started.own(
    await connectRedis(redisUrl, (message, err) => log.warn({ err }, message)),
    (connection) => connection.disconnect(),
  )
  await assertNoEviction(redis)
  const prefix = prefixOf(config.fleetName)
  const shared = openRedis(surroundings, redis, prefix)
  await shared.refuseNewer()
  await kept.upgrade()

  const authority = await loadAuthority(
    join(config.shared, 'ca'),
    config.fleetName,
    clock,
    config.certificateLifeMs,
    config.authorityLifeMs,
  )
  await assertNoOther(redis, prefix, authority.origin)
  const log_ = createEventLog(redis, prefix, (err) => log.debug({ err }, 'an event was not kept'))
  const events: EventLog = {
    ...log_,
    emit(event, kind = 'news') {
      if (kind === 'news') onNews(event)
      log_.emit(event, kind)
    },
  }
  const standing =
    config.replica === undefined
      ? standAlone()
      : await joinReplicas(surroundings, config.replica, redis, prefix, authority, common)
  const secret = await readReplicaSecret(join(config.shared, 'ca'))
  const tokenKeys = createTokenKeys(secret, randomBytes)
  async function openRemote(url: string): Promise<RemoteOptions> {
    const seal = createSeal(secret, 'ledger-remote')
    const credential = () => readLedgerCredential(config.ledgerCredentialFile, url)
    // What no rotation mends is refused at the start.
    credential()
    const name = config.replica
    if (name === undefined) return { url, credential, seal }
    const leads = () => standing.leads()
    return { url, credential, seal, replica: { name, leads, term: () => register.state.term } }
  }
  const faults = new Set<LedgerFault>()
  const ledger = await openLedger(join(config.data, 'ledger'), {
    clock,
    run,
    author: { name: 'Groundswell', email: `groundswell@${config.fleetName}` },
    ...(config.ledgerRemote !== undefined && { remote: await openRemote(config.ledgerRemote) }),
    ...(config.ledgerSigningKey !== undefined && { signingKey: config.ledgerSigningKey }),
    admit: (appending) => standing.admit(appending),
    log: (level, message, err) => log[level]({ err }, message),
    onFault: (fault, isFaulty) => void (isFaulty ? faults.add(fault) : faults.delete(fault)),
  })
  started.own(ledger, (open) => open.close())
  // What others decided was told by them.
  let leading = false
  const register: ReplicatedRegister = await openReplicatedRegister(ledger, (entry) => {
    if (!leading) return standing.onAdopted(entry)
    events.emit(describeEntry(entry), 'decision')
    onEntry(entry)
  })
  await standing.begin(register, ledger.remote)
  // Another hub may have led since, and it may have been a newer one.
  await shared.upgrade()
  leading = true
  return { standing, redis, redisUrl, prefix, authority, tokenKeys, events, register, faults }
}
