import type { Redis } from 'ioredis'
import { isDigest } from '@groundswell/proto/digest.ts'
import { HubError } from '../errors.ts'
import { emptyChain, type ChainHead } from '../ledger/chain.ts'
import { orAnew, translateRedis } from '../redis.ts'
import { dropOtherKinds, isDigestInRedis } from '../redis-script.ts'
import type { Seal } from './seal.ts'
import { farTerms, type SharedLedger, type Sight, type Taken } from './shared-ledger.ts'

/** Lines kept in common; older ones are laid out by the leader for who asks. */
const keptLines = 1_000
const linesAtOnce = 200
const laidOutSeconds = 30

// Every script: KEYS lease, head, lines, replicas, page. Time is Redis' own, for all alike.
const common = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- What is of another kind, or cannot be read, is as good as lost: nobody leads by it.
${dropOtherKinds(['hash', 'hash', 'list', 'hash', 'list'])}
local function isCount(text) return text and #text < 16 and string.match(text, '^%d+$') end
${isDigestInRedis}
local lease = redis.call('HMGET', KEYS[1], 'holder', 'term', 'until')
if not (lease[1] and isCount(lease[2]) and isCount(lease[3])) then
  redis.call('DEL', KEYS[1])
  lease = {}
end
local head = redis.call('HMGET', KEYS[2], 'index', 'digest')
if not (isCount(head[1]) and isDigest(head[2])) then
  redis.call('DEL', KEYS[2])
  head = {}
end
-- No lease lasts longer than a whole one: Redis' time went back since, or another Redis took over.
local function bound(within)
  if tonumber(lease[3] or '0') <= now + within then return end
  lease[3] = now + within
  redis.call('HSET', KEYS[1], 'until', lease[3])
end
local function isMine(holder, term) return lease[1] == holder and lease[2] == term end
local function announce(holder, index) redis.call('HSET', KEYS[4], holder, index .. ' ' .. now) end
local function eachLive(within, visit)
  local all = redis.call('HGETALL', KEYS[4])
  for i = 1, #all, 2 do
    local index, at = string.match(all[i + 1], '^(%d+) (%d+)$')
    local age = at and now - tonumber(at)
    if not age or age > within * 20 or age < -within then redis.call('HDEL', KEYS[4], all[i])
    elseif age <= within then visit(all[i], tonumber(index)) end
  end
end
`

// ARGV holder, index, most lines, lease ms.
const lookScript = `${common}
announce(ARGV[1], ARGV[2])
bound(tonumber(ARGV[4]))
local mine, last = tonumber(ARGV[2]), tonumber(head[1] or '0')
local length = redis.call('LLEN', KEYS[3])
local lines = {}
if mine < last and redis.call('LINDEX', KEYS[5], 0) == ARGV[2] then
  lines = redis.call('LRANGE', KEYS[5], 1, -1)
elseif mine < last and mine >= last - length then
  local from = length - (last - mine)
  lines = redis.call('LRANGE', KEYS[3], from, from + ARGV[3] - 1)
end
local left = math.max(0, tonumber(lease[3] or '0') - now)
return {lease[1] or '', lease[2] or '', tostring(left), head[1] or '', head[2] or '', lines}`

// ARGV holder, term, lease ms, index, digest, seen digest (empty: none), lines.
const takeScript = `${common}
if lease[1] and lease[1] ~= ARGV[1] and tonumber(lease[3]) > now then return 'held' end
local before, term = tonumber(lease[2] or '0'), tonumber(ARGV[2])
if before - term > ${farTerms} then before = 0 end
if before > term or (before == term and lease[1] ~= ARGV[1]) then return 'moved' end
if (head[2] or '') ~= ARGV[6] then return 'moved' end
local behind = false
eachLive(tonumber(ARGV[3]), function(_, index)
  if index > tonumber(ARGV[4]) then behind = true end
end)
if behind then return 'behind' end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'term', ARGV[2], 'until', now + ARGV[3])
if head[2] ~= ARGV[5] then
  redis.call('HSET', KEYS[2], 'index', ARGV[4], 'digest', ARGV[5])
  redis.call('DEL', KEYS[3])
  for i = 7, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
