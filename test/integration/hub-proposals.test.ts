import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProposalView } from '../../hub/api/proposal-view.ts'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { startRoles } from '../support/role-processes.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

const files = { ...clusterFiles, ...strategyFile('0s'), ...applicationFiles('web', 'one') }
const names = ['a', 'b', 'c']

/** The objects of an application that differ, in words. */
function tell({ applications }: ProposalView, application: string): string[] {
  const found = applications.find((one) => one.application === application)
  return (found?.changes.objects ?? []).flatMap(({ object, variants }) =>
    variants.map(({ change, fate, clusters }) => `${object} ${change} ${fate} ${clusters.join()}`),
  )
}

describe('a change to the fleet repository that nobody merged', () => {
  it('is told object by object, by policies, and as the rollouts it would begin; nothing of it moves', async () => {
    await using world = await createSurroundings()
    await using redis = await startRedis()
    await using stack = new AsyncDisposableStack()
    const { repository } = world
    await repository.commit(files)
    const hub = await world.start({ redisUrl: redis.url, interval: '300ms' })
    await untilReady(hub)
    const agents: MemoryAgent[] = []
    for (const name of names) agents.push(stack.use(await startMemoryAgent(hub, name)))
    await waitForRollout(hub.api, 'web', 'Succeeded')
    const has = ({ cluster }: MemoryAgent) => cluster.read('/ConfigMap/web/settings') !== undefined
    // One that joined late has a rollout of its own.
    await until(
      async () => {
        const { items } = await hub.api.get<{ items: { active: boolean }[] }>('rollouts')
        return agents.every(has) && items.every(({ active }) => !active)
      },
      { deadlineMs: 30_000, what: 'all rollouts to have ended' },
    )
    const before = await hub.api.get<{ items: { id: string }[] }>('rollouts')

    const proposed = await repository.commit(
      {
        'apps/web/settings.yaml': configMap('settings', 'two'),
        'apps/web/extra.yaml': configMap('extra', 'new'),
      },
      'Say two',
      'feature',
    )
    // What is merged meanwhile is no part of the proposal.
    await repository.commit({ 'README.md': 'words' }, 'Describe')
    const told = await hub.api.post<ProposalView>('fleet:plan', { branch: 'feature' })
    assert.equal(told.revision, `feature@sha1:${proposed}`)
    assert.deepEqual([told.verdict, told.subject, told.gaps], ['passed', 'Say two', []])
    assert.deepEqual(tell(told, 'web'), [
      'ConfigMap web/settings changed null a,b,c',
      'ConfigMap web/extra added null a,b,c',
    ])
    const [{ changes, plan }] = told.applications as [ProposalView['applications'][number]]
    assert.match(changes.objects[0]!.variants[0]!.patch, /-\s+text: one\n\+\s+text: two/)
    assert.deepEqual(
      plan?.waves.map(({ name, clusters }) => [name, clusters]),
      [
        ['canary', 1],
        ['production', 2],
      ],
    )
    assert.ok((plan?.estimate.rollouts ?? 0) >= 1)
    assert.ok((plan?.estimate.typicalSeconds ?? -1) >= 0)

    // The commit alone tells the same; a pull request is found where its Git host keeps it.
    const { revision: _, ...rest } = told
    const byCommit = await hub.api.post<ProposalView>('fleet:plan', { commit: proposed })
    assert.deepEqual(byCommit.applications, rest.applications)
    const fault = 'apiVersion: groundswell.dev/v1alpha1\nkind: Nonsense\nmetadata: { name: x }\n'
    const broken = await repository.commit({ 'fleet/more.yaml': fault }, 'Break it', 'broken')
    await repository.git('push', '--quiet', 'origin', `${broken}:refs/merge-requests/7/head`)
    const refused = await hub.api.post<ProposalView>('fleet:plan', { pullRequest: 7 })
    assert.equal(refused.verdict, 'failed')
    assert.deepEqual([refused.counts, refused.applications], [null, []])
    assert.equal(refused.findings[0]!.file, 'fleet/more.yaml')

    const looked = await runSwell(hub, 'fleet', 'plan', '--branch', 'feature')
    assert.equal(looked.code, 0, looked.said)
    assert.match(looked.out, /Verdict:? +passed/)
    assert.match(looked.out, /ConfigMap web\/settings: changed, on all 3/)
    assert.match(looked.out, /^canary +1/m)
    const wrong = await runSwell(hub, 'fleet', 'plan', '--pull-request', '7')
    assert.equal(wrong.code, 1)
    assert.match(wrong.out, /error: fleet\/more\.yaml/)
    const unsaid = await runSwell(hub, 'fleet', 'plan')
    assert.equal(unsaid.code, 2)
    assert.match(unsaid.said, /--branch, --commit or --pull-request/)
    const back = await runSwell(hub, 'rollout', 'preview', 'web', '--back')
    assert.equal(back.code, 0, back.said)
    assert.match(back.out, /CHANGES: /)

    await assert.rejects(hub.api.post('fleet:plan', { branch: 'nowhere' }), /404.*branch nowhere/)
    await assert.rejects(hub.api.post('fleet:plan', { branch: '-x' }), /422.*not a branch name/)
    await assert.rejects(hub.api.post('fleet:plan', { branch: 'a', pullRequest: 1 }), /400/)
    await assert.rejects(hub.api.post('fleet:plan', {}), /400/)

    assert.deepEqual(await hub.api.get('rollouts'), before)
    const fleet = await hub.api.get<{ revision: string; faults: unknown[] }>('fleet')
    assert.notEqual(fleet.revision, told.revision)
    assert.deepEqual(fleet.faults, [])
  })

  it('says what it deletes, and takes no chart repository the fleet does not use; over the renderer’s socket', async () => {
    await using world = await createSurroundings()
    const { repository } = world
    await repository.commit(files)
    await using roles = await startRoles(world)
    await untilReady(roles.api)
    const chart = 'https://charts.invalid/evil'
    await repository.commit(
      {
        'fleet/web.yaml': null,
        'fleet/evil.yaml': `apiVersion: groundswell.dev/v1alpha1
kind: Application
metadata: { name: evil }
spec:
  source: { path: apps/web, helm: { repo: '${chart}', chart: evil, version: 1.0.0 } }
  targets: [{ clusterSelector: {} }]
`,
      },
      'Replace it',
      'feature',
    )
    const told = await roles.api.api.post<ProposalView>('fleet:plan', { branch: 'feature' })
    assert.deepEqual(told.findings, [])
    assert.deepEqual(tell(told, 'web'), [
      'ConfigMap web/settings removed deleted a,b,c',
      'Namespace web removed left: the object is guarded against pruning a,b,c',
    ])
    assert.equal(told.verdict, 'incomplete')
    assert.match(told.gaps.join(), /charts\.invalid\/evil is no chart repository of the fleet/)
  })
})
