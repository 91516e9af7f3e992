import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Redis } from 'ioredis'
import { HubError } from '../../hub/errors.ts'
import { connectRedis } from '../../hub/redis.ts'
import { formatBundleLine } from '../../hub/render/bundle-memory.ts'
import { toChange } from '../../hub/rollout/store/change.ts'
import { createRun } from '../../hub/rollout/plan/plan.ts'
import { createRolloutStore } from '../../hub/rollout/store/redis.ts'
import { newestFormat, refuseNewer, upgrade } from '../../hub/upgrade/format.ts'
import { createDirectoryMark, listDirectorySteps } from '../../hub/upgrade/fs.ts'
import { formatMark, redisFormat } from '../../hub/upgrade/mark.ts'
import { createRedisMark, listRedisSteps } from '../../hub/upgrade/redis.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { plan, wave } from '../unit/hub/rollout/world.ts'

/* What hubs of before left in Redis and on disk, led to the form of today. */

const program = fileURLToPath(new URL('../support/upgrade-program.ts', import.meta.url))
const judged = { size: 1, kinds: ['ConfigMap'], violations: [], notes: [] }

let server: TestRedis
let redis: Redis
before(async () => {
  server = await startRedis()
  redis = await connectRedis(server.url)
})
after(async () => {
  redis.disconnect()
  await server.stop()
})

let fleets = 0
const nextFleet = (): string => `fleet-${(fleets += 1)}`

/** Three rollouts as the first hubs kept them: a mark without a number, no gates, changes behind two of them. */
async function keepAsBefore(fleet: string): Promise<void> {
  const store = createRolloutStore(redis, fleet)
  for (const [at, id] of ['r1', 'r2', 'r3'].entries()) {
    const planned = { ...plan([wave('one', ['a', 'b'])]), id, createdAt: at }
    const run = createRun(planned)
    await store.put({ plan: planned, run })
    const key = `gs:{${fleet}}:rollout:${id}`
    const { gates, ...before } = run
    assert.deepEqual(gates, {})
    await redis.hset(key, 'run', JSON.stringify(before))
    let last = run
    for (let moved = 0; moved < at; moved += 1) {
      const next = { ...last, version: last.version + 1, message: `moved ${moved}` }
      assert.equal(await store.swap(planned, next, toChange(last, next)), 'done')
      last = next
    }
  }
  await redis.set(`gs:{${fleet}}:rollouts:mark`, '1')
}

async function layOutAsBefore(directory: string): Promise<void> {
  const [old, text] = [digestOf('old'), JSON.stringify([digestOf('a'), digestOf('b'), 1, []])]
  assert.notEqual(old, digestOf(text))
  await mkdir(join(directory, 'mirrors'), { recursive: true })
  await writeFile(
    join(directory, 'mirrors/bundles.jsonl'),
    `${digestOf(text)} ${text}\n${formatBundleLine(digestOf('in'), { digest: old, ...judged })}`,
  )
  await mkdir(join(directory, 'compiled/v24'), { recursive: true })
  for (const name of ['one', 'two']) await writeFile(join(directory, 'compiled/v24', name), 'code')
}

/** All there is, with how many bytes of what. */
async function readAll(fleet: string, directory: string): Promise<unknown> {
  const keys = (await redis.keys(`gs:{${fleet}}:*`)).sort()
  const held = await Promise.all(
    keys.map(async (key) => {
      const kind = await redis.type(key)
      const name = key.replace(fleet, '')
      if (kind === 'hash') return [name, await redis.hgetall(key)]
      if (kind === 'string') return [name, await redis.get(key)]
      if (kind === 'list') return [name, await redis.lrange(key, 0, -1)]
      return [name, await redis.zrange(key, '0', '-1', 'WITHSCORES')]
    }),
  )
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files: [string, string][] = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const path = join(parentPath, name)
        return [path.slice(directory.length), await readFile(path, 'utf8')] as [string, string]
      }),
  )
  return { held, files: Object.fromEntries(files) }
}

