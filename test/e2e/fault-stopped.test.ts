import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { createMemoryCluster, settleAtOnce } from '../support/memory-cluster.ts'
import { stopProcess } from '../support/processes-of.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/* A hub that stands still, as one whose machine sleeps, while a canary soaks and fails. */

const key = 'apps/Deployment/web/web'
const deployment = (image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: ${image} }] } }
`
const imageOf = ({ cluster }: MemoryAgent) =>
  /"image":"([^"]+)"/.exec(JSON.stringify(cluster.read(key) ?? {}))?.[1]

/** Its new pods never get ready. */
function fail(object: LiveObject): LiveObject {
  const settled = settleAtOnce(object)
  if (object.kind !== 'Deployment') return settled
  const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }]
  return { ...settled, status: { ...(settled['status'] as object), conditions } }
}

// Its soak is over by the clock, and that it failed waits in a socket, at the moment it goes on.
test('I6: a hub that was stopped reads what its clusters said before it goes on to the next wave', async () => {
  await using world = await createSurroundings()
  await using redis = await startRedis()
  const files = { ...applicationFiles('web', 'none'), 'apps/web/settings.yaml': deployment('one') }
  await world.repository.commit({ ...strategyFile('0s'), ...files })
  const hub = await world.start({ redisUrl: redis.url, args: ['--enrol-rate', '100'] })
  await untilReady(hub)
  let isBroken = false
  const cluster = createMemoryCluster({
    uid: randomUUID(),
    settle: (object) => (isBroken ? fail(object) : settleAtOnce(object)),
  })
  await using canary = await startMemoryAgent(hub, 'a', { cluster })
  await using next = await startMemoryAgent(hub, 'b')
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await until(() => imageOf(next) === 'one', { deadlineMs: 20_000, what: 'b to run it' })

  const soak = { ...strategyFile('8s'), 'apps/web/settings.yaml': deployment('two') }
  const commit = await world.repository.commit(soak)
  const soaksUntil = await until(
    async () => {
      const { id } = (await newestRollout(hub.api, 'web'))!
      const { waitingFor } = await hub.api.get<{ waitingFor: string[] }>(`rollouts/${id}`)
      return /soaks until (\S+)/.exec(waitingFor.join(' '))?.[1]
    },
    { deadlineMs: 20_000, what: 'the canary to soak' },
  )
  const { pid } = hub.process()
  await stopProcess(pid)
  isBroken = true
  canary.cluster.edit(key, 'kube-controller-manager', (object) => object)
  await until(() => Date.now() > Date.parse(soaksUntil) + 1_000, {
    ...{ deadlineMs: 20_000, what: 'its soak to be over' },
  })
  process.kill(pid, 'SIGCONT')
  const paused = await waitForRollout(hub.api, 'web', 'Paused', { commit })
  assert.match(paused.message, /wave canary had 1 failure/)
  assert.equal(imageOf(next), 'one')
})
