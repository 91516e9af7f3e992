import type { ApplicationView, ClusterView, FleetView } from '../../../hub/api/views.ts'
import { until } from '../../support/until.ts'
import { applications, repositories } from '../example.ts'
import { expectThat } from '../expectation.ts'
import { readNewest } from '../rollout.ts'
import type { Stack } from '../stack.ts'
import { released } from './release.ts'
import { expectReadyEverywhere } from './settled.ts'

/** Reverts the bad commit in Git: what Git asks is what runs, so nothing has to move. */
export async function revertBadChange(stack: Stack): Promise<Record<string, unknown>> {
  const { hub, fleet, clusters } = stack
  const before = await readNewest(stack, applications)
  const commit = await fleet.revert()
  // Every application of this repository has been rendered and decided on at the commit.
  for (const application of applications) {
    if (Object.hasOwn(repositories, application)) continue
    await until(
      async () => {
        const path = `applications/${application}`
        const { revision } = await hub.api.get<ApplicationView>(path)
        return revision?.endsWith(commit)
      },
      { deadlineMs: stack.patience, what: `${application} to be at ${commit}` },
    )
  }
  // What was decided last is one thing; what would be decided now must be nothing, too.
  for (const application of applications) {
    const plan = await hub.api.post<{ rollout: unknown }>('rollouts:plan', { application })
    expectThat(plan.rollout === null, `nothing of ${application} left to roll out`, plan.rollout)
  }
  const { revision, faults } = await hub.api.get<FleetView>('fleet')
  expectThat(faults.length === 0, 'no faults in the fleet repository', faults)

  const active = await hub.api.get<{ items: unknown[] }>('rollouts?active=true')
  expectThat(active.items.length === 0, 'no active rollout', active.items)
  const after = await readNewest(stack, applications)
  const calm = applications.every((name) => after[name] === before[name])
  expectThat(calm, 'no new rollout', { before, after })
  for (const { name } of clusters) {
    const cluster = await hub.api.get<ClusterView>(`clusters/${name}`)
    const settled = cluster.applications.every((one) => one.upToDate && one.health === 'Current')
    expectThat(settled, `every application up to date and Current on ${name}`, cluster.applications)
  }
  const { application, good } = released
  // The decision may follow the revision by a moment.
  await until(
    async () => {
      const { hold } = await hub.api.get<ApplicationView>(`applications/${application}`)
      return hold === null
    },
    { deadlineMs: stack.patience, what: `the hold on ${application} to be released` },
  )
  return { commit, revision, clusters: await expectReadyEverywhere(stack, application, good) }
}
