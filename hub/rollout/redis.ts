import type { Redis } from 'ioredis'
import { HubError } from '../errors.ts'
import { translateRedis } from '../redis.ts'
import { finalPhases, type RolloutPlan, type RolloutRun } from './rollout.ts'
import type { RolloutQuery, RolloutStore, StoredRollout, Swap } from './store.ts'

// KEYS rollout, all, ofApplication, active; ARGV id, plan, run, version, createdAt, isFinal, mode.
// `put` writes unless something newer is there; `swap` wants exactly the version before, and
// brings no plan: a plan never changes, and may be much larger than all else of a rollout.
const writeScript = `
local held = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
local version = tonumber(ARGV[4])
if held >= version then return 'lost' end
if ARGV[7] == 'swap' and (held ~= version - 1 or redis.call('HEXISTS', KEYS[1], 'plan') == 0) then
  return 'behind'
end
redis.call('HSET', KEYS[1], 'run', ARGV[3], 'version', ARGV[4])
if ARGV[7] == 'put' then redis.call('HSETNX', KEYS[1], 'plan', ARGV[2]) end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
if ARGV[6] == '1' then redis.call('ZREM', KEYS[4], ARGV[1])
else redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1]) end
return 'done'
`

const maxPage = 500

/** Rollouts under `gs:{fleet}:`; the braces keep a fleet's keys on one node of a Redis cluster. */
export function createRolloutStore(redis: Redis, fleet: string): RolloutStore {
  const prefix = `gs:{${fleet}}:`
  const rolloutKey = (id: string) => `${prefix}rollout:${id}`
  const indexKey = (query: { application?: string | undefined; active?: boolean | undefined }) =>
    query.active === true
      ? `${prefix}rollouts:active`
      : query.application === undefined
        ? `${prefix}rollouts`
        : `${prefix}rollouts:of:${query.application}`
  const sentinel = `${prefix}rollouts:mark`

  async function write(mode: 'put' | 'swap', plan: RolloutPlan, run: RolloutRun): Promise<Swap> {
    const answer = await translateRedis(
      redis.eval(
        writeScript,
        4,
        rolloutKey(run.id),
        indexKey({}),
        indexKey({ application: plan.application }),
        indexKey({ active: true }),
        run.id,
        mode === 'put' ? JSON.stringify(plan) : '',
        JSON.stringify(run),
        String(run.version),
        String(plan.createdAt),
        finalPhases.has(run.phase) ? '1' : '0',
        mode,
      ),
    )
    return answer as Swap
  }

  async function read(ids: readonly string[]): Promise<StoredRollout[]> {
    const rows = await Promise.all(
      ids.map((id) => translateRedis(redis.hmget(rolloutKey(id), 'plan', 'run'))),
    )
    return rows.flatMap(([plan, run]) =>
      typeof plan === 'string' && typeof run === 'string'
        ? [{ plan: JSON.parse(plan) as RolloutPlan, run: JSON.parse(run) as RolloutRun }]
        : [],
    )
  }

  async function list(query: RolloutQuery) {
    const limit = Math.max(1, Math.min(query.limit, maxPage))
    const index = indexKey(query)
    let start = 0
    if (query.after !== undefined) {
      const rank = await translateRedis(redis.zrevrank(index, query.after))
      if (rank === null) throw new HubError('invalid', 'the list changed; begin it again')
      start = rank + 1
    }
    const ids = await translateRedis(redis.zrevrange(index, start, start + limit))
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
      await write('put', plan, run)
    },
    swap: (plan, run) => write('swap', plan, run),
    list,
    async isMarked() {
      return (await translateRedis(redis.exists(sentinel))) === 1
    },
    async mark() {
      await translateRedis(redis.set(sentinel, '1'))
    },
  }
}
