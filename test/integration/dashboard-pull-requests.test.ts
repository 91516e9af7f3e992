import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readDashboard } from '../../hub/api/dashboard-files.ts'
import { HubError } from '../../hub/errors.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { makeProposal } from '../support/fake-proposal.ts'
import { until } from '../support/until.ts'

const built = fileURLToPath(new URL('../../hub/dashboard/dist', import.meta.url))

describe('the page of the dashboard about what is not merged yet', () => {
  let browser: TestBrowser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser[Symbol.asyncDispose]())

  async function serve(): Promise<TestApi & { readonly url: string }> {
    const test = await startApi(10_000, 30_000, await readDashboard(built))
    return { ...test, url: await test.api.listen({ host: '127.0.0.1', port: 0 }) }
  }

  it('tells of a pull request before it is merged, at an address to send on: what it deletes, and its rollouts', async () => {
    await using hub = await serve()
    const asked: unknown[] = []
    hub.hub.propose = async (ref) => {
      asked.push(ref)
      return makeProposal('feature')
    }
    const { page, complaints } = await browser.visit(`${hub.url}/ui/pull-requests`, 'viewer')
    await page.getByLabel('Its number').fill('7')
    await page.getByRole('button', { name: 'Look' }).click()
    await page.getByRole('heading', { name: 'Pull request #7' }).waitFor()
    await page.getByText('Take the old service away').waitFor()
    await page.getByText('1 removed, 1 changed on 3 of 3 clusters').waitFor()
    const shop = page.getByRole('region', { name: 'Application shop' })
    const waves = await shop.getByRole('list', { name: 'Waves it would go through' }).innerText()
    assert.match(waves, /canary 1 cluster\s+prod 2 clusters · approval by the role operator/)
    await shop.getByText('✕ removed on edge-1, edge-2, lab · deleted').waitFor()
    await page.getByText('policy baseline: no probe').waitFor()
    assert.equal(new URL(page.url()).search, '?pullRequest=7')
    await page.goto(`${hub.url}/ui/pull-requests?branch=feature%2Fx`)
    await page.getByRole('heading', { name: 'Branch feature/x' }).waitFor()
    await page.getByText('Take the old service away').waitFor()
    assert.deepEqual(asked, [{ pullRequest: 7 }, { branch: 'feature/x' }])
    assert.deepEqual([hub.hub.actions, complaints], [[], []])
  })

  it('lists what is open on the Git host, and leads from there to what it would change', async () => {
    await using hub = await serve()
    const { page, complaints } = await browser.visit(`${hub.url}/ui/pull-requests`, 'viewer')
    const open = page.getByRole('region', { name: 'Open pull requests' })
    const row = await open.getByRole('row', { name: /in the lab/ }).innerText()
    assert.match(row, /#5\s+Try <b>it<\/b> in the lab \(draft\)\s+gone\s+lab of a fork/)
    await open.getByText('1 more goes into other branches').waitFor()
    const away = open.getByRole('link', { name: '#7 on its Git host' })
    assert.equal(await away.getAttribute('href'), 'https://git.example/fleet/pull/7')
    assert.equal(await away.getAttribute('rel'), 'noreferrer')

    // One that is merged goes from it as the fleet moves.
    const { items, ...rest } = await hub.hub.pullRequests()
    hub.hub.pullRequests = async () => ({ ...rest, items: items.slice(0, 1) })
    await page.getByText('live', { exact: true }).waitFor()
    hub.hub.emit({ type: 'fleet.accepted', message: 'merged', subject: 'fleet' })
    await open.getByText('in the lab').waitFor({ state: 'detached' })
    await open.getByRole('link', { name: 'What #7 would change' }).click()
    await page.getByRole('heading', { name: 'Pull request #7' }).waitFor()
    assert.equal(new URL(page.url()).search, '?pullRequest=7')
    assert.deepEqual(complaints, [])
  })

  it('tells why what is open cannot be listed, and looks at a change all the same', async () => {
    await using hub = await serve()
    let asked = 0
    hub.hub.pullRequests = async () => {
      asked += 1
      throw new HubError('forge_refused', 'its open changes cannot be read: 401')
    }
    const { page } = await browser.visit(`${hub.url}/ui/pull-requests`, 'viewer')
    await page.getByRole('alert').getByText('its open changes cannot be read: 401').waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    const before = asked
    await page.getByRole('button', { name: 'Try again' }).click()
    await until(() => asked > before, { deadlineMs: 10_000, what: 'it to be tried again' })
    // It is asked anew as the stream of events begins as well: no button is sure to be there after this.
    hub.hub.pullRequests = async () => ({ host: null, items: [], elsewhere: 0, more: false })
    hub.hub.emit({ type: 'fleet.accepted', message: 'told its host', subject: 'fleet' })
    await page.getByText('does not know which Git host has the fleet repository').waitFor()
    await page.getByLabel('Its number').fill('7')
    await page.getByRole('button', { name: 'Look' }).click()
    await page.getByRole('heading', { name: 'Pull request #7' }).waitFor()
  })
})
