import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { Redis } from 'ioredis'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { forgeProject, forgeToken, startForgeServer } from '../support/forge-server.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMailServer } from '../support/mail-server.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/* People outside are told what happened, and Git is asked to undo what was rolled back. */

interface Told {
  readonly id: string
  readonly type: string
  readonly subject: string
}

/** Somebody's webhook; it can be away. */
async function startReceiver() {
  const told: Told[] = []
  let isAway = false
  const server = createServer(async (request, response) => {
    const body = await text(request)
    if (isAway) return response.writeHead(503).end()
    const { id, type, subject } = JSON.parse(body) as Told
    told.push({ id, type: type.replace(/^dev\.groundswell\.(.*)\.v1$/, '$1'), subject })
    return response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    told,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    setAway: (is: boolean) => (isAway = is),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const api = 'apiVersion: groundswell.dev/v1alpha1'
const alerts = {
  'fleet/alerts.yaml': [
    `${api}\nkind: NotificationProvider\nmetadata: { name: hook }\nspec: { type: webhook, credential: hook }`,
    `${api}\nkind: NotificationProvider\nmetadata: { name: mail }\nspec: { type: email, credential: mail, from: hub@lab.example, to: [ops@lab.example] }`,
    `${api}\nkind: Alert\nmetadata: { name: all }\nspec: { providers: [hook], eventSources: [{ kind: Rollout }, { kind: Application }] }`,
    `${api}\nkind: Alert\nmetadata: { name: bad }\nspec: { providers: [mail], severity: error, eventSources: [{ kind: Rollout }], types: [rollout.rolledBack] }`,
  ].join('\n---\n'),
}

it('tells what happened, none lost over a crash and an emptied Redis, and proposes the revert once', async () => {
  await using world = await createSurroundings()
  await using redis = await startRedis()
  await using receiver = await startReceiver()
  await using mail = await startMailServer()
  await using forge = await startForgeServer('github')
  const file = async (name: string, content: string) => {
    await writeFile(`${world.directory}/${name}`, content)
    return `${world.directory}/${name}`
  }
  const credentials = await file(
    'alerts.yaml',
    JSON.stringify({
      hook: {
        addressFile: await file('hook', receiver.url),
        secretFile: await file('secret', 'at-least-sixteen-bytes'),
      },
      mail: { addressFile: await file('mail', mail.address) },
    }),
  )
  const tokenFile = await file('token', forgeToken)
  const forges = await file(
    'forges.yaml',
    JSON.stringify({
      fleet: {
        ...{ kind: 'github', url: `https://github.com/${forgeProject}`, api: forge.api },
        ...{ tokenFile, writeTokenFile: tokenFile },
      },
    }),
  )
  const good = await world.repository.commit({
    ...alerts,
    ...strategyFile('0s', '  revert: pullRequest\n'),
    ...applicationFiles('web', 'one'),
  })
  const args = ['--alert-credentials', credentials, '--forges', forges]
  const hub = await world.start({ args, redisUrl: redis.url })
  await untilReady(hub)
  await using _a = await startMemoryAgent(hub, 'a')
  await using _b = await startMemoryAgent(hub, 'b')
  const types = (subject: string) =>
    receiver.told.filter((one) => one.subject === subject).map(({ type }) => type)
  const toldOf = (id: string, type: string) =>
    until(() => types(`rollout/${id}`).includes(type), {
      ...{ deadlineMs: 45_000, what: `to be told that ${id} is ${type}` },
    })
  const first = await waitForRollout(hub.api, 'web', 'Succeeded', {
    commit: good,
    deadlineMs: 60_000,
  })
  await toldOf(first.id, 'rollout.succeeded')
  await until(
    async () => {
      const { items } = await hub.api.get<{ items: { type: string }[] }>('audit')
      const last = items.findLastIndex(({ type }) => type.startsWith('rollout.'))
      return items.slice(last).some(({ type }) => type === 'alerts.told')
    },
    { deadlineMs: 30_000, what: 'it to be written down that people know' },
  )

  // While nobody listens and the hub dies, and Redis with all that was under way.
  receiver.setAway(true)
  const bad = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'two'),
  })
  forge.reverts.take(good, { text: 'one' }, undefined)
  forge.reverts.take(bad, { text: 'two' }, good)
  const second = await waitForRollout(hub.api, 'web', 'Succeeded', {
    commit: bad,
    deadlineMs: 60_000,
  })
  await hub.kill()
  const client = new Redis(redis.url)
  await client.flushall()
  client.disconnect()
  receiver.setAway(false)
  await hub.start()
  await untilReady(hub)
  await toldOf(second.id, 'rollout.created')
  await toldOf(second.id, 'rollout.succeeded')

  await runSwell(hub, 'rollout', 'rollback', second.id, '--reason', 'customers complain')
  await toldOf(second.id, 'rollout.rolledBack')
  await until(() => mail.mails.length > 0, { deadlineMs: 30_000, what: 'a mail' })
  assert.match(
    mail.mails[0]!.text,
    /^Subject: \[groundswell\] error: Rollout web: rolled back: asked for by admin/m,
  )
  await until(() => types('application/web').includes('revert.proposed'), {
    ...{ deadlineMs: 30_000, what: 'the revert to be proposed and told' },
  })
  const [pull] = forge.reverts.pulls
  assert.equal(pull?.head, `groundswell/revert-${bad.slice(0, 12)}`)
  assert.match(pull.body, /customers complain/)
  assert.deepEqual(forge.reverts.merged(pull.head, 'main'), { text: 'one' })
  const why = await runSwell(hub, 'rollout', 'why', second.id)
  assert.match(why.out, /its revert is proposed: https:\/\/forge\.example\/team\/fleet\/pull\/1/)

  await hub.kill()
  await hub.start()
  await untilReady(hub)
  await runSwell(hub, 'hold', 'release', 'web', '--reason', 'checked')
  await until(() => types('application/web').includes('hold.released'), {
    ...{ deadlineMs: 30_000, what: 'the release to be told' },
  })
  assert.equal(forge.reverts.pulls.length, 1, 'one pull request a commit')
  assert.equal(mail.mails.length, 1)
  const ids = receiver.told.map(({ id }) => id)
  const twice = receiver.told.filter(({ id }, at) => ids.indexOf(id) !== at)
  assert.deepEqual(twice, [], 'none twice: what was under way was not taken before')
})
