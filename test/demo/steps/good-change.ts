import { applications } from '../example.ts'
import { expectThat } from '../expectation.ts'
import { followRollout, readNewest } from '../rollout.ts'
import type { Stack } from '../stack.ts'
import { changeTag, released } from './release.ts'
import { expectReadyEverywhere } from './settled.ts'

/** Releases a new tag of one application: it changes everywhere, and nothing else moves. */
export async function releaseGoodChange(stack: Stack): Promise<Record<string, unknown>> {
  const { application, file, first, good } = released
  const others = applications.filter((name) => name !== application)
  const before = await readNewest(stack, others)
  const commit = await stack.fleet.replace(file, changeTag(first, good), `Release ${good}`)
  const rollout = await followRollout(stack, application, commit, 'Succeeded')
  const clusters = await expectReadyEverywhere(stack, application, good)
  const after = await readNewest(stack, others)
  const untouched = others.every((name) => after[name] === before[name])
  expectThat(untouched, 'no new rollout of the other applications', { before, after })
  return { commit, rollout: rollout.id, clusters, otherApplications: after }
}
