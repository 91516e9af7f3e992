import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { startAgent } from '../support/agent-process.ts'
import { waitForRollout } from '../support/api-client.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

/** A program that lives `years` from now, from when on the file is there. */
function shiftClock(years: number, file: string): string {
  const code = `import { existsSync } from 'node:fs'
const Real = Date
const { now } = Date
globalThis.Date = class extends Real {
  constructor(...given) { super(...(given.length ? given : [Real.now()])) }
}
const shift = () => existsSync(${JSON.stringify(file)}) ? ${years * 365 * 86_400_000} : 0
Real.now = globalThis.Date.now = () => now() + shift()`
  return `--import=data:text/javascript,${encodeURIComponent(code)}`
}

it('F29: an agent whose clock jumps ten years on, and then is ten years back, goes on applying, healing and reporting', async () => {
  await using world = await createSurroundings()
  const hub = await world.start()
  await using plane = await startControlPlane({ name: 'clock' })
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await untilReady(hub)
  const { directory } = world
  const jump = join(directory, 'jump')
  const env = { NODE_OPTIONS: shiftClock(10, jump) }
  const agent = await startAgent(hub, {
    ...{ directory, cluster: 'a', kubeconfig: plane.kubeconfig, env },
  })
  const path = '/api/v1/namespaces/web/configmaps/settings'
  const readText = async () => {
    const { body } = await kubeRequest(plane, 'GET', path)
    return (body as { data?: { text?: string } }).data?.text
  }
  const says = (text: string) =>
    until(async () => (await readText()) === text, {
      deadlineMs: 20_000,
      what: `the cluster to say ${text}`,
    })
  const view = () => hub.api.get<{ connection: { state: string }; stale?: boolean }>('clusters/a')
  /** A commit is applied, and what somebody changes is put right. */
  async function live(text: string): Promise<void> {
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', text),
    })
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    await says(text)
    const drift = { data: { text: 'by hand' } }
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=after-${text}`, drift)
    await says(text)
    assert.equal((await view()).connection.state, 'Connected')
  }
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await live('two')
  await writeFile(jump, '')
  await live('three')
  const lastYear = () => /"time":"(\d+)-[^\n]*\n$/.exec(agent.process().readLog())?.[1]
  assert.equal(Number(lastYear()), new Date().getUTCFullYear() + 10)

  await agent.kill()
  env.NODE_OPTIONS = shiftClock(-10, jump)
  await agent.start()
  await live('four')
  assert.ok(Number(lastYear()) < new Date().getUTCFullYear() - 8)
  await agent.stop()
})
