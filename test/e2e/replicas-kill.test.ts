import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type RolloutSummary, newestRollout, waitForRollout } from '../support/api-client.ts'
import { configMap } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { startReplicaFleet } from '../support/replica-fleet.ts'
import { createOfferRecord } from '../support/offer-record.ts'
import { type ReplicaProcesses, isReady } from '../support/replica-processes.ts'
import { until } from '../support/until.ts'

/* Three hubs, an agent that begins at each. Whichever is lost, and when, nothing is. */

describe('replicas that are killed', () => {
  const stack = new AsyncDisposableStack()
  let repository: TestRepository
  let replicas: ReplicaProcesses
  const agents = new Map<string, MemoryAgent>()
  const offers = createOfferRecord()

  before(async () => {
    const fleet = await startReplicaFleet(stack, {
      name: 'replicas-kill',
      text: 'none',
      // On a busy machine a hub takes long to start: nobody is to be passed over for that.
      args: ['--offline-grace', '60s'],
    })
    ;({ repository, replicas } = fleet)
    const { leader } = fleet
    const [second, third] = fleet.followers
    for (const [name, hubs] of [
      ['a', [second, third, leader]],
      ['b', [third, leader, second]],
      ['c', [leader, second, third]],
    ] as const) {
      const onOffer = (envelope: Uint8Array): void => offers.note(name, envelope)
      agents.set(name, stack.use(await startMemoryAgent(third, name, { hubs, onOffer })))
    }
    await untilAllHave('none', texts)
    await waitForRollout(leader.api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  const textOf = (cluster: string): unknown =>
    (
      agents.get(cluster)!.cluster.read('/ConfigMap/web/settings') as
        { data?: { text?: string } } | undefined
    )?.data?.text

  const texts = (): readonly unknown[] => [...agents.keys()].map(textOf)

  async function untilAllReady(): Promise<void> {
    for (const hub of replicas.hubs) {
      await until(() => isReady(hub), { deadlineMs: 20_000, what: 'every replica to be ready' })
    }
  }

  const say = (text: string): Promise<string> =>
    repository.commit({ 'apps/web/settings.yaml': configMap('settings', text) })

  async function begun(hub: HubProcess, commit: string): Promise<string> {
    return until(
      async () => {
        const rollout = await newestRollout(hub.api, 'web')
        return rollout?.revision.endsWith(commit) && rollout.id
      },
      { deadlineMs: 20_000, what: 'the rollout to begin' },
    )
  }

  /**
   * The rollout that was in hand went on to its end, all agents have what it brought, and the ledger
   * is whole and everywhere the same.
   */
  async function assertNothingLost(text: string, id: string): Promise<void> {
    const leader = await replicas.untilLed()
    await until(
      async () => {
        const { phase, message } = await leader.api.get<RolloutSummary>(`rollouts/${id}`)
        if (phase === 'Succeeded') return true
        throw new Error(`${phase}: ${message}; ${texts().join()}`)
      },
      { deadlineMs: 30_000, what: 'the rollout to go on and succeed' },
    )
    await untilAllHave(text, texts)
    await waitForRollout(leader.api, 'web', 'Succeeded')
    offers.assertOneEach()
    await untilAllReady()
    const read = async (): Promise<string[]> =>
      Promise.all(
        replicas.hubs.map(({ data }) => readFile(join(data, 'ledger', 'ledger.jsonl'), 'utf8')),
      )
    await until(async () => new Set(await read()).size === 1, {
      deadlineMs: 15_000,
      what: 'all ledgers to be alike',
    })
    const { rollouts } = await assertLedgerHolds(leader.data)
    assert(rollouts > 0)
    // Nor did Git seem to go back to what a new leader had fetched when it led before.
    const [ledger] = await read()
    const accepted = [...ledger!.matchAll(/"type":"fleet.accepted","revision":"([^"]+)"/g)]
    assert(accepted.length > 0)
    assert.equal(new Set(accepted.map(([, revision]) => revision)).size, accepted.length)
  }

  async function untilHas(cluster: string, text: string): Promise<void> {
    await until(() => textOf(cluster) === text, {
      deadlineMs: 30_000,
      what: `${cluster} to have ${text}`,
    })
  }

  it('F2: a follower with agents on it, in the canary wave', async () => {
    const leader = await replicas.untilLed()
    const commit = await say('one')
    await untilHas('a', 'one')
    const id = await begun(leader, commit)
    const [follower] = replicas.others(leader) as [HubProcess]
    await follower.kill()
    await follower.start()
    await assertNothingLost('one', id)
  })

  it('F2: the leader, as soon as the rollout is there', async () => {
    const leader = await replicas.untilLed()
    const commit = await say('two')
    const id = await begun(leader, commit)
    await leader.kill()
    await replicas.untilLed(replicas.others(leader))
    await leader.start()
    await assertNothingLost('two', id)
  })

  it('F2: the leader, between two clusters of the second wave', async () => {
    const leader = await replicas.untilLed()
    const commit = await say('three')
    const id = await begun(leader, commit)
    await until(() => textOf('b') === 'three' || textOf('c') === 'three', {
      deadlineMs: 30_000,
      what: 'the first of the second wave',
    })
    await leader.kill()
    await replicas.untilLed(replicas.others(leader))
    await leader.start()
    await assertNothingLost('three', id)
  })

  it('F3: a leader that sleeps past its lease, with agents on the others: it wakes fenced', async () => {
    const leader = await replicas.untilLed()
    const commit = await say('four')
    await untilHas('a', 'four')
    const id = await begun(leader, commit)
    process.kill(leader.process().pid, 'SIGSTOP')
    await replicas.untilLed(replicas.others(leader))
    process.kill(leader.process().pid, 'SIGCONT')
    await until(() => !leader.process().running, { deadlineMs: 15_000, what: 'it to end' })
    assert.equal(leader.process().exitCode, 75)
    await leader.start()
    await assertNothingLost('four', id)
  })
})
