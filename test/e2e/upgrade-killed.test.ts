import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { formatMark, redisFormat } from '../../hub/upgrade/mark.ts'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { checkOutEarlier, earlierCommit } from '../support/earlier-release.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, hubProgram } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { openRedisTap } from '../support/redis-tap.ts'
import { startRedis } from '../support/redis.ts'
import { isReady, startReplicas } from '../support/replica-processes.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* A hub that is killed while it leads what the release before kept to its own form. A rollout is under way, and waits. */

const clusters = ['a', 'b', 'c']
const approval = '      before:\n        - approval: {}\n'
const mark = 'gs:{groundswell}:rollouts:mark'
/** Words of the scripts by which a step writes a rollout, and by which it is written down that it is done. */
const [folds, records] = ["'HGET', KEYS[1], 'run') == ARGV", "kind == 'none' then return"]

const textOf = ({ cluster }: MemoryAgent): unknown =>
  (cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } } | undefined)?.data?.text

const gated = {
  ...strategyFile('0s', approval),
  'apps/web/settings.yaml': configMap('settings', 'two'),
}

async function untilGated(hub: HubProcess, commit: string): Promise<string> {
  return until(
    async () => {
      const rollout = await newestRollout(hub.api, 'web')
      const waits = /production.*waits for approval/.test(rollout?.message ?? '')
      return waits && rollout?.revision.endsWith(commit) && rollout.id
    },
    { deadlineMs: 30_000, what: 'production to wait for its approval' },
  )
}

const linesOf = async (hub: HubProcess): Promise<string> =>
  readFile(join(hub.data, 'ledger/ledger.jsonl'), 'utf8')

/** Starts a hub that is killed just before it says a text to Redis. */
async function startKilled(
  hub: HubProcess,
  tap: Awaited<ReturnType<typeof openRedisTap>>,
  text: string,
): Promise<void> {
  const killed = Promise.withResolvers<void>()
  tap.holdAt(text, () => void hub.kill().then(() => killed.resolve()))
  await assert.rejects(hub.start(hubProgram))
  await killed.promise
}

async function layOutEarlier(t: TestContext, directory: string): Promise<string | undefined> {
  const earlier = await checkOutEarlier(join(directory, 'earlier'))
  if (!earlier) t.skip(`the history down to ${earlierCommit} is not there`)
  return earlier?.hub
}

