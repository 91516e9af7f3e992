import type { ApplicationView } from '../../../hub/api/views.ts'
import { describeDeployment, imageOf, readImageHistory } from '../deployment.ts'
import { expectThat } from '../expectation.ts'
import { readPassages } from '../ledger.ts'
import { followRollout } from '../rollout.ts'
import type { Stack } from '../stack.ts'
import { changeTag, released } from './release.ts'
import { expectReadyEverywhere, readDeployments } from './settled.ts'

const { application, file, good, bad } = released

/** Releases a tag whose pods never get ready: stopped at the canary, and taken back by itself. */
export async function releaseBadChange(stack: Stack): Promise<Record<string, unknown>> {
  const before = await readDeployments(stack, application)
  const commit = await stack.fleet.replace(file, changeTag(good, bad), `Release ${bad}`)
  const rollout = await followRollout(stack, application, commit, 'RolledBack')
  const [canary, production] = rollout.waves
  const reverted = canary?.clusters.every(({ state }) => state === 'Reverted') ?? false
  expectThat(reverted, 'the canary to be reverted', canary?.clusters)
  const skipped = production?.clusters.every(({ outcome }) => outcome === 'Skipped') ?? false
  expectThat(skipped, 'production to be skipped', production?.clusters)
  const offered = [...(await readPassages(stack.hub, rollout.id)).keys()]
  const onlyCanary = offered.join() === canary?.clusters.map(({ name }) => name).join()
  expectThat(onlyCanary, 'the canary alone to be offered it, by the ledger', offered)

  const clusters = await expectReadyEverywhere(stack, application, good)
  const images = await expectOnlyCanaryTriedIt(stack)
  await expectProductionUntouched(stack, before)
  const { hold } = await stack.hub.api.get<ApplicationView>(`applications/${application}`)
  const held = hold?.rollout === rollout.id && hold.revision.endsWith(commit)
  expectThat(held, `a hold on ${commit} by rollout ${rollout.id}`, hold)
  return {
    commit,
    rollout: rollout.id,
    message: rollout.message,
    offered,
    outcomes: Object.fromEntries(
      rollout.waves.flatMap((wave) => wave.clusters.map(({ name, outcome }) => [name, outcome])),
    ),
    clusters,
    images,
    hold: { revision: hold.revision, reason: hold.reason },
  }
}

/** ReplicaSets remember every template, so this holds for all the time in between too. */
async function expectOnlyCanaryTriedIt(stack: Stack): Promise<Record<string, string[]>> {
  const images: Record<string, string[]> = {}
  for (const cluster of stack.clusters) {
    const history = await readImageHistory(cluster, application)
    const tried = history.some((image) => image.endsWith(`:${bad}`))
    const where = `${cluster.name} (${cluster.ring})`
    const expected = `tag ${bad} ${cluster.ring === 'canary' ? '' : 'never '}to be tried on ${where}`
    expectThat(tried === (cluster.ring === 'canary'), expected, history)
    images[cluster.name] = history
  }
  return images
}

async function expectProductionUntouched(
  stack: Stack,
  before: Awaited<ReturnType<typeof readDeployments>>,
): Promise<void> {
  const now = await readDeployments(stack, application)
  for (const { name, ring } of stack.clusters) {
    if (ring === 'canary') continue
    const [was, is] = [before.get(name)!, now.get(name)!]
    const same =
      is.metadata.uid === was.metadata.uid &&
      is.metadata.generation === was.metadata.generation &&
      imageOf(is) === imageOf(was)
    const expected = `Deployment ${application} on ${name} as before: ${JSON.stringify(describeDeployment(was))}`
    expectThat(same, expected, describeDeployment(is))
  }
}
