import type { Redis } from 'ioredis'
import { HubError } from '../../errors.ts'
import { orLost, translateRedis } from '../../redis.ts'
import { dropOtherKinds } from '../../redis-script.ts'
import { formatMark, redisFormat } from '../../upgrade/mark.ts'
import { type RunChange, foldChanges } from './change.ts'
import { finalPhases, type RolloutPlan, type RolloutRun } from '../rollout.ts'
import type { RolloutQuery, RolloutStore, StoredRollout, Swap } from './store.ts'

// KEYS rollout, all, ofApplication, active, changes; ARGV id, plan, run, version, createdAt, isFinal,
// mode, change. `put` writes unless something newer is there; `swap` wants exactly the version before,
// and brings no plan: a plan changes once at most, as it begins, by what only the ledger is asked for, and
// may be much larger than all else of a rollout. Where it brings no run either, the change is kept behind the
// run that is there.
// What whoever may write there made into something of another kind, or unreadable, is as good as lost.
const writeScript = `
${dropOtherKinds(['hash', 'zset', 'zset', 'zset', 'list'])}
local held = tonumber(redis.call('HGET', KEYS[1], 'version') or '0') or 0
local version = tonumber(ARGV[4])
if held >= version then return 'lost' end
if ARGV[7] == 'swap' and (held ~= version - 1 or redis.call('HEXISTS', KEYS[1], 'plan') == 0) then
  return 'behind'
end
redis.call('HSET', KEYS[1], 'version', ARGV[4])
if ARGV[3] == '' then redis.call('RPUSH', KEYS[5], ARGV[8])
else
  redis.call('HSET', KEYS[1], 'run', ARGV[3])
  redis.call('DEL', KEYS[5])
end
if ARGV[7] == 'put' then redis.call('HSETNX', KEYS[1], 'plan', ARGV[2]) end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
if ARGV[6] == '1' then redis.call('ZREM', KEYS[4], ARGV[1])
else redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1]) end
return 'done'
`

/** A run is written whole at each version that this divides, and when it has ended; else its change. */
const wholeEvery = 16

const maxPage = 500

/** Rollouts under `gs:{fleet}:`; the braces keep a fleet's keys on one node of a Redis cluster. */
export function createRolloutStore(redis: Redis, fleet: string): RolloutStore {
  const prefix = `gs:{${fleet}}:`
  const rolloutKey = (id: string) => `${prefix}rollout:${id}`
  const changesKey = (id: string) => `${prefix}rollout:${id}:changes`
  const indexKey = (query: { application?: string | undefined; active?: boolean | undefined }) =>
    query.active === true
      ? `${prefix}rollouts:active`
      : query.application === undefined
        ? `${prefix}rollouts`
        : `${prefix}rollouts:of:${query.application}`
  const sentinel = `${prefix}rollouts:mark`

  async function write(plan: RolloutPlan, run: RolloutRun, change?: RunChange): Promise<Swap> {
    const ended = finalPhases.has(run.phase)
    const whole = !change || ended || run.version % wholeEvery === 0
    const answer = await translateRedis(
      redis.eval(
        writeScript,
        5,
        rolloutKey(run.id),
        indexKey({}),
        indexKey({ application: plan.application }),
        indexKey({ active: true }),
        changesKey(run.id),
        run.id,
        change ? '' : JSON.stringify(plan),
        whole ? JSON.stringify(run) : '',
        String(run.version),
        String(plan.createdAt),
        ended ? '1' : '0',
        change ? 'swap' : 'put',
        whole ? '' : JSON.stringify(change),
      ),
    )
    return answer as Swap
  }

  async function readOne(id: string): Promise<StoredRollout | undefined> {
    const [[plan, run], changes] = await Promise.all([
      translateRedis(orLost(redis.hmget(rolloutKey(id), 'plan', 'run'), [])),
      translateRedis(orLost(redis.lrange(changesKey(id), 0, -1), [])),
    ])
    if (typeof plan !== 'string' || typeof run !== 'string') return undefined
    const stored = parseStored(plan, run, changes)
    return stored?.plan?.id === id && stored.run?.id === id ? stored : undefined
  }

  async function read(ids: readonly string[]): Promise<StoredRollout[]> {
    return (await Promise.all(ids.map(readOne))).flatMap((found) => found ?? [])
  }

  async function list(query: RolloutQuery) {
    const limit = Math.max(1, Math.min(query.limit, maxPage))
    const index = indexKey(query)
    let start = 0
    if (query.after !== undefined) {
      const rank = await translateRedis(orLost(redis.zrevrank(index, query.after), null))
      if (rank === null) throw new HubError('invalid', 'the list changed; begin it again')
      start = rank + 1
    }
    const ids = await translateRedis(orLost(redis.zrevrange(index, start, start + limit), []))
    const found = await read(ids.slice(0, limit))
    return {
      rollouts: found.filter(
        ({ plan }) => query.application === undefined || plan.application === query.application,
      ),
      next: ids.length > limit ? ids[limit - 1]! : null,
    }
  }

  return {
    async get(id) {
      return (await read([id]))[0]
    },
    async put({ plan, run }) {
      await write(plan, run)
    },
    swap: write,
    list,
    async isMarked() {
      return (await translateRedis(redis.exists(sentinel))) === 1
    },
    async mark() {
      await translateRedis(redis.set(sentinel, formatMark(redisFormat)))
    },
  }
}

/** Undefined for what cannot be read: it is as good as lost, as is another rollout's. */
function parseStored(
  plan: string,
  run: string,
  changes: readonly string[],
): StoredRollout | undefined {
  try {
    const folded = foldChanges(
      JSON.parse(run) as RolloutRun,
      changes.map((text) => JSON.parse(text) as RunChange),
    )
    return { plan: JSON.parse(plan) as RolloutPlan, run: folded }
  } catch {
    return undefined
  }
}
