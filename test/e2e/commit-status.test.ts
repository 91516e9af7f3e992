import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { forgeProject, forgeToken, startForgeServer } from '../support/forge-server.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { until } from '../support/until.ts'

it('keeps one status beside a commit, from its first wave to its end, over a restart', async () => {
  await using world = await createSurroundings()
  await using forge = await startForgeServer('github')
  const tokenFile = `${world.directory}/token`
  const forges = `${world.directory}/forges.yaml`
  await writeFile(tokenFile, `${forgeToken}\n`)
  await writeFile(
    forges,
    JSON.stringify({
      fleet: {
        kind: 'github',
        url: `https://github.com/${forgeProject}`,
        api: forge.api,
        tokenFile,
      },
    }),
  )
  const first = await world.repository.commit({
    ...strategyFile('1s'),
    ...applicationFiles('web', 'one'),
  })
  const hub = await world.start({ args: ['--forges', forges] })
  await untilReady(hub)
  await using _a = await startMemoryAgent(hub, 'a')
  await using _b = await startMemoryAgent(hub, 'b')
  const shownOf = (commit: string) =>
    forge.statuses
      .filter((status) => status.commit === commit)
      .map(({ state, description }) => `${state}: ${description}`)
  const become = (commit: string, pattern: RegExp) =>
    until(() => shownOf(commit).some((shown) => pattern.test(shown)), {
      deadlineMs: 45_000,
      what: `${pattern} among ${shownOf(commit).join('; ')}`,
    })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: first, deadlineMs: 60_000 })
  await become(first, /^success: [12]\/\d clusters at this commit/)

  const second = await world.repository.commit({
    ...strategyFile('6s'),
    'apps/web/settings.yaml': configMap('settings', 'two'),
  })
  await become(second, /^pending: wave 1\/2, /)
  await hub.kill()
  await hub.start()
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: second, deadlineMs: 60_000 })
  await become(second, /^success: 2\/2 clusters at this commit$/)
  const contexts = new Set(forge.statuses.map(({ context }) => context))
  assert.deepEqual(contexts, new Set(['groundswell/rollout']))
  const shown = shownOf(second)
  assert.ok(new Set(shown).size >= shown.length - 1, `each is written once: ${shown.join('; ')}`)
})
