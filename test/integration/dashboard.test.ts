import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type DashboardFile, readDashboard } from '../../hub/api/dashboard-files.ts'
import { runProgram } from '../../hub/cli/program.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { findBarriers } from '../support/axe.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { createFakeTerminal } from '../support/fake-terminal.ts'
import { startLoginWorld } from '../support/login-world.ts'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { widenFleet } from '../support/wide-fleet.ts'

const built = fileURLToPath(new URL('../../hub/dashboard/dist', import.meta.url))

interface Served extends TestApi {
  readonly url: string
}

/** The real API and dashboard over the fake hub, listening. */
async function serve(): Promise<Served> {
  const test = await startApi(10_000, 30_000, await readDashboard(built))
  return { ...test, url: await test.api.listen({ host: '127.0.0.1', port: 0 }) }
}

describe('the dashboard, as it is served', () => {
  it('runs nothing but its own files, and says so to every browser', async () => {
    await using hub = await serve()
    const page = await fetch(`${hub.url}/`)
    assert.equal(page.url, `${hub.url}/ui/`)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/)
    assert.doesNotMatch(policy, /unsafe/)
    const text = await page.text()
    assert.doesNotMatch(text, /<script(?![^>]* src=)|style=|<style/)
    const asset = await hub.api.inject({
      url: /src="([^"]+)"/.exec(text)![1]!,
      headers: { 'accept-encoding': 'gzip, br' },
    })
    assert.match(asset.headers['cache-control']!, /immutable/)
    assert.equal(asset.headers['content-encoding'], 'br')
    assert.equal((await fetch(`${hub.url}/ui/assets/nope.js`)).status, 404)
    const climbing = await fetch(`${hub.url}/ui/..%2f..%2f..%2fpackage.json`)
    assert.match(climbing.headers.get('content-type')!, /html/)
  })

  it('weighs less than 200 KB with all its files, as they travel', async (t) => {
    const files: DashboardFile[] = [...(await readDashboard(built))!.values()]
    const bytes = files.reduce((sum, { brotli }) => sum + brotli.byteLength, 0)
    t.diagnostic(`${bytes} bytes in ${files.length} files`)
    assert.ok(bytes < 200 * 1024, `${bytes}`)
  })

  it('tells how it is made where it was not', async () => {
    await using test = await startApi()
    const { statusCode, body } = await test.api.inject({ url: '/ui/' })
    assert.equal(statusCode, 404)
    assert.match(body, /npm run dashboard/)
  })
})

