import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { until } from '../support/until.ts'

/* A rename is one application that goes and one that comes: whichever is there first, nothing is deleted. */

const names = ['a', 'b', 'c']
const gated = `apiVersion: groundswell.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: careful }
spec:
  waves:
    - { name: all, selector: {}, before: [{ approval: { role: operator } }] }
`

describe('I4: an application that is renamed', () => {
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  const agents = new Map<string, MemoryAgent>()
  const object = (name: string) =>
    agents.get(name)!.cluster.read('/ConfigMap/web/settings') as
      { data: { text: string }; metadata: { labels?: Record<string, string> } } | undefined
  const texts = () => names.map((name) => object(name)?.data.text)
  const owners = () =>
    names.map((name) => object(name)?.metadata.labels?.['groundswell.dev/application'])
  const deletions = () =>
    [...agents.values()]
      .flatMap(({ cluster }) => cluster.calls)
      .filter((call) => call.startsWith('delete') && !call.includes('inventory'))

  /** The same objects, by another application. */
  const renamed = (to: string, from: string) => {
    const file = applicationFiles('web', 'one')['fleet/web.yaml']!
    return {
      [`fleet/${from}.yaml`]: null,
      [`fleet/${to}.yaml`]: file.replace('name: web', `name: ${to}`),
    }
  }
  /** As often as it is asked for: clusters that join have rollouts of their own. */
  const approve = (application: string, owner: string | null = application) =>
    until(
      async () => {
        const { id, phase } = (await newestRollout(hub.api, application))!
        if (phase === 'Progressing') await hub.api.post(`rollouts/${id}/approve`)
        return phase === 'Succeeded' && owners().every((one) => (one ?? null) === owner)
      },
      { deadlineMs: 60_000, intervalMs: 100, what: `${application} to be everywhere` },
    )

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    const files = { ...clusterFiles, ...applicationFiles('web', 'one') }
    await world.repository.commit({ ...files, 'fleet/strategy.yaml': gated })
    hub = await world.start({ interval: '200ms' })
    await untilReady(hub)
    for (const name of names) agents.set(name, stack.use(await startMemoryAgent(hub, name)))
    await approve('web')
  })
  after(() => stack?.disposeAsync())

  it('keeps its objects while the new one stands before its gate, which takes them over', async () => {
    const { id } = (await newestRollout(hub.api, 'web'))!
    await world.repository.commit(renamed('shop', 'web'))
    // The old one goes behind the gate that it came by.
    await until(
      async () => {
        const removal = await newestRollout(hub.api, 'web')
        return removal?.id !== id && /waits for approval/.test(removal?.message ?? '')
      },
      { deadlineMs: 60_000, what: 'the old one to wait for its approval' },
    )
    assert.deepEqual(owners(), ['web', 'web', 'web'])
    await approve('web', null)
    await waitForRollout(hub.api, 'shop', 'Progressing')
    assert.deepEqual(texts(), ['one', 'one', 'one'])
    await approve('shop')
    assert.deepEqual(texts(), ['one', 'one', 'one'])
    assert.deepEqual(owners(), ['shop', 'shop', 'shop'])
    assert.deepEqual(deletions(), [])
  })

  it('and what is removed without an heir is still deleted', async () => {
    await world.repository.commit({ 'fleet/shop.yaml': null })
    await approve('shop', null)
    await until(() => texts().every((text) => text === undefined), {
      deadlineMs: 30_000,
      what: 'it to be gone',
    })
    assert.equal(deletions().length, names.length)
    await assertLedgerHolds(hub.data)
  })
})