describe('an upgrade', () => {
  test('of a hub that is killed at each point of it goes on where it was, and so does its rollout', async (t) => {
    await using world = await createSurroundings()
    const program = await layOutEarlier(t, world.directory)
    if (program === undefined) return
    await using server = await startRedis()
    await using tap = await openRedisTap(server.url)
    await using stack = new AsyncDisposableStack()
    const redis = stack.adopt(new Redis(server.url), (open) => open.disconnect())
    const { repository } = world
    await repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
    const hub = await world.start({ redisUrl: tap.url, program })
    await untilReady(hub)
    const agents: MemoryAgent[] = []
    for (const name of clusters) agents.push(stack.use(await startMemoryAgent(hub, name)))
    await untilAllHave('one', () => agents.map(textOf))
    await waitForRollout(hub.api, 'web', 'Succeeded')
    const id = await untilGated(hub, await repository.commit(gated))
    await hub.kill()
    const [ledger, format] = [await linesOf(hub), join(hub.data, 'format')]
    const kept = async (): Promise<(string | null)[]> => [
      await readFile(format, 'utf8').catch(() => null),
      await redis.get(mark),
      String((await redis.keys('gs:{groundswell}:rollout:*:changes')).length),
    ]
    const before = await kept()
    assert.deepEqual(before.slice(0, 2), [null, '1'])
    assert.notEqual(before[2], '0', 'rollouts have changes behind them')

    await startKilled(hub, tap, '')
    assert.deepEqual(await kept(), before, 'nothing is done before all of it was looked at')
    await startKilled(hub, tap, folds)
    assert.deepEqual(await kept(), ['3\n', '1', before[2]])
    await startKilled(hub, tap, records)
    assert.deepEqual(await kept(), ['3\n', '1', '0'])
    assert.equal(await linesOf(hub), ledger, 'nothing is decided before')

    await hub.start(hubProgram)
    await untilReady(hub)
    assert.deepEqual((await kept()).slice(0, 2), ['3\n', formatMark(redisFormat)])
    assert.ok((await linesOf(hub)).startsWith(ledger), 'nothing is lost')
    assert.equal((await newestRollout(hub.api, 'web'))?.id, id)
    assert.deepEqual(agents.map(textOf), ['two', 'one', 'one'])
    await hub.api.post(`rollouts/${id}/approve`, {})
    await untilAllHave('two', () => agents.map(textOf))
    await waitForRollout(hub.api, 'web', 'Succeeded')
    await assertLedgerHolds(hub.data)

    // What a newer hub kept is left as it is, in either place.
    await hub.stop()
    await redis.set(mark, formatMark(redisFormat + 1))
    await assert.rejects(
      hub.start(hubProgram),
      /what Redis holds is of a newer hub: .* Nothing was changed\. Start the newer hub, or empty this Redis/,
    )
    assert.equal(await redis.get(mark), formatMark(redisFormat + 1))
    await redis.set(mark, formatMark(redisFormat))
    await writeFile(format, '4\n')
    const last = await linesOf(hub)
    await assert.rejects(
      hub.start(hubProgram),
      /the data directory .* is of a newer hub: .* form 4/,
    )
    assert.equal(hub.process().exitCode, 1)
    assert.equal(await readFile(format, 'utf8'), '4\n')
    assert.equal(await linesOf(hub), last)
  })

  test('of replicas goes one after the other; whoever leads goes on with it when the first is killed', async (t) => {
    await using directory = await createTempDir('upgrade-replicas')
    const program = await layOutEarlier(t, directory.path)
    if (program === undefined) return
    await using git = await startGitServer()
    await using server = await startRedis()
    await using tap = await openRedisTap(server.url)
    await using stack = new AsyncDisposableStack()
    const redis = stack.adopt(new Redis(server.url), (open) => open.disconnect())
    const repository = await git.createRepository('fleet')
    await repository.commit({
      ...{ ...clusterFiles, ...strategyFile('0s') },
      ...applicationFiles('web', 'one'),
    })
    await using replicas = await startReplicas({
      ...{ directory: directory.path, fleetUrl: git.url('fleet'), redisUrl: tap.url },
      ...{ names: ['one', 'two'], program, args: ['--offline-grace', '60s'] },
    })
    const [first, second] = replicas.hubs as readonly [HubProcess, HubProcess]
    const agents: MemoryAgent[] = []
    for (const name of clusters) {
      const hubs = [first, second]
      agents.push(stack.use(await startMemoryAgent(first, name, { hubs })))
    }
    await untilAllHave('one', () => agents.map(textOf))
    await waitForRollout(first.api, 'web', 'Succeeded')
    const id = await untilGated(first, await repository.commit(gated))
    const ledger = await linesOf(first)

    // One that follows changes nothing in Redis: the hub before still leads, and reads it.
    await second.stop()
    await second.start(hubProgram)
    await until(() => isReady(second), { deadlineMs: 30_000, what: 'the new one to follow' })
    assert.equal(await redis.get(mark), '1')
    assert.equal(await readFile(join(second.data, 'format'), 'utf8'), '3\n')
    assert.equal((await newestRollout(second.api, 'web'))?.id, id)

    const killed = Promise.withResolvers<void>()
    tap.holdAt(records, () => void second.kill().then(() => killed.resolve()))
    await first.stop()
    await killed.promise
    assert.equal(await redis.get(mark), '1', 'it was killed before it was done')

    await first.start(hubProgram)
    await second.start(hubProgram)
    const leader = await replicas.untilLed()
    for (const hub of replicas.hubs) {
      await until(() => isReady(hub), { deadlineMs: 30_000, what: 'both to be ready' })
    }
    assert.equal(await redis.get(mark), formatMark(redisFormat))
    assert.ok((await linesOf(leader)).startsWith(ledger), 'nothing is lost')
    await leader.api.post(`rollouts/${id}/approve`, {})
    await untilAllHave('two', () => agents.map(textOf))
    await waitForRollout(leader.api, 'web', 'Succeeded')
    await assertLedgerHolds(leader.data)
  })
})
