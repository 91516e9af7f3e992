import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { until } from '../support/until.ts'

const soakMs = 9_000
const soaks = '      before:\n        - soak: 9s\n'

const textOf = ({ cluster }: MemoryAgent): unknown =>
  (cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } } | undefined)?.data?.text

describe('F29: time in which no hub ran', () => {
  // A soak of which most passed while the hub was down opened as it came back: nobody had looked at the canary.
  test('I6: counts for no soak', async () => {
    await using world = await createSurroundings()
    await using stack = new AsyncDisposableStack()
    await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
    const hub = await world.start()
    await untilReady(hub)
    const agents: MemoryAgent[] = []
    for (const name of ['a', 'b', 'c']) agents.push(stack.use(await startMemoryAgent(hub, name)))
    await untilAllHave('one', () => agents.map(textOf))
    await waitForRollout(hub.api, 'web', 'Succeeded')

    await world.repository.commit({
      ...strategyFile('0s', soaks),
      'apps/web/settings.yaml': configMap('settings', 'two'),
    })
    await until(
      async () =>
        /production.*waits for the soak/.test((await newestRollout(hub.api, 'web'))?.message ?? ''),
      { deadlineMs: 30_000, what: 'production to wait for its soak' },
    )
    const downAt = Date.now()
    await hub.kill()
    await until(async () => Date.now() > downAt + soakMs, { deadlineMs: 20_000, what: 'the soak' })
    await hub.start()
    const upAt = Date.now()
    await untilReady(hub)
    await until(
      async () =>
        (await newestRollout(hub.api, 'web'))?.message.includes('waits for the soak') === true,
      { deadlineMs: 10_000, what: 'the rollout' },
    )
    assert.deepEqual(agents.map(textOf), ['two', 'one', 'one'])
    await untilAllHave('two', () => agents.map(textOf))
    // It was noted every five seconds that somebody watched.
    const watchedMs = Date.now() - upAt
    assert.ok(watchedMs >= soakMs - 5_500, `soaked for ${watchedMs} ms`)
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })
})
