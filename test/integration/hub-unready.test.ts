import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'

const one = applicationFiles('web', 'one')

describe('a hub that has not read everything yet', () => {
  it('says so with 503, and never that something is not there', async () => {
    await using world = await createSurroundings()
    await world.repository.commit({ ...clusterFiles, ...strategyFile('0s'), ...one })
    const hub = await world.start()
    await untilReady(hub)
    await using agent = await startMemoryAgent(hub, 'a')
    const { id } = await waitForRollout(hub.api, 'web', 'Succeeded')
    await agent.stop()

    const ask = async (path: string, body?: object) => {
      const response = await fetch(`${hub.url}/api/v1/${path}`, {
        headers: {
          authorization: `Bearer ${await hub.token()}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      })
      const { status, headers } = response
      const { code } = (await response.json()) as { code?: string }
      return { status, code, again: headers.get('retry-after') }
    }

    // As soon as anybody is answered, what the ledger knows is there.
    await hub.kill()
    await hub.start()
    assert.equal((await ask(`rollouts/${id}`)).status, 200)
    await untilReady(hub)

    // What was read is gone, and Git is away: only what the ledger tells can be known.
    await hub.kill()
    world.git.fail()
    await rm(join(hub.data, 'mirrors'), { recursive: true })
    await hub.start()
    assert.equal((await fetch(`${hub.url}/readyz`)).status, 503)
    const kept = [`rollouts/${id}`, 'rollouts', 'clusters', 'clusters/a', 'applications/web']
    for (const path of [...kept, 'fleet', 'summary'])
      assert.equal((await ask(path)).status, 200, path)
    const unread = ['groups', 'groups/g', 'windows', 'policies', 'clusters?selector=ring%3Dcanary']
    for (const path of [...unread, 'clusters/nobody', 'applications/nothing']) {
      assert.deepEqual(await ask(path), { status: 503, code: 'not_ready', again: '2' }, path)
    }
    const plan = await ask('rollouts:plan', { application: 'web' })
    assert.deepEqual(plan, { status: 503, code: 'not_ready', again: '2' })

    world.git.resume()
    await untilReady(hub)
    for (const path of ['groups', 'windows', 'policies', 'clusters?selector=ring%3Dcanary']) {
      assert.equal((await ask(path)).status, 200, path)
    }
    assert.equal((await ask('groups/g')).status, 404)
  })
})
