import type { RolloutView } from '../../../hub/api/rollout-view.ts'
import { applications, repositories } from '../example.ts'
import { expectThat } from '../expectation.ts'
import { type Passage, readPassages } from '../ledger.ts'
import { followRollout } from '../rollout.ts'
import type { Stack } from '../stack.ts'
import { expectReadyEverywhere, readDeployments } from './settled.ts'

/** Commits the applications: each goes to the canary first, then to production. */
export async function walkFirstRollout(stack: Stack): Promise<Record<string, unknown>> {
  const commit = await stack.fleet.commit(stack.releases, 'Add the applications')
  const seen = await Promise.all(
    applications.map(async (application) => {
      // A revision is of the application's own repository, whose first rollout this is.
      const at = Object.hasOwn(repositories, application) ? '' : commit
      const rollout = await followRollout(stack, application, at, 'Succeeded')
      const waves = expectCanaryFirst(stack, rollout, await readPassages(stack.hub, rollout.id))
      if (stack.local) await expectMadeAfterwards(stack, application, waves.productionOfferedAt)
      const clusters = await expectReadyEverywhere(stack, application)
      const canaryDoneAt = formatTime(waves.canaryDoneAt)
      const productionOfferedAt = waves.productionOfferedAt.map(formatTime)
      const facts = { rollout: rollout.id, canaryDoneAt, productionOfferedAt, clusters }
      return [application, facts] as const
    }),
  )
  return { commit, applications: Object.fromEntries(seen) }
}

/** By the hub's ledger: no production cluster was offered anything before the canary was done. */
function expectCanaryFirst(
  { clusters }: Stack,
  rollout: RolloutView,
  passages: ReadonlyMap<string, Passage>,
) {
  const { application } = rollout
  const names = rollout.waves.map(({ name }) => name)
  expectThat(names.join() === 'canary,production', 'waves canary and production', names)
  const passed = clusters.map(({ name, ring }) => ({ name, ring, ...passages.get(name) }))
  const complete = passed.every((one) => one.offeredAt !== undefined && one.doneAt !== undefined)
  expectThat(complete, `${application} offered to and done on every cluster`, passed)
  const canary = passed.filter(({ ring }) => ring === 'canary')
  const production = passed
    .filter(({ ring }) => ring === 'production')
    .sort((a, b) => a.offeredAt! - b.offeredAt!)
  const canaryDoneAt = Math.max(...canary.map(({ doneAt }) => doneAt!))
  const early = production.filter(({ offeredAt }) => offeredAt! < canaryDoneAt)
  expectThat(early.length === 0, `${application} on the canary before production`, passed)
  const together = production.filter(
    (one, at) => at > 0 && one.offeredAt! < production[at - 1]!.doneAt!,
  )
  expectThat(together.length === 0, `one production cluster at a time for ${application}`, passed)
  return { canaryDoneAt, productionOfferedAt: production.map(({ offeredAt }) => offeredAt!) }
}

/** By the API servers' own clock, which is ours here: whole seconds, rounded down. */
async function expectMadeAfterwards(
  stack: Stack,
  application: string,
  productionOfferedAt: readonly number[],
): Promise<void> {
  const first = Math.min(...productionOfferedAt)
  const made = [...(await readDeployments(stack, application))].map(([name, { metadata }]) => ({
    name,
    ring: stack.clusters.find((cluster) => cluster.name === name)?.ring,
    at: Date.parse(metadata.creationTimestamp),
  }))
  const holds = made.every(({ ring, at }) =>
    ring === 'canary' ? at < first : at >= Math.floor(first / 1_000) * 1_000,
  )
  const expected = `${application} made on the canary before ${formatTime(first)}, in production after`
  expectThat(holds, expected, made)
}

function formatTime(at: number): string {
  return new Date(at).toISOString()
}
