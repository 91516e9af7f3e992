import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { setUpLoad } from '../../deploy/setup/load.mjs'
import { loadPath, root } from '../../deploy/setup/paths.mjs'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import { connectedMetric } from '../../hub/metrics.ts'
import { onlyDigest, readDelivery } from '../bench/deliveries.ts'
import {
  application,
  applicationFiles,
  changedFile,
  changedText,
  clusterFiles,
  clusterName,
} from '../bench/fleet-text.ts'
import { type LoadCount, type LoadProcess, startLoad } from '../bench/load-process.ts'
import { readCounter } from '../bench/world.ts'
import { waitForRollout } from '../support/api-client.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

before(setUpLoad)

const agentsEach = 3
/** Of bytes: the two do not pad their handshakes alike, nor cut frames at the same places. */
const near = 0.05

interface Loads {
  readonly node: LoadProcess
  readonly go: LoadProcess
}

type Counts = Readonly<Record<keyof Loads, LoadCount>>

describe('the load of benchmarks in Go', () => {
  it('costs a hub what as many agents of their own code do, in a delivery and as they come back', async (t) => {
    await using stack = new AsyncDisposableStack()
    const directory = stack.use(await createTempDir('bench-load'))
    const git = stack.use(await startGitServer())
    const redis = stack.use(await startRedis())
    const repository = await git.createRepository('fleet')
    await repository.commit(clusterFiles(2 * agentsEach))
    const hub = await startHub({
      directory: directory.path,
      fleetUrl: git.url('fleet'),
      path: 'fleet',
      redisUrl: redis.url,
      interval: '1s',
    })
    stack.defer(() => hub.stop())
    await until(async () => (await countClusters(hub)) === 2 * agentsEach, {
      deadlineMs: 20_000,
      what: 'the hub to know the clusters',
    })
    const node = stack.use(await startLoad('C', 'node'))
    const go = stack.use(await startLoad('C', 'go'))
    const loads = { node, go }
    await node.join(hub.enrolAddress, await makeTokens(hub, 0))
    await go.join(hub.enrolAddress, await makeTokens(hub, agentsEach))
    // A hello, and a report of nothing yet.
    const joined = await countWhen(hub, loads, 2)

    // It asks for the manifest, then for the objects, and reports.
    const first = await deliver(hub, repository, applicationFiles())
    const delivered = await countWhen(hub, loads, 5, first)
    for (const { verified, warnings, lastWarning } of Object.values(delivered)) {
      assert.equal(verified, agentsEach)
      assert.equal(warnings, 0, lastWarning)
    }
    assert.equal(delivered.go.writes, delivered.node.writes)
    t.diagnostic(compare('first delivery', joined, delivered))

    // What it lacks comes along with the offer.
    const second = await deliver(hub, repository, { [changedFile]: changedText('another') })
    const changed = await countWhen(hub, loads, 6, second)
    assert.deepEqual([changed.go.verified, changed.node.verified], [agentsEach, agentsEach])
    t.diagnostic(compare('one changed object', delivered, changed))

    await hub.kill()
    await hub.start()
    // One that finds nobody to say hello to has said it in Node's count; it reports once it has.
    const back = await until(
      async () => {
        const found = await countWhen(hub, loads, 8, second, 'at least')
        assert.equal(found.go.messages, 8 * agentsEach)
        return { ...found, text: compare('reconnect', changed, found, bytes) }
      },
      { deadlineMs: 20_000, what: 'both to have taken and sent as much' },
    )
    assert.deepEqual([back.go.writes, back.node.writes], [changed.go.writes, changed.node.writes])
    t.diagnostic(back.text)
  })

  it('says of every vector what an agent says, but of approvals and doubts, which it has none of', async () => {
    const directory = join(root, 'test', 'vectors')
    const names = (await readdir(directory)).filter((name) => name.endsWith('.json'))
    const { stdout } = await promisify(execFile)(
      loadPath(),
      ['vectors', ...names.map((name) => join(directory, name))],
      { maxBuffer: 1024 * 1024 },
    )
    const lines = stdout.trimEnd().split('\n')
    const judged = lines.map((line) => JSON.parse(line) as [string, string, string])
    assert.ok(judged.length >= 290, `${judged.length} vectors`)
    const others = judged.filter(([, expected, got]) => expected !== got)
    for (const [name, , got] of others) {
      // Refused, all of it, where approvals are asked for.
      if (got === 'approval_missing') assert.match(name, /approv/)
      else assert.match(name, /doubt/)
    }
    assert.ok(others.length <= 19, `${others.length} vectors are judged otherwise`)
  })
})

async function countClusters(hub: HubProcess): Promise<number> {
  return (await hub.api.get<{ counts: { clusters: number } }>('fleet')).counts.clusters
}

/** Commits, waits until all have it, and returns the digest of what they have. */
async function deliver(
  hub: HubProcess,
  repository: TestRepository,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const commit = await repository.commit(files)
  await waitForRollout(hub.api, application, 'Succeeded', { commit })
  const text = await readFile(join(hub.data, 'ledger', 'ledger.jsonl'), 'utf8')
  const lines = text.split('\n').filter(Boolean)
  const entries = lines.map((line) => JSON.parse(line) as LedgerEntry)
  return onlyDigest(readDelivery(entries, commit)!.plan)
}

async function makeTokens(hub: HubProcess, from: number): Promise<string[]> {
  const names = Array.from({ length: agentsEach }, (_, at) => clusterName(from + at))
  const made = names.map((name) =>
    hub.api.post<{ token: string }>(`clusters/${name}/tokens`, { preApproved: true }),
  )
  return (await Promise.all(made)).map(({ token }) => token)
}

/** Counts once every agent is there, and has said so much since it began. */
async function countWhen(
  hub: HubProcess,
  { node, go }: Loads,
  messagesEach: number,
  digest = '',
  how: 'exactly' | 'at least' = 'exactly',
): Promise<Counts> {
  return until(
    async () => {
      const connected = await readCounter(hub, connectedMetric)
      const counts = { node: await node.count(digest), go: await go.count(digest) }
      const said = [counts.node.messages, counts.go.messages].map((all) => all / agentsEach)
      const enough = said.every((each) =>
        how === 'exactly' ? each === messagesEach : each >= messagesEach,
      )
      if (connected === 2 * agentsEach && enough) return counts
      throw new Error(`${connected} are connected; each has said ${said.join(' and ')}`)
    },
    { deadlineMs: 20_000, what: `all agents to have said ${messagesEach} messages` },
  )
}

const bytes = ['bytesReceived', 'bytesSent'] as const

/** @throws AssertionError unless both took and sent as much, within a few per cent */
function compare(
  what: string,
  before: Counts,
  after: Counts,
  names: readonly ((typeof bytes)[number] | 'messages')[] = [...bytes, 'messages'],
): string {
  const figures = names.map((name) => {
    const [node, go] = (['node', 'go'] as const).map((load) =>
      Math.round((after[load][name] - before[load][name]) / agentsEach),
    ) as [number, number]
    const text = `${name} ${node} by Node, ${go} by Go`
    assert.ok(Math.abs(go - node) <= near * node, `${what}: ${text}`)
    return text
  })
  return `${what}, of each agent: ${figures.join('; ')}`
}
