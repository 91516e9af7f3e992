import assert from 'node:assert/strict'
import { it } from 'node:test'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { startRoles } from '../support/role-processes.ts'
import { until } from '../support/until.ts'

const object = '/ConfigMap/web/settings'

it('roles killed in any order in mid-rollout: agents go on, and the rollout ends well', async (t) => {
  await using world = await createSurroundings()
  await using roles = await startRoles(world)
  const { api, renderer, signer } = roles
  await world.repository.commit({ ...strategyFile('1s'), ...applicationFiles('web', 'text 0') })
  await untilReady(api)
  await using a = await startMemoryAgent(api, 'a')
  await using b = await startMemoryAgent(api, 'b')
  await using c = await startMemoryAgent(api, 'c')
  const clusters = [a, b, c].map(({ cluster }) => cluster)
  const texts = () =>
    clusters.map((cluster) => (cluster.read(object)?.['data'] as { text?: string })?.text)
  await untilAllHave('text 0', texts)
  await waitForRollout(api.api, 'web', 'Succeeded')

  const kill = {
    api: async () => {
      await api.kill()
      assert.ok(texts().every((text) => text !== undefined))
      await api.start()
    },
    renderer: async () => {
      await renderer.kill()
      renderer.start()
    },
    signer: async () => {
      await signer.kill()
      signer.start()
    },
    // The api is there first, and waits for the others.
    all: async () => {
      await Promise.all([signer.kill(), renderer.kill(), api.kill()])
      const serving = api.start()
      renderer.start()
      await renderer.says('cannot be reached')
      signer.start()
      await serving
    },
  }
  for (const [at, [name, strike]] of Object.entries(kill).entries()) {
    const text = `text ${at + 1}`
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', text),
    })
    await until(
      async () => {
        const rollout = await newestRollout(api.api, 'web')
        return rollout?.revision.endsWith(commit) && rollout.phase === 'Progressing'
      },
      { deadlineMs: 20_000, what: `the rollout of ${text} to run` },
    )
    const start = performance.now()
    await strike()
    await waitForRollout(api.api, 'web', 'Succeeded', { commit, deadlineMs: 45_000 })
    assert.deepEqual(texts(), [text, text, text])
    const taken = await api.api.get<{ state: string }>(`applications/web/commits/${commit}`)
    assert.equal(taken.state, 'taken')
    t.diagnostic(`${name} killed: done ${Math.round(performance.now() - start)} ms later`)
  }

  // A commit that comes while a role is away is rolled out once it is back.
  for (const [role, text] of [
    [renderer, 'away 1'],
    [signer, 'away 2'],
  ] as const) {
    await role.kill()
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', text),
    })
    const polls = world.git.requests
    if (role === signer) {
      await until(() => world.git.requests > polls + 2, { deadlineMs: 20_000, what: 'a poll' })
    }
    assert.ok(!texts().includes(text))
    role.start()
    await waitForRollout(api.api, 'web', 'Succeeded', { commit, deadlineMs: 45_000 })
    assert.deepEqual(texts(), [text, text, text])
  }
  const wrong = clusters.flatMap(({ calls }) => calls.filter((call) => call.startsWith('delete')))
  assert.deepEqual(wrong, [])
})
