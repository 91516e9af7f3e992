import assert from 'node:assert/strict'
import { it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertRunning } from '../support/process.ts'
import { createSeed } from '../support/seed.ts'
import { startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { createPoison } from '../support/redis-poison.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const strikes = 500
const strikesPerCommit = 50
const restarts = 3
const object = '/ConfigMap/web/settings'

it('T32: Redis rewritten at random 500 times: nothing wrong is applied, nothing deleted, no crash', async (t) => {
  const seed = createSeed(process.env['SEED'])
  t.diagnostic(`SEED=${seed.text}`)
  await using redis = await startRedis()
  await using world = await createSurroundings()
  const hub = await world.start({ redisUrl: redis.url })
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'text 0') })
  await untilReady(hub)
  await using a = await startMemoryAgent(hub, 'a')
  await using b = await startMemoryAgent(hub, 'b')
  await using c = await startMemoryAgent(hub, 'c')
  const clusters = [a, b, c].map(({ cluster }) => cluster)
  const texts = () =>
    clusters.map((cluster) => (cluster.read(object)?.['data'] as { text?: string })?.text)
  await untilAllHave('text 0', texts)

  const said = new Set(['text 0'])
  await using poison = createPoison(redis.url, seed.random)
  const start = performance.now()
  const done: string[] = []
  const seen = new Set<string>()
  for (let count = 1; count <= strikes; count += 1) {
    done.push(await poison.strike())
    assertRunning(hub.process())
    for (const text of texts()) {
      assert(text !== undefined && said.has(text), `${text} is applied`)
      seen.add(text)
    }
    if (count % strikesPerCommit !== 0) continue
    said.add(`text ${count}`)
    await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', `text ${count}`),
    })
    // The hub sees the commit while keys go on changing under it.
    const before = world.git.requests
    await until(() => world.git.requests > before + 1, { deadlineMs: 20_000, what: 'a poll' })
  }
  // A hub that has to start over what was made of it starts, and applies nothing else either.
  for (let restart = 1; restart <= restarts; restart += 1) {
    await hub.kill()
    for (let count = 0; count < strikesPerCommit; count += 1) await poison.strike()
    const began = performance.now()
    await hub.start()
    t.diagnostic(`start ${restart}: serves after ${Math.round(performance.now() - began)} ms`)
    for (const text of texts()) {
      assert(text !== undefined && said.has(text), `${text} is applied`)
    }
  }
  const wrong = clusters.flatMap(({ calls }) =>
    calls.filter((call) => /^(delete|remove)/.test(call)),
  )
  assert.deepEqual(wrong, [], 'nothing was deleted')

  t.diagnostic(`strikes ended after ${Math.round(performance.now() - start)} ms`)
  // Once it stops, and what is left of it is thrown away, everything is as Git says.
  await poison.flush()
  for (const cluster of ['a', 'b', 'c']) {
    const isBack = async () => {
      const view = await hub.api.get<{ connection: { state: string } }>(`clusters/${cluster}`)
      return view.connection.state === 'Connected'
    }
    await until(isBack, { deadlineMs: 45_000, what: `${cluster} to be back` })
  }
  const commit = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'after'),
  })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit, deadlineMs: 45_000 })
  await untilAllHave('after', texts)
  t.diagnostic(
    `${done.length} strikes, ${said.size} commits, ${seen.size} of them seen on clusters, 0 wrong applies, 0 deletes`,
  )
})