describe('the dashboard, in a browser', () => {
  let browser: TestBrowser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser[Symbol.asyncDispose]())

  it('lets nobody in without a token that the hub knows', async () => {
    await using hub = await serve()
    const { page } = await browser.knock(hub.url, 'nobody')
    await page.getByText('The hub does not know this token.').waitFor()
    assert.equal(await page.getByRole('grid').count(), 0)
  })

  it('takes people in by their identity provider, and acts in their name', async () => {
    await using world = await startLoginWorld(await readDashboard(built))
    const { page } = await browser.open(`${world.origin}/ui/rollouts/r-1`)
    await page.getByRole('link', { name: /^Sign in at/ }).click()
    await page.locator('[name=login]').fill('ada')
    await page.locator('[name=password]').fill('any')
    await page.getByRole('button').first().click()
    await page.getByRole('button', { name: /Continue/ }).click()
    await page.waitForURL('**/ui/rollouts/r-1')
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    const { actions } = world.test.hub
    await until(() => actions.length === 1, { deadlineMs: 10_000, what: 'the action' })
    assert.deepEqual([actions[0]!.kind, actions[0]!.by.actor], ['pause', 'oidc:ada'])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: /^Sign in at/ }).waitFor()
    await page.reload()
    await page.getByRole('link', { name: /^Sign in at/ }).waitFor()
  })

  it('shows each cluster under its group, finds one by name, and opens it with ⌘K', async () => {
    await using hub = await serve()
    hub.hub.view.diffs.push({ ...hub.hub.view.diffs[0]!, cluster: 'edge-2' })
    const { page, complaints } = await browser.visit(hub.url, 'viewer')
    await page.getByRole('link', { name: 'edge-1' }).waitFor()
    assert.deepEqual(await page.locator('.grid-group').allInnerTexts(), ['prod 2', 'no group 1'])
    await page.getByLabel('Filter clusters').fill('lab')
    await page.getByRole('link', { name: 'edge-1' }).waitFor({ state: 'detached' })
    assert.match(page.url(), /filter=lab$/)
    await page.keyboard.press('Control+k')
    await page.getByLabel('Cluster, application or page').fill('edge-2')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'edge-2' }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/ui/clusters/edge-2')
    // The address alone brings the same page.
    await page.reload()
    await page.getByRole('heading', { name: 'edge-2' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('has no more of 10,000 × 50 in the page than the screen shows, wherever it is scrolled', async () => {
    await using hub = await serve()
    widenFleet(hub.hub, { clusters: 10_000, applications: 50 })
    const { page } = await browser.visit(hub.url, 'viewer')
    await page.getByText('10000 clusters · 50 applications').waitFor()
    const grid = page.getByRole('grid')
    await grid.evaluate((frame) => {
      frame.scrollTop = frame.scrollHeight
    })
    await page.getByRole('link', { name: 'c09999' }).waitFor()
    const lines = await page.locator('.grid-line').count()
    assert.ok(lines > 5 && lines < 60, `${lines}`)
  })

  it('shows what happens without a reload, and says when news are cut off', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(hub.url, 'viewer')
    await page.getByRole('link', { name: 'edge-1' }).waitFor()
    const cell = page.locator('.grid-line', { hasText: 'edge-1' }).locator('.cell')
    assert.equal(await cell.innerText(), '●')
    await until(() => hub.hub.subscribers === 1, { deadlineMs: 10_000, what: 'the page to listen' })
    hub.hub.view.clusters[0] = { ...hub.hub.view.clusters[0]!, applications: [] }
    hub.hub.emit({ type: 'health.changed', message: 'edge-1 changed', subject: 'cluster/edge-1' })
    await until(async () => (await cell.innerText()) === '', {
      deadlineMs: 10_000,
      what: 'the cell to follow',
    })
    await hub.api.close()
    await page.getByText('The stream of events is cut.').waitFor()
  })

  it('asks before it acts, and acts with the reason that was given', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/rollouts/r-1`, 'operator')
    await page.getByRole('button', { name: 'Roll back' }).click()
    const dialog = page.getByRole('dialog')
    const act = dialog.getByRole('button', { name: 'Roll back' })
    assert.ok(await act.isDisabled())
    await dialog.getByLabel(/^Type shop/).fill('shop')
    await dialog.getByLabel(/^Reason/).fill('it burns')
    await act.click()
    await until(() => hub.hub.actions.length === 1, { deadlineMs: 10_000, what: 'the action' })
    const [{ kind, reason, by }] = hub.hub.actions as [(typeof hub.hub.actions)[number]]
    assert.deepEqual([kind, reason, by.actor], ['rollback', 'it burns', 'operator@example'])
  })

  it('tells whoever may not act so, and does nothing', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/rollouts/r-1`, 'viewer')
    await page.getByRole('button', { name: 'Pause' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Pause' }).click()
    await dialog.getByRole('alert').waitFor()
    assert.deepEqual(hub.hub.actions, [])
  })

  it('T35: words of clusters are text, whatever is in them', async () => {
    await using hub = await serve()
    const payloads = [
      '<script>document.title="owned"</script>',
      '<img src=x onerror=\'document.title="owned"\'>',
      '<svg onload=\'document.title="owned"\'>',
      'javascript:document.title="owned"',
      '"><iframe srcdoc="<script>parent.document.title=1</script>">',
      "';document.title='owned';//",
      '{{constructor.constructor("document.title=1")()}}',
      '<a href="javascript:document.title=1">x</a>',
      '</title><script>1</script>',
      '<style>*{display:none}</style>',
    ]
    const lab = hub.hub.view.clusters.find(({ name }) => name === 'lab')!
    hub.hub.view.clusters = payloads.map((text, at) => ({
      ...lab,
      name: `lab-${at}`,
      displayName: text,
      agentVersion: text,
      lifecycleReason: text,
      labels: { x: text },
      refusal: { code: text, message: text },
      applications: lab.applications.map((one) => ({ ...one, message: text })),
    }))
    const [diff] = hub.hub.view.diffs
    hub.hub.view.diffs = payloads.map((text, at) => ({
      ...diff!,
      cluster: `lab-${at}`,
      drift: diff!.drift.map((one) => ({
        ...one,
        fields: [{ path: text, desired: text, live: text, manager: text }],
      })),
    }))
    const { page, complaints } = await browser.visit(hub.url, 'viewer')
    await page.getByRole('link', { name: 'lab-0' }).waitFor()
    for (const text of payloads) {
      hub.hub.emit({ type: text, message: text, subject: 'cluster/lab-0' })
    }
    for (const [at, text] of payloads.entries()) {
      await page.goto(`${hub.url}/ui/clusters/lab-${at}`)
      await page.getByText(text, { exact: true }).first().waitFor()
    }
    for (const path of ['clusters', 'applications', 'events', 'rollouts/r-1']) {
      await page.goto(`${hub.url}/ui/${path}`)
      await page.getByRole('main').waitFor()
    }
    assert.match(await page.title(), /Groundswell$/)
    assert.deepEqual(complaints, [])
  })

  it('is moved through by keyboard alone, from the matrix to a cluster, and from a search to a page', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(hub.url, 'viewer')
    await page.getByRole('link', { name: 'edge-1' }).waitFor()
    await page.getByRole('grid').focus()
    // The first line is the group's.
    await page.keyboard.press('ArrowDown')
    await page.getByText('edge-1 · shop: runs what was decided, and is healthy').waitFor()
    const active = await page.getByRole('grid').getAttribute('aria-activedescendant')
    assert.equal(await page.locator(`#${active}`).getAttribute('aria-label'), 'shop: updated')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'edge-1', exact: true }).waitFor()
    assert.match(page.url(), /clusters\/edge-1\?application=shop$/)
    await page.keyboard.press('Control+k')
    await page.keyboard.type('ho')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Holds' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'edge-1', exact: true }).waitFor()
  })

  it('finds what it is asked for from any address, and leads on where nothing is called so', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/rollouts/r-1`, 'viewer')
    await page.getByRole('button', { name: 'Skip' }).first().waitFor()
    await page.keyboard.press('Control+k')
    const box = page.getByRole('combobox', { name: 'Cluster, application or page' })
    await box.fill('edge-1')
    const [found] = [page.getByRole('option', { name: 'edge-1 cluster' })]
    await found.waitFor()
    assert.equal(await found.getAttribute('id'), await box.getAttribute('aria-activedescendant'))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'edge-1', exact: true }).waitFor()
    assert.equal(await page.title(), 'Cluster edge-1 · Groundswell')
    await page.keyboard.press('Control+k')
    await box.fill('Nothing Of That Name')
    await page.getByRole('option', { name: 'nothing of that name filter the fleet' }).click()
    await page.getByText('No cluster fits nothing of that name').waitFor()
    assert.equal(new URL(page.url()).searchParams.get('filter'), 'nothing of that name')
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByRole('link', { name: 'edge-1' }).waitFor()
  })

  it('names the commit that is refused, and why it is', async () => {
    await using hub = await serve()
    const refused = `main@sha1:${'0123456789abcdef'.repeat(2)}01234567`
    const faults = [{ file: 'fleet/shop.yaml', line: 7, message: 'no such field: targts' }]
    hub.hub.view.fleet = { ...hub.hub.view.fleet, refused, faults }
    const { page } = await browser.visit(hub.url, 'viewer')
    await page.getByText('Commit 0123456789 is refused, the last good one stays: 1 fault').waitFor()
    await page.getByText('fleet/shop.yaml:7').waitFor()
  })

  it('shows nothing of one person to the next who signs in', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/`, 'viewer')
    await page.getByRole('link', { name: 'edge-1' }).waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    hub.hub.emit({ type: 'fleet.accepted', message: 'only for the first', subject: 'fleet' })
    await page.getByRole('link', { name: 'Events' }).click()
    await page.getByText('only for the first').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    hub.hub.events = async () => ({ items: [], gap: null })
    await page.getByLabel('Token').fill('operator')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Events' }).waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    assert.equal(await page.getByText('only for the first').count(), 0)
  })

  it('is light or dark as somebody chose, and still is after a reload', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(hub.url, 'viewer')
    await page.emulateMedia({ colorScheme: 'light' })
    const paper = () =>
      page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
    const light = await paper()
    await page.getByRole('button', { name: /^Colours: system/ }).click()
    assert.equal(await paper(), light)
    await page.getByRole('button', { name: /^Colours: light/ }).click()
    const dark = await paper()
    assert.notEqual(dark, light)
    await page.reload()
    await page.getByRole('button', { name: /^Colours: dark/ }).waitFor()
    assert.equal(await paper(), dark)
  })

  it('lets a cluster join: a token with the command to run there, and approval by fingerprint', async () => {
    await using hub = await serve()
    const fingerprint = `sha256:${'5e'.repeat(32)}`
    const approved: string[] = []
    const { createToken } = hub.hub
    const token = `gsw1.abcdefghij.${'s'.repeat(22)}.${'a'.repeat(64)}.${'b'.repeat(64)}`
    hub.hub.createToken = async (...asked) => ({ ...(await createToken(...asked)), token })
    hub.hub.pendingClusters = () => [
      {
        ...{ cluster: 'edge-9', clusterId: 'c-9', clusterUid: 'u-9', fingerprint },
        ...{ since: new Date().toISOString(), replaces: false },
      },
    ]
    hub.hub.approveCluster = async (cluster, of, by) => {
      approved.push(`${cluster} ${of} ${by.actor}`)
    }
    const { page } = await browser.visit(`${hub.url}/ui/clusters`, 'admin')
    await page.getByText('Let a cluster join').click()
    await page.getByLabel('Name of a cluster that Git declares').fill('edge-1')
    await page.getByRole('button', { name: 'Make a token' }).click()
    const command = page.locator('pre', { hasText: 'swell agent manifest' })
    await command.waitFor()
    assert.match(await command.innerText(), / --image IMAGE /)
    await page.getByLabel('Image of the agent').fill('registry.example/agent:1')
    const [swell, kubectl] = (await command.innerText()).split(' | ')
    assert.equal(kubectl, 'kubectl apply --server-side -f -')
    const { terminal, said } = createFakeTerminal()
    assert.equal(await runProgram(swell!.split(' ').slice(1), terminal), 0, said.err)
    assert.match(said.out, /kind: Deployment[^]*image: registry\.example\/agent:1/)
    await page.getByText(fingerprint).waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(`Its agent shows the fingerprint ${fingerprint}`).waitFor()
    await dialog.getByRole('button', { name: 'Approve' }).click()
    await until(() => approved.length === 1, { deadlineMs: 10_000, what: 'the approval' })
    assert.deepEqual(approved, [`edge-9 ${fingerprint} admin@example`])
  })

  it('keeps nobody out where somebody signs in, is asked, searches, or is lost', async () => {
    await using hub = await serve()
    const found: string[] = []
    const look = async (page: Page, what: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const barrier of await findBarriers(page)) found.push(`${what}: ${barrier}`)
      }
    }
    const { page } = await browser.open(hub.url)
    await page.getByLabel('Token').waitFor()
    await look(page, 'login')
    await page.getByLabel('Token').fill('operator')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('navigation').waitFor()
    await page.keyboard.press('Control+k')
    await look(page, 'search')
    await page.goto(`${hub.url}/ui/nowhere`)
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
    await look(page, 'no page')
    await page.goto(`${hub.url}/ui/rollouts/r-1`)
    await page.getByRole('button', { name: 'Roll back' }).click()
    await page.getByText('It changes back').waitFor()
    await look(page, 'a question')
    assert.deepEqual(found, [])
  })

  it('has nothing that keeps people out, in light and dark', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(hub.url, 'viewer')
    const found: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const paths = ['', 'clusters', 'clusters/edge-1?application=shop', 'applications']
      for (const path of [...paths, 'applications/shop', 'rollouts', 'rollouts/r-1', 'events']) {
        await page.goto(`${hub.url}/ui/${path}`)
        await page.getByRole('main').waitFor()
        await page.getByText('Loading…').first().waitFor({ state: 'detached' })
        for (const barrier of await findBarriers(page)) {
          found.push(`${colorScheme} /${path}: ${barrier}`)
        }
      }
    }
    assert.deepEqual(found, [])
  })
})
