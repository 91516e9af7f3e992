import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { HelloSchema, SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { dial } from '../../agent/link/grpc.ts'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import { waitForRollout } from '../support/api-client.ts'
import { configMap } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { startReplicaFleet } from '../support/replica-fleet.ts'
import type { ReplicaProcesses } from '../support/replica-processes.ts'
import { until } from '../support/until.ts'

/* Three hubs, one Redis, an agent on each: whichever leads, all are served. */

describe('replicas that follow', () => {
  const stack = new AsyncDisposableStack()
  let repository: TestRepository
  let replicas: ReplicaProcesses
  let leader: HubProcess
  const agents = new Map<string, MemoryAgent>()
  const offers = new Map<string, number>()

  before(async () => {
    const fleet = await startReplicaFleet(stack, { name: 'replicas-serve', text: 'one' })
    ;({ repository, replicas, leader } = fleet)
    const [second, third] = fleet.followers
    for (const [name, hubs] of [
      ['a', [second, third]],
      ['b', [third, second]],
      ['c', [leader, second, third]],
    ] as const) {
      const onOffer = (): void => void offers.set(name, Date.now())
      agents.set(name, stack.use(await startMemoryAgent(second, name, { hubs, onOffer })))
    }
    await untilAllHave('one', () => [...agents.keys()].map(textOf))
    await waitForRollout(leader.api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  const textOf = (cluster: string): unknown =>
    (
      agents.get(cluster)!.cluster.read('/ConfigMap/web/settings') as
        { data?: { text?: string } } | undefined
    )?.data?.text

  async function connectionOf(cluster: string): Promise<string> {
    const view = await leader.api.get<{ connection: { state: string } }>(`clusters/${cluster}`)
    return view.connection.state
  }

  async function countRelayed(hub: HubProcess): Promise<number> {
    const metrics = await (await fetch(`${hub.url}/metrics`)).text()
    return Number(/^groundswell_relayed_streams (\d+)$/m.exec(metrics)?.[1])
  }

  it('joins, streams and calls that come to a follower are served', async () => {
    assert.deepEqual([...offers.keys()].sort(), ['a', 'b', 'c'])
    const [second, third] = replicas.others(leader) as [HubProcess, HubProcess]
    assert.equal(await countRelayed(second), 1)
    assert.equal(await countRelayed(third), 1)
    const refused = await fetch(`${second.url}/api/v1/clusters`, {
      headers: { authorization: 'Bearer nobody' },
    })
    assert.equal(refused.status, 401)
    const { items } = await third.api.get<{ items: { name: string }[] }>('clusters')
    assert.deepEqual(items.map(({ name }) => name).sort(), ['a', 'b', 'c'])
  })

  it('an event stream that came to a follower goes on as things happen', async () => {
    const [second] = replicas.others(leader) as [HubProcess]
    const stop = new AbortController()
    const answer = await fetch(`${second.url}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${await second.token()}` },
      signal: stop.signal,
    })
    assert.equal(answer.status, 200)
    let text = ''
    let ended = false
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of answer.body!) text += decoder.decode(chunk as Uint8Array)
    })()
      .catch(() => {})
      .finally(() => (ended = true))
    for (const times of [1, 2]) {
      await leader.api.post('clusters/c/tokens', {})
      await until(() => text.split('token.created').length === times + 1, {
        deadlineMs: 5_000,
        what: 'the event',
      })
    }
    assert(!ended, 'it goes on')
    stop.abort()
    await reading
  })

  it('a decision of the leader reaches agents on other replicas within 500 ms', async (t) => {
    offers.clear()
    const commit = await repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'two'),
    })
    const { id } = await waitForRollout(leader.api, 'web', 'Succeeded', { commit })
    const lines = (await readFile(join(leader.data, 'ledger', 'ledger.jsonl'), 'utf8')).split('\n')
    for (const cluster of ['a', 'b']) {
      const decided = lines
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LedgerEntry)
        .find(
          ({ decision }) =>
            decision.type === 'rollout.moved' &&
            decision.rollout === id &&
            decision.change.clusters?.[cluster]?.state === 'Offered',
        )
      const took = offers.get(cluster)! - decided!.at
      t.diagnostic(`decided on the leader → offered to ${cluster} on a follower: ${took} ms`)
      assert(took >= 0 && took <= 500, `${took} ms`)
    }
  })

  it('the newest stream of a cluster wins, on whichever replica it is, and is no clone', async () => {
    const b = agents.get('b')!
    const { ca, cert, key } = b.endpoint
    const rival = dial({ address: leader.dataAddress, hubCa: ca, certificateChain: cert, key })
    const { clusterUid } = b.identity
    const value = create(HelloSchema, { protocol: 1, clusterUid, rootVersion: 1 })
    await rival.send(create(SyncRequestSchema, { message: { case: 'hello', value } }))
    const heard: string[] = []
    const ended = (async () => {
      for await (const { message } of rival.responses) heard.push(message.case ?? '')
    })()
    // It takes over from the agent's own stream on a follower; then that comes back, newer still.
    await assert.rejects(ended, /a newer stream of this cluster took over/)
    assert.equal(heard[0], 'welcome')
    await until(async () => (await connectionOf('b')) === 'Connected', {
      deadlineMs: 10_000,
      what: 'the agent to be back',
    })
    assert(b.warnings.some((warning) => warning.includes('a newer stream of this cluster')))
  })

  it('an agent cannot pass for a replica: the port between them refuses its certificate', async () => {
    const { ca, cert, key } = agents.get('a')!.endpoint
    const address = `${new URL(leader.url).hostname}:${replicas.peerPort}`
    const stream = dial({ address, hubCa: ca, certificateChain: cert, key })
    await assert.rejects(stream.responses[Symbol.asyncIterator]().next(), {
      code: 'identity_refused',
      message: /for replicas of the hub/,
    })
    stream.close()
  })

  it('T15: a revocation on one replica cuts the stream on another within 5 s', async (t) => {
    const [second] = replicas.others(leader) as [HubProcess]
    const b = agents.get('b')!
    const revoked = performance.now()
    await second.api.post('clusters/b/revoke', { reason: 'a test' })
    await until(() => b.warnings.some((warning) => warning.includes('"locked"')), {
      deadlineMs: 5_000,
      what: 'the stream to be cut',
    })
    t.diagnostic(`revoked → cut on another replica: ${Math.round(performance.now() - revoked)} ms`)
  })
})