function run(fleet: string, directory: string, points: number) {
  const args = [program, server.url, `gs:{${fleet}}`, directory, String(points)]
  const { signal, status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.ok(signal === 'SIGKILL' || status === 0, stderr)
  return { killed: signal === 'SIGKILL', said: stdout }
}

async function upgradeBoth(fleet: string, directory: string): Promise<void> {
  await upgrade(createDirectoryMark(directory), listDirectorySteps(directory), () => {})
  await upgradeRedis(fleet)
}

async function upgradeRedis(fleet: string, connection = redis): Promise<void> {
  const prefix = `gs:{${fleet}}`
  const steps = listRedisSteps(connection, prefix)
  await upgrade(createRedisMark(connection, prefix), steps, () => {})
}

describe('what a hub of before kept', () => {
  test('is led to the form of today, a killed hub at each point of it: the same end, whichever', async (t) => {
    await using whole = await createTempDir('upgrade')
    const fleet = nextFleet()
    await keepAsBefore(fleet)
    await layOutAsBefore(whole.path)
    const { killed, said } = run(fleet, whole.path, Infinity)
    assert.equal(killed, false)
    const points = Number(/^points (\d+)$/m.exec(said)?.[1])
    const expected = await readAll(fleet, whole.path)
    // Two steps of the directory, one of Redis, each written down; three rollouts.
    assert.equal(points, 11, said)
    assert.match(said, /form 2: writes the rollouts whole, .+ \(3\)$/m)
    assert.match(said, /form 2: leaves out renders .+ \(1\)$/m)
    assert.match(said, /form 3: removes what V8 .+ \(2\)$/m)
    t.diagnostic(`${points} points`)

    for (let point = 0; point < points; point += 1) {
      await using cut = await createTempDir('upgrade')
      const own = nextFleet()
      await keepAsBefore(own)
      await layOutAsBefore(cut.path)
      assert.equal(run(own, cut.path, point).killed, true, `at ${point}`)
      await upgradeBoth(own, cut.path)
      assert.deepEqual(await readAll(own, cut.path), expected, `killed at ${point}`)
    }
  })

  test('has steps without a gap, to the form that a hub writes', () => {
    const lists = [listRedisSteps(redis, 'gs:{fleet}'), listDirectorySteps('/nowhere')] as const
    for (const steps of lists) {
      const numbers = steps.map(({ to }) => to)
      assert.deepEqual(
        numbers,
        steps.map((_, at) => at + 2),
      )
    }
    assert.equal(newestFormat(lists[0]), redisFormat)
  })

  test('is read as it always was, and is whole', async () => {
    const fleet = nextFleet()
    await keepAsBefore(fleet)
    const store = createRolloutStore(redis, fleet)
    const before = await Promise.all(['r1', 'r2', 'r3'].map((id) => store.get(id)))
    await upgradeRedis(fleet)
    const now = await Promise.all(['r1', 'r2', 'r3'].map((id) => store.get(id)))
    assert.deepEqual(
      now,
      before.map((found) => ({ ...found!, run: { ...found!.run, gates: {} } })),
    )
    assert.deepEqual(await redis.keys(`gs:{${fleet}}:*:changes`), [])
    assert.equal(await redis.get(`gs:{${fleet}}:rollouts:mark`), formatMark(redisFormat))
    assert.equal(await store.isMarked(), true)
  })

  test('is not taken for there when Redis was emptied: the ledger fills it, and the mark comes last', async () => {
    const fleet = nextFleet()
    await upgradeRedis(fleet)
    assert.deepEqual(await redis.keys(`gs:{${fleet}}*`), [])
  })

  test('is let be where it is of another kind, or unreadable', async () => {
    const fleet = nextFleet()
    await keepAsBefore(fleet)
    const prefix = `gs:{${fleet}}`
    await redis.hset(`${prefix}:rollout:r1`, 'run', '{ no JSON')
    await redis.set(`${prefix}:rollout:r2:changes`, 'a string')
    await redis.del(`${prefix}:rollouts:mark`)
    await redis.rpush(`${prefix}:rollouts:mark`, 'a list')
    await upgradeRedis(fleet)
    assert.equal(await redis.hget(`${prefix}:rollout:r1`, 'run'), '{ no JSON')
    assert.equal(await redis.get(`${prefix}:rollouts:mark`), formatMark(redisFormat))
  })

  test('is not touched by a hub that was overtaken while it read', async () => {
    const fleet = nextFleet()
    await keepAsBefore(fleet)
    const prefix = `gs:{${fleet}}`
    const slow = await connectRedis(server.url)
    const evaluate = slow.eval.bind(slow) as (...words: unknown[]) => Promise<unknown>
    const moved = JSON.stringify({ moved: 'by the next' })
    Object.assign(slow, {
      async eval(...words: unknown[]) {
        await redis.hset(`${prefix}:rollout:r1`, 'run', moved)
        await redis.set(`${prefix}:rollouts:mark`, formatMark(9))
        return evaluate(...words)
      },
    })
    await upgradeRedis(fleet, slow)
    slow.disconnect()
    assert.equal(await redis.hget(`${prefix}:rollout:r1`, 'run'), moved)
    assert.equal(await redis.get(`${prefix}:rollouts:mark`), formatMark(9))
  })

  test('is refused when it is of a newer hub, and stays as it is', async () => {
    await using kept = await createTempDir('upgrade')
    const fleet = nextFleet()
    await keepAsBefore(fleet)
    await layOutAsBefore(kept.path)
    await redis.set(`gs:{${fleet}}:rollouts:mark`, formatMark(7))
    await writeFile(join(kept.path, 'format'), '8\n')
    const before = await readAll(fleet, kept.path)
    const prefix = `gs:{${fleet}}`
    const isNewer =
      (words: RegExp) =>
      (error: unknown): boolean =>
        error instanceof HubError && error.code === 'data_newer' && words.test(error.message)
    for (const judge of [
      refuseNewer,
      (...[mark, steps]: Parameters<typeof refuseNewer>) => upgrade(mark, steps, () => {}),
    ]) {
      await assert.rejects(
        judge(createRedisMark(redis, prefix), listRedisSteps(redis, prefix)),
        isNewer(/^what Redis holds .+ form 7, .+ up to 2\. .+ or empty this Redis: .+ ledger$/),
      )
      await assert.rejects(
        judge(createDirectoryMark(kept.path), listDirectorySteps(kept.path)),
        isNewer(/^the data directory \/.+ form 8, .+ up to 3\. .+ or restore the backup/),
      )
    }
    assert.deepEqual(await readAll(fleet, kept.path), before)
  })

  test('is refused when its number is none', async () => {
    await using kept = await createTempDir('upgrade')
    await writeFile(join(kept.path, 'format'), 'three\n')
    await assert.rejects(createDirectoryMark(kept.path).read(), /format: not the number of a form/)
  })
})
