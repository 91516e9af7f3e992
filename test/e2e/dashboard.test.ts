import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { waitForRollout } from '../support/api-client.ts'
import { findBarriers } from '../support/axe.ts'
import { startBrowser } from '../support/browser.ts'
import { applicationFiles, configMap } from '../support/fleet-files.ts'
import { startForgeServer, writeForges } from '../support/forge-server.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { kubeCall } from '../support/kube-request.ts'
import { startSmallFleet } from '../support/small-fleet.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* The dashboard as an operator has it: a hub, three real API servers with their agents, a browser. */

const payload = "<img src=x onerror='document.title=1'>"
const settings = '/api/v1/namespaces/web/configmaps/settings'
const soon = { deadlineMs: 60_000, intervalMs: 100 }

/** When the hub last had news of this type, by its own clock; milliseconds. */
async function timeOf(hub: HubProcess, type: string): Promise<number> {
  const { items } = await hub.api.get<{ items: { type: string; at: string }[] }>('events?limit=200')
  const found = items.findLast((event) => event.type === type)
  assert.ok(found, `the hub had no ${type}`)
  return Date.parse(found.at)
}

const cellOf = (page: Page, cluster: string) =>
  page.locator(`[data-cluster="${cluster}"] [role=gridcell]`)

describe('the dashboard of three real clusters', () => {
  it('shows a rollout go from wave to wave, drift with both its values, and what was signed, all without a reload', async (t) => {
    await using directory = await createTempDir('dashboard')
    await using forge = await startForgeServer('github')
    const forges = await writeForges(directory.path, forge)
    await using fleet = await startSmallFleet('3s', ['--forges', forges])
    const { hub, repository, planes } = fleet
    await repository.commit(applicationFiles('web', 'one', '  drift: report\n'))
    await waitForRollout(hub.api, 'web', 'Succeeded')
    await using browser = await startBrowser()
    const { page, complaints } = await browser.visit(`${hub.url}/ui/`, await hub.token())
    for (const name of planes.keys()) {
      await cellOf(page, name).and(page.locator('[aria-label="web: updated"]')).waitFor()
    }

    // 1. What is proposed, and what it would do before it is merged.
    const change = { 'apps/web/settings.yaml': configMap('settings', 'two') }
    const proposed = await repository.commit(change, 'Say two', 'feature')
    await repository.git('push', '--quiet', 'origin', `${proposed}:refs/pull/7/head`)
    const [updatedAt, base] = [new Date().toISOString(), 'main']
    const pull = { number: 7, title: payload, author: 'ada', branch: 'feature', base, updatedAt }
    forge.open.push(pull, { ...pull, number: 8, title: 'Say it elsewhere', base: 'other' })
    await page.goto(`${hub.url}/ui/pull-requests`)
    const open = page.getByRole('region', { name: 'Open pull requests' })
    await open.getByText('1 more goes into other branches').waitFor()
    assert.ok((await open.getByRole('row', { name: /#7/ }).innerText()).includes(payload))
    await open.getByRole('link', { name: 'What #7 would change' }).click()
    await page.getByText('1 changed on 3 of 3 clusters').waitFor()

    // 2. Merged, it is watched wave by wave.
    const commit = await repository.commit(change, 'Say two')
    const rollout = await until(
      async () => {
        const { items } = await hub.api.get<{ items: { id: string; revision: string }[] }>(
          'rollouts?application=web&limit=1',
        )
        return items[0]?.revision.endsWith(commit) && items[0].id
      },
      { ...soon, what: 'the rollout' },
    )
    await page.goto(`${hub.url}/ui/rollouts/${rollout}`)
    const canary = page.getByRole('region', { name: 'Wave canary' })
    await canary.getByText('1 of 1 done').waitFor({ timeout: 60_000 })
    const heading = page.getByRole('heading', { level: 1 })
    await heading.getByText('Succeeded').waitFor({ timeout: 60_000 })
    await page.getByRole('region', { name: 'Wave production' }).getByText('2 of 2 done').waitFor()

    // 3. Somebody changes the cluster: the matrix follows, and both values are told as text.
    await page.goto(`${hub.url}/ui/`)
    await cellOf(page, 'b').and(page.locator('[aria-label="web: updated"]')).waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    const seen = page.evaluate<number>(`new Promise((resolve) => {
      const look = () => {
        const cell = document.querySelector('[data-cluster="b"] [role=gridcell]')
        if (cell?.getAttribute('aria-label') === 'web: drifted') return resolve(Date.now())
        requestAnimationFrame(look)
      }
      look()
    })`)
    await kubeCall(
      planes.get('b')!,
      'PATCH',
      `${settings}?fieldManager=${encodeURIComponent('<script>hand')}`,
      { data: { text: payload } },
    )
    const shown = await seen
    const told = await timeOf(hub, 'drift.detected')
    t.diagnostic(`shown ${shown - told} ms after the hub had the report`)
    await page.goto(`${hub.url}/ui/clusters/b?application=web`)
    const drift = page.locator('.drift').first()
    await drift.waitFor()
    const words = await drift.innerText()
    for (const text of ['two', payload, '<script>hand']) assert.ok(words.includes(text), words)
    assert.match(await page.title(), /Groundswell$/)

    // 4. What its agent signed of all that.
    await page.getByRole('button', { name: 'What came of each object of web' }).first().click()
    await page
      .getByRole('region', { name: /^Receipt / })
      .getByText('/ConfigMap/web/settings')
      .waitFor()
    assert.deepEqual(await findBarriers(page), [])

    // 5. A hub that ends is said to be away, not taken for a quiet one.
    assert.deepEqual(complaints, [])
    await hub.stop()
    await page.getByText('The stream of events is cut.').waitFor()
  })
})
