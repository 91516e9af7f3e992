import assert from 'node:assert/strict'
import { it } from 'node:test'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import type { RolloutDetail } from '../support/settled-fleet.ts'
import { until } from '../support/until.ts'

const soon = { deadlineMs: 30_000, intervalMs: 50 } as const
const settings = '/ConfigMap/shop/settings'
const backup = 'batch/Job/shop/backup'

const job = `apiVersion: batch/v1
kind: Job
metadata:
  name: backup
  annotations:
    argocd.argoproj.io/hook: PreDelete
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: backup, image: "backup:1" }]
`

it('a removal runs its hooks first, holds where one fails, and outlives the agent', async () => {
  await using surroundings = await createSurroundings()
  const { repository } = surroundings
  await repository.commit({
    ...clusterFiles,
    ...strategyFile('0s'),
    ...applicationFiles('web', 'one'),
  })
  const hub = await surroundings.start({ args: ['--enrol-rate', '100'] })
  await untilReady(hub)
  await using canary = await startMemoryAgent(hub, 'a')
  await using other = await startMemoryAgent(hub, 'b')
  // Both at once: it is about what the agents do.
  const shop = applicationFiles('shop', 'one')
  const file = shop['fleet/shop.yaml']!.replace('  rolloutStrategy: careful\n', '')
  await repository.commit({ ...shop, 'fleet/shop.yaml': file, 'apps/shop/backup.yaml': job })
  const both = [canary, other]
  await until(() => both.every(({ cluster }) => cluster.read(settings) !== undefined), {
    ...soon,
    what: 'the application on both',
  })
  const newest = async (is: (rollout: RolloutDetail) => boolean, what: string) =>
    until(
      async () => {
        const list = await hub.api.get<{ items: { id: string }[] }>('rollouts?application=shop')
        const found = await hub.api.get<RolloutDetail>(`rollouts/${list.items[0]!.id}`)
        return is(found) && found
      },
      { ...soon, what },
    )
  const { id: first } = await newest(({ phase }) => phase === 'Succeeded', 'the first rollout')
  assert.equal(
    canary.cluster.read(backup),
    undefined,
    'it does not run while the application lives',
  )

  const runs = ({ cluster }: MemoryAgent) => cluster.read(backup) !== undefined
  const end = ({ cluster }: MemoryAgent, type: 'Complete' | 'Failed') =>
    cluster.edit(backup, 'controller', (object) => ({
      ...object,
      status: { conditions: [{ type, status: 'True', reason: 'Test', message: 'of course' }] },
    }))
  await repository.commit({ 'fleet/shop.yaml': null })
  await until(() => both.every(runs), { ...soon, what: 'the hooks' })
  // The one that starts now was told of the tombstone alone.
  await canary.stop()
  await canary.start()
  assert.ok(canary.cluster.read(settings) && other.cluster.read(settings))
  end(canary, 'Failed')
  end(other, 'Complete')
  await until(() => other.cluster.read(settings) === undefined, { ...soon, what: 'the removal' })
  const held = await newest(
    ({ id, phase }) => id !== first && phase === 'Paused',
    'the rollout to stop',
  )
  assert.match(JSON.stringify(held), /pre-delete hook Job shop\/backup failed: Test: of course/)
  assert.ok(canary.cluster.read(settings), 'nothing is deleted behind a hook that failed')

  await hub.api.post(`rollouts/${held.id}/retry`, {})
  const again = () => runs(canary) && canary.cluster.read(backup)?.['status'] === undefined
  await until(again, { ...soon, what: 'the hook to run again' })
  end(canary, 'Complete')
  await until(() => canary.cluster.read(settings) === undefined, { ...soon, what: 'the removal' })
  for (const { cluster } of both) {
    await until(() => cluster.read(backup) === undefined, { ...soon, what: 'the hook to go' })
  }
  await newest(({ id, phase }) => id === held.id && phase === 'Succeeded', 'the rollout to end')
})
