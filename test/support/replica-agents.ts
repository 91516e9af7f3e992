import assert from 'node:assert/strict'
import { newestRollout } from './api-client.ts'
import { configMap } from './fleet-files.ts'
import type { TestRepository } from './git-repository.ts'
import type { HubProcess } from './hub-process.ts'
import { type MemoryAgent, startMemoryAgent } from './memory-agent.ts'
import { until } from './until.ts'

/** Agents of clusters a, b and c that run one ConfigMap, and begin at different ones of two hubs. */
export function createReplicaAgents() {
  const agents = new Map<string, MemoryAgent>()

  const textOf = (cluster: string): unknown =>
    (
      agents.get(cluster)!.cluster.read('/ConfigMap/web/settings') as
        { data?: { text?: string } } | undefined
    )?.data?.text

  return {
    async start(
      stack: AsyncDisposableStack,
      [one, two]: readonly HubProcess[],
      onOffer?: (cluster: string, envelope: Uint8Array) => void,
    ): Promise<void> {
      for (const [name, first, second] of [
        ['a', one!, two!],
        ['b', two!, one!],
        ['c', two!, one!],
      ] as const) {
        const options = {
          hubs: [first, second],
          ...(onOffer && { onOffer: (envelope: Uint8Array) => onOffer(name, envelope) }),
        }
        agents.set(name, stack.use(await startMemoryAgent(first, name, options)))
      }
    },
    textOf,
    texts: (): readonly unknown[] => [...agents.keys()].map(textOf),
    /** Commits another text; resolves when the canary has it, and the rollout goes on. */
    async sayMidWave(fleet: TestRepository, hub: HubProcess, text: string) {
      const commit = await fleet.commit({ 'apps/web/settings.yaml': configMap('settings', text) })
      await until(() => textOf('a') === text, { deadlineMs: 20_000, what: 'the canary to have it' })
      const rollout = await newestRollout(hub.api, 'web')
      assert.equal(rollout?.phase, 'Progressing')
      return { commit, id: rollout.id }
    },
  }
}
