import type { Redis } from 'ioredis'
import { orLost, translateRedis } from '../redis.ts'
import { type RunChange, foldChanges } from '../rollout/store/change.ts'
import type { RolloutRun } from '../rollout/rollout.ts'
import type { FormatMark, UpgradeStep } from './format.ts'
import { formatMark, parseMark, redisFormat } from './mark.ts'

const pageSize = 500

// KEYS mark; ARGV what was read, next. Where there is no mark there are no rollouts either: the hub
// writes them from its ledger, and then the mark.
const recordScript = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return end
if kind ~= 'string' or redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
`

// KEYS rollout, changes; ARGV run that was read, number of changes that were read, run.
const foldScript = `
if redis.call('HGET', KEYS[1], 'run') == ARGV[1] and redis.call('LLEN', KEYS[2]) == tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'run', ARGV[3])
  redis.call('DEL', KEYS[2])
  return 1
end
return 0
`

/** The number of what Redis holds of a fleet is its mark, which is gone when all else is. */
export function createRedisMark(redis: Redis, prefix: string): FormatMark {
  const key = `${prefix}:rollouts:mark`
  let last: Buffer | null = null
  return {
    place: 'what Redis holds',
    remedy: 'empty this Redis: what it holds is made again from the ledger',
    async read() {
      last = await translateRedis(orLost(redis.getBuffer(key), null))
      return parseMark(last?.toString() ?? '')
    },
    async record(next) {
      const text = formatMark(next)
      await translateRedis(redis.eval(recordScript, 1, key, last ?? '', text))
      last = Buffer.from(text)
    },
  }
}

/** The hub that leads does them. One that was overtaken meanwhile changes nothing of what the next one wrote. */
export function listRedisSteps(redis: Redis, prefix: string): readonly UpgradeStep[] {
  return [
    {
      to: redisFormat,
      what: 'writes the rollouts whole, with the gates that those of before did not have',
      run: () => foldRollouts(redis, prefix),
    },
  ]
}

async function foldRollouts(redis: Redis, prefix: string): Promise<number> {
  let changed = 0
  const listPage = (from: number): Promise<string[]> =>
    translateRedis(
      orLost<string[]>(redis.zrange(`${prefix}:rollouts`, from, String(from + pageSize - 1)), []),
    )
  for (let from = 0; ; from += pageSize) {
    const ids = await listPage(from)
    for (const id of ids) changed += await foldRollout(redis, `${prefix}:rollout:${id}`)
    if (ids.length < pageSize) return changed
  }
}

async function foldRollout(redis: Redis, key: string): Promise<number> {
  const changesKey = `${key}:changes`
  const [run, changes] = await translateRedis(
    Promise.all([
      orLost(redis.hget(key, 'run'), null),
      orLost<string[]>(redis.lrange(changesKey, 0, -1), []),
    ]),
  )
  const whole = run === null ? undefined : completeRun(run, changes)
  if (run === null || whole === undefined || (whole === run && changes.length === 0)) return 0
  const words = [run, String(changes.length), whole]
  const folding = redis.eval(foldScript, 2, key, changesKey, ...words) as Promise<number>
  return translateRedis(orLost(folding, 0))
}

/** Undefined for what cannot be read: it is as good as lost, and written again from the ledger. */
function completeRun(run: string, changes: readonly string[]): string | undefined {
  try {
    const parsed = JSON.parse(run) as Omit<RolloutRun, 'gates'> & Partial<RolloutRun>
    const folded = foldChanges(
      { gates: {}, ...parsed },
      changes.map((text) => JSON.parse(text) as RunChange),
    )
    return JSON.stringify(folded)
  } catch {
    return undefined
  }
}
