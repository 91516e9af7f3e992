import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as readText } from 'node:stream/consumers'
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
  // Once it stops everything is as Git says, and nobody has to throw away what is left of it.
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

interface Health {
  readonly warnings: readonly string[]
}

const alerts = `apiVersion: groundswell.dev/v1alpha1
kind: NotificationProvider
metadata: { name: hook }
spec: { type: webhook, credential: hook }
---
apiVersion: groundswell.dev/v1alpha1
kind: Alert
metadata: { name: all }
spec: { providers: [hook], eventSources: [{ kind: Rollout }] }
`

it('T32: with every key of another kind, or noise, a hub that runs and one that starts put it right by themselves', async () => {
  const told: string[] = []
  const receiver = createServer(async (request, response) => {
    const { type, subject } = JSON.parse(await readText(request)) as Record<string, string>
    told.push(`${type} ${subject}`)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  await using redis = await startRedis()
  await using world = await createSurroundings()
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  const file = async (name: string, text: string) => {
    await writeFile(`${world.directory}/${name}`, text)
    return `${world.directory}/${name}`
  }
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const hook = {
    addressFile: await file('hook', url),
    secretFile: await file('secret', 'at-least-sixteen-bytes'),
  }
  const credentials = await file('alerts.yaml', JSON.stringify({ hook }))
  const args = ['--alert-credentials', credentials, '--alert-hosts', '127.0.0.1']
  const hub = await world.start({ args, redisUrl: redis.url })
  await world.repository.commit({
    'fleet/alerts.yaml': alerts,
    // Its waves are woken by an alarm.
    ...strategyFile('1s'),
    ...applicationFiles('web', 'text 0'),
  })
  await untilReady(hub)
  await using a = await startMemoryAgent(hub, 'a')
  await using b = await startMemoryAgent(hub, 'b')
  const texts = () =>
    [a, b].map(({ cluster }) => (cluster.read(object)?.['data'] as { text?: string })?.text)
  await untilAllHave('text 0', texts)
  await using poison = createPoison(redis.url, Math.random)

  for (const into of ['other kind', 'noise'] as const) {
    for (const when of ['running', 'starting']) {
      if (when === 'starting') await hub.kill()
      await poison.turnAll(into)
      if (when === 'starting') await hub.start()
      const text = `${when} on ${into}`
      const commit = await world.repository.commit({
        'apps/web/settings.yaml': configMap('settings', text),
      })
      const { id } = await waitForRollout(hub.api, 'web', 'Succeeded', {
        commit,
        deadlineMs: 45_000,
      })
      assert.deepEqual(texts(), [text, text])
      const letter = `dev.groundswell.rollout.succeeded.v1 rollout/${id}`
      await until(() => told.includes(letter), { deadlineMs: 45_000, what: `a letter ${text}` })
      const isKept = async () => {
        const { items } = await hub.api.get<{ items: { subject: string }[] }>('events?limit=100')
        return items.some(({ subject }) => subject === `rollout/${id}`)
      }
      await until(isKept, { deadlineMs: 10_000, what: `events ${text}` })
      // Nobody knows of it, whatever Redis holds under its name.
      await assert.rejects(hub.api.get('rollouts/web'), /404/)
      const takesAll = async () => {
        const { warnings } = (await (await fetch(`${hub.url}/readyz`)).json()) as Health
        return !warnings.includes('redis_unwritable')
      }
      await until(takesAll, { deadlineMs: 10_000, what: `Redis to take what is written ${text}` })
    }
  }
})
