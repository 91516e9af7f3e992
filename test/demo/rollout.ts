import type { RolloutView } from '../../hub/api/rollout-view.ts'
import { finalPhases, type RolloutPhase } from '../../hub/rollout/rollout.ts'
import { newestRollout } from '../support/api-client.ts'
import { until } from '../support/until.ts'
import { UnmetExpectation, expectThat } from './expectation.ts'
import { say } from './progress.ts'
import type { Stack } from './stack.ts'

/**
 * Follows the rollout of an application that a commit set off, and tells its way in words.
 * @throws UnmetExpectation when it ends otherwise
 */
export async function followRollout(
  { hub, patience }: Stack,
  application: string,
  commit: string,
  phase: RolloutPhase,
): Promise<RolloutView> {
  let said = ''
  const ended = await until(
    async () => {
      // Nobody will move it any more.
      if (!hub.process().running) return 'hub ended'
      const rollout = await newestRollout(hub.api, application)
      if (!rollout?.revision.endsWith(commit)) return undefined
      const words = `${application}: ${rollout.phase}: ${rollout.message}`
      if (words !== said) say(`  ${words}`)
      said = words
      return finalPhases.has(rollout.phase as RolloutPhase) ? rollout : undefined
    },
    {
      deadlineMs: patience,
      intervalMs: 200,
      what: `the rollout of ${application} at ${commit} to be ${phase} (${said || 'none yet'})`,
    },
  )
  if (ended === 'hub ended') throw new UnmetExpectation('the hub to run', ended)
  const seen = `${ended.id}: ${ended.phase}: ${ended.message}`
  expectThat(ended.phase === phase, `the rollout of ${application} to end ${phase}`, seen)
  return hub.api.get<RolloutView>(`rollouts/${ended.id}`)
}

/** Application → id of its newest rollout. */
export async function readNewest(
  { hub }: Stack,
  names: readonly string[],
): Promise<Record<string, string | undefined>> {
  const ids = names.map(async (name) => [name, (await newestRollout(hub.api, name))?.id] as const)
  return Object.fromEntries(await Promise.all(ids))
}