end
announce(ARGV[1], ARGV[4])
return 'taken'`

// ARGV holder, term, lease ms, index.
const renewScript = `${common}
announce(ARGV[1], ARGV[4])
if not isMine(ARGV[1], ARGV[2]) or tonumber(head[1] or '-1') < tonumber(ARGV[4]) then return 'lost' end
redis.call('HSET', KEYS[1], 'until', now + ARGV[3])
return 'held'`

// ARGV holder, term, index and digest before, index and digest after, most lines kept, lines.
const appendScript = `${common}
if not isMine(ARGV[1], ARGV[2]) then return 'fenced' end
if head[1] == ARGV[5] and head[2] == ARGV[6] then return 'done' end
if head[1] ~= ARGV[3] or head[2] ~= ARGV[4] then return 'moved' end
for i = 8, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
redis.call('LTRIM', KEYS[3], -ARGV[7], -1)
redis.call('HSET', KEYS[2], 'index', ARGV[5], 'digest', ARGV[6])
return 'done'`

// ARGV holder, lease ms.
const behindScript = `${common}
local least = -1
eachLive(tonumber(ARGV[2]), function(holder, index)
  if holder ~= ARGV[1] and (least < 0 or index < least) then least = index end
end)
return least`

/** Who leads, as `holder`, `term` and `until`. */
export function leaseKey(prefix: string): string {
  return `${prefix}:ledger:lease`
}

/** Lines are sealed: who may write to Redis can hold them back, but not make any up. */
export function createSharedLedger(
  redis: Redis,
  prefix: string,
  seal: Seal,
  leaseMs: number,
  facts: FleetFacts = {},
): SharedLedger {
  const keys = ['lease', 'head', 'lines', 'replicas', 'page'].map(
    (key) => `${prefix}:ledger:${key}`,
  )
  const run = async (script: string, ...args: readonly (string | number)[]): Promise<unknown> =>
    translateRedis(redis.eval(script, keys.length, ...keys, ...args))

  function openAll(sealed: readonly string[]): string[] {
    return sealed.map((text) => {
      const line = seal.open(text)
      if (line !== undefined) return line
      throw new HubError('redis_refused', 'Redis holds a ledger line that no replica wrote')
    })
  }

  return {
    async look({ holder, end }) {
      const answer = await run(lookScript, holder, end.index, linesAtOnce, leaseMs)
      const [by, term, left, index, digest, lines] = answer as [
        ...[string, string, string, string, string],
        string[],
      ]
      return {
        lease: by ? { holder: by, term: Number(term), left: Number(left) } : null,
        head: toHead(index, digest),
        lines: openAll(lines),
      } satisfies Sight
    },
    async take({ holder, term, end, seen, lines }) {
      const sealed = lines.slice(-keptLines).map((line) => seal.close(line))
      const about = [holder, term, leaseMs, end.index, end.digest, seen?.digest ?? '']
      const taken = (await run(takeScript, ...about, ...sealed)) as Taken
      // An emptied Redis has forgotten them too.
      if (taken === 'taken') await tellFacts(redis, prefix, facts)
      return taken
    },
    async renew({ holder, end }, term) {
      return (await run(renewScript, holder, term, leaseMs, end.index)) as 'held' | 'lost'
    },
    async append({ holder, term, from, to, lines }) {
      const about = [holder, term, from.index, from.digest, to.index, to.digest, keptLines]
      const sealed = lines.map((line) => seal.close(line))
      return (await run(appendScript, ...about, ...sealed)) as 'done' | 'fenced' | 'moved'
    },
    async layOut(after, lines) {
      const page = lines.slice(0, linesAtOnce).map((line) => seal.close(line))
      const all = redis
        .multi()
        .del(keys[4]!)
        .rpush(keys[4]!, String(after), ...page)
      await translateRedis(all.expire(keys[4]!, laidOutSeconds).exec())
    },
    async furthestBehind({ holder }) {
      const least = Number(await run(behindScript, holder, leaseMs))
      return least < 0 ? null : least
    },
  }
}

function toHead(index: string, digest: string): ChainHead | null {
  if (!isDigest(digest)) return null
  return { index: Number(index) || emptyChain.index, digest }
}

/** What the replicas of a fleet have in common, in words and values. */
export type FleetFacts = Readonly<Record<string, string>>

async function tellFacts(redis: Redis, prefix: string, facts: FleetFacts): Promise<void> {
  const key = `${prefix}:ledger:fleet`
  for (const [fact, mine] of Object.entries(facts)) {
    await translateRedis(orAnew(redis, key, () => redis.hsetnx(key, fact, mine)))
  }
}

function adviceOn(fact: string): string {
  if (fact !== 'signer') return 'give all of them the same --shared directory'
  return 'front ends have one signer, whose record says what was signed last, and one renderer: give all of them the same --sockets'
}

/** Fails unless this fleet's replicas all have the same; the first one says what. */
export async function assertSameFleet(
  redis: Redis,
  prefix: string,
  facts: FleetFacts,
): Promise<void> {
  await tellFacts(redis, prefix, facts)
  for (const [fact, mine] of Object.entries(facts)) {
    const theirs = await translateRedis(redis.hget(`${prefix}:ledger:fleet`, fact))
    if (theirs === mine) continue
    throw new HubError(
      'config_invalid',
      `the replicas in this Redis have another ${fact} (${theirs}) than this one (${mine}); ${adviceOn(fact)}. Where none of them has that any more, delete ${prefix}:ledger:fleet in Redis: the next one says it anew`,
    )
  }
}
