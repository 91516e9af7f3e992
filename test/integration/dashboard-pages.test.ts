import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readDashboard } from '../../hub/api/dashboard-files.ts'
import { startApi, type TestApi } from '../support/api.ts'
import type { AuditEntry } from '../../hub/api/survey-view.ts'
import { findBarriers } from '../support/axe.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { collect } from '../support/collect.ts'
import type { FakeHub } from '../support/fake-hub.ts'
import { makeProposal } from '../support/fake-proposal.ts'
import { makePreview } from '../support/fake-rollout.ts'
import { until } from '../support/until.ts'

const built = fileURLToPath(new URL('../../hub/dashboard/dist', import.meta.url))
const soon = { deadlineMs: 10_000 }

/** Pages about decisions: before, while and after they are made. */
const paths = [
  ...['applications/shop', 'applications/shop/plan', 'applications/shop/plan?live=true'],
  ...[
    'clusters/edge-1',
    'pull-requests',
    'pull-requests?pullRequest=7',
    'drift',
    'holds',
    'windows',
    'policies',
    'audit',
    'rollouts',
    'rollouts/r-1',
  ],
] as const

async function linesOf({ audit }: Pick<FakeHub, 'audit'>): Promise<AuditEntry[]> {
  const lines: AuditEntry[] = []
  for await (const line of audit(null)) lines.push(line)
  return lines
}

describe('the pages of the dashboard about decisions', () => {
  let browser: TestBrowser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser[Symbol.asyncDispose]())

  async function serve(): Promise<TestApi & { readonly url: string }> {
    const test = await startApi(10_000, 30_000, await readDashboard(built))
    return { ...test, url: await test.api.listen({ host: '127.0.0.1', port: 0 }) }
  }

  it('show what would roll out before it does, the same change once, and how long it may take', async () => {
    await using hub = await serve()
    const { page, complaints } = await browser.visit(
      `${hub.url}/ui/applications/shop/plan`,
      'operator',
    )
    await page.getByText('It takes about 7 min, 2 h at the longest').waitFor()
    await page.getByText('approval by the role operator before wave prod').waitFor()
    await page.getByText(/policy baseline warns/).waitFor()
    const web = page.getByRole('region', { name: 'Deployment shop/web' })
    assert.deepEqual(await web.locator('summary').allInnerTexts(), [
      '≠ changed on edge-1, edge-2',
      '≠ changed on lab',
    ])
    assert.deepEqual(await web.locator('.patch .added').allInnerTexts(), [
      '+image: two\n',
      '+image: three\n',
    ])
    assert.deepEqual(hub.hub.actions, [])
    await page.getByRole('link', { name: 'Ask the clusters too' }).click()
    await page.getByText(/the API server refuses it: no/).waitFor()
    assert.match(page.url(), /\/plan\?live=true$/)
    assert.deepEqual(complaints, [])
  })

  it('tell once of what is not there, and lead to what is', async () => {
    await using hub = await serve()
    for (const list of ['clusters', 'applications', 'rollouts']) {
      const { page, complaints } = await browser.visit(`${hub.url}/ui/${list}/nope`, 'operator')
      await page.getByRole('link', { name: `All ${list}` }).waitFor()
      const alerts = await page.getByRole('alert').allInnerTexts()
      assert.equal(alerts.length, 1, alerts.join('\n'))
      assert.match(alerts[0]!, /nope/)
      assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0)
      assert.deepEqual(await findBarriers(page), [])
      await page.getByRole('link', { name: `All ${list}` }).click()
      await page.waitForURL(`**/ui/${list}`)
      assert.ok(
        complaints.every((words) => words.includes('404')),
        complaints.join('\n'),
      )
    }
  })

  it('ask for the name of what deletes before it is rolled out, and not for that of what does not', async () => {
    await using hub = await serve()
    hub.hub.records.length = 0
    const { page } = await browser.visit(`${hub.url}/ui/applications/shop/plan`, 'operator')
    const dialog = page.getByRole('dialog')
    const act = dialog.getByRole('button', { name: 'Roll out' })
    await page.getByRole('button', { name: 'Roll out' }).click()
    await dialog.getByText('1 changed').waitFor()
    assert.ok(await act.isEnabled())
    await dialog.getByRole('button', { name: 'Leave it' }).click()

    const preview = makePreview('r-next', false)
    const [web] = preview.changes!.objects
    const gone = { ...web!.variants[0]!, change: 'removed', fate: 'deleted' } as const
    const objects = [{ ...web!, variants: [gone] }]
    hub.hub.planRollout = async () => ({
      ...preview,
      changes: { ...preview.changes!, changed: 0, removed: 1, objects },
    })
    await page.reload()
    await page.getByRole('button', { name: 'Roll out' }).click()
    await dialog.getByText('1 removed').waitFor()
    assert.ok(await act.isDisabled())
    await dialog.getByLabel(/^Type shop/).fill('shop')
    await act.click()
    await until(() => hub.hub.actions.length === 1, { ...soon, what: 'the rollout to begin' })
    assert.equal(hub.hub.actions[0]!.kind, 'create')
    await page.waitForURL('**/ui/rollouts/r-1')
  })

  it('show what is left of a rollout, and in the dialog of each action what it changes', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/rollouts/r-1`, 'operator')
    await page.getByRole('region', { name: 'What is left of it' }).getByText('1 changed').waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Still to come: 1 changed').waitFor()
    for (const action of ['Pause', 'Abort', 'Skip edge-1'] as const) {
      await dialog.getByRole('button', { name: 'Leave it' }).click()
      await page.getByRole('button', { name: action }).click()
      await dialog.getByText('Still to come: 1 changed').waitFor()
    }
    await dialog.getByText('≠ changed on edge-1', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'Leave it' }).click()
    // Going back is shown from the other side.
    await page.getByRole('button', { name: 'Roll back' }).click()
    await dialog.getByText('It changes back: 1 changed').waitFor()
    await dialog.getByText('≠ changed on edge-1, edge-2').click()
    await dialog.getByText('+image: before').first().waitFor()
    // Nothing failed, and nothing is measured: there is nothing to retry or to promote.
    await dialog.getByRole('button', { name: 'Leave it' }).click()
    for (const name of ['Retry failed', 'Promote']) {
      assert.equal(await page.getByRole('button', { name }).count(), 0, name)
    }
    assert.deepEqual(hub.hub.actions, [])
  })

  it('revoke a cluster and unlock one once its name is typed, and show what became of it', async () => {
    await using hub = await serve()
    const { page, complaints } = await browser.visit(`${hub.url}/ui/clusters/edge-1`, 'admin')
    const trust = page.locator('dt', { hasText: 'Trust' }).locator('xpath=following-sibling::dd[1]')
    const dialog = page.getByRole('dialog')
    const standing = () => hub.hub.view.clusters.find(({ name }) => name === 'edge-1')!
    await page.getByText('Enrolled').first().waitFor()
    assert.equal(await page.getByRole('button', { name: 'Unlock' }).count(), 0)

    await page.getByRole('button', { name: 'Revoke' }).click()
    await dialog.getByText('What runs on the cluster stays as it is').waitFor()
    const revoke = dialog.getByRole('button', { name: 'Revoke' })
    assert.ok(await revoke.isDisabled())
    await dialog.getByLabel(/^Type edge-1/).fill('edge-2')
    assert.ok(await revoke.isDisabled())
    await dialog.getByRole('button', { name: 'Leave it' }).click()
    assert.equal(standing().lifecycle, 'Enrolled')
    await page.getByRole('button', { name: 'Revoke' }).click()
    // What was typed before counts no more.
    assert.ok(await revoke.isDisabled())
    await dialog.getByLabel(/^Type edge-1/).fill('edge-1')
    await dialog.getByLabel(/^Reason/).fill('its disk was stolen')
    await revoke.click()
    await trust.getByText('Revoked').waitFor()
    assert.deepEqual(
      [standing().lifecycle, standing().lifecycleReason],
      ['Revoked', 'its disk was stolen'],
    )
    assert.equal(await page.getByRole('button', { name: /^(Revoke|Unlock)$/ }).count(), 0)

    Object.assign(standing(), { lifecycle: 'Locked', lifecycleReason: 'used twice' })
    await page.reload()
    await page.getByRole('button', { name: 'Unlock' }).click()
    await dialog.getByText('Two agents said they were edge-1').waitFor()
    const unlock = dialog.getByRole('button', { name: 'Unlock' })
    assert.ok(await unlock.isDisabled())
    await dialog.getByLabel(/^Type edge-1/).fill('edge-1')
    await unlock.click()
    await trust.getByText('Enrolled').waitFor()
    assert.equal(standing().lifecycle, 'Enrolled')
    assert.deepEqual(complaints, [])
  })

  it('show why somebody may not revoke a cluster, and leave it as it is', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/clusters/edge-1`, 'viewer')
    await page.getByRole('button', { name: 'Revoke' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Type edge-1/).fill('edge-1')
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await dialog.getByRole('alert').waitFor()
    assert.ok(hub.hub.view.clusters.every(({ lifecycle }) => lifecycle === 'Enrolled'))
  })

  it('tell what the newest commit is judged by', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/policies`, 'viewer')
    const row = await page.getByRole('row', { name: /baseline/ }).innerText()
    assert.match(row, /Warns\s+policies\/baseline\.yaml, images are named by digest\s+group prod/)
    assert.match(row, /application legacy: until spring/)
  })

  it('say on how many clusters Git asks for something else than they were given', async () => {
    await using hub = await serve()
    const [shop] = hub.hub.view.applications
    hub.hub.view.applications[0] = { ...shop!, behind: 2 }
    for (const path of ['applications', 'applications/shop']) {
      const { page } = await browser.visit(`${hub.url}/ui/${path}`, 'viewer')
      await page.getByText('of 3 · 2 behind Git · 1 drifted').waitFor()
    }
  })

  it('link a commit to its Git host, and tell it nothing', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/applications/shop`, 'viewer')
    const commit = page.getByRole('link').and(page.locator('[href^="https://git.example/"]'))
    await commit.first().waitFor()
    const address = await commit.first().getAttribute('href')
    assert.match(address!, /^https:\/\/git\.example\/fleet\/commit\/[0-9a-f]{40}$/)
    assert.equal(await commit.first().getAttribute('rel'), 'noreferrer')
  })

  it('release what is held, by its name and with a reason', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/holds`, 'operator')
    await page.getByRole('button', { name: 'Release' }).click()
    const dialog = page.getByRole('dialog')
    const act = dialog.getByRole('button', { name: 'Release' })
    assert.ok(await act.isDisabled())
    await dialog.getByLabel(/^Type shop/).fill('shop')
    await dialog.getByLabel(/^Reason/).fill('mended')
    await act.click()
    await page.getByText('Nothing is held.').waitFor()
  })

  it('tell when rollouts may not move, and why', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/windows`, 'viewer')
    const row = page.getByRole('row', { name: /store/ })
    assert.match(
      await row.innerText(),
      /are frozen\s+■ frozen until .*\s+0 18 \* \* 5 Europe\/Berlin\s+60h.*env=prod,!lab.*weekend/s,
    )
    const [one] = await collect(hub.hub.windows(0))
    hub.hub.windows = function* (from: number) {
      for (let at = from; at < 300; at++) {
        yield { ...one!, ...{ ownerKind: 'Cluster', owner: `edge-${at}` }, open: at === 299 }
      }
    }
    await page.getByText('live', { exact: true }).waitFor()
    hub.hub.emit({ type: 'fleet.accepted', message: 'merged', subject: 'fleet' })
    await page.getByRole('link', { name: 'edge-0', exact: true }).waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('row', { name: 'Cluster edge-299' }).getByText('■ frozen').waitFor()
    assert.equal(await page.getByRole('row', { name: /^Cluster edge-/ }).count(), 300)
  })

  it('tell what policies deny and what they warn of, and which approvals are waited for', async () => {
    await using hub = await serve()
    const ofShop = { object: 'Application shop', message: 'is told below' }
    const ofFleet = { file: 'x.yaml', message: 'no such field' }
    hub.hub.view.fleet = { ...hub.hub.view.fleet, faults: [ofShop, ofFleet] }
    const [shop] = hub.hub.view.applications
    const faults = [{ file: 'web.yaml', message: 'policy baseline: runs as root' }]
    const warnings = [{ file: 'web.yaml', message: 'policy baseline: no probe' }]
    hub.hub.view.applications = [
      { ...shop!, faults, warnings },
      { ...shop!, name: 'quiet' },
    ]
    const { page } = await browser.visit(`${hub.url}/ui/policies`, 'viewer')
    const told = page.getByRole('region', { name: 'shop' })
    await told.getByText('policy baseline: runs as root').waitFor()
    await told.getByText('1 warning; nothing is kept back for it').waitFor()
    await told.getByText('policy baseline: no probe').waitFor()
    await page.getByText('no such field').waitFor()
    assert.equal(await page.getByText('is told below').count(), 0)
    assert.equal(await page.getByRole('region', { name: 'quiet' }).count(), 0)
    await page.goto(`${hub.url}/ui/rollouts`)
    const gates = page.getByRole('region', { name: 'Waiting for approval' })
    assert.match(await gates.innerText(), /shop before wave prod, by operator/)
  })

  it('show whether the lines of the ledger follow each other', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/audit`, 'viewer')
    await page.getByText('Lines 1 to 3 follow each other').waitFor()
    await page.getByRole('link', { name: 'rollout/r-1' }).first().waitFor()
    await page.goto(`${hub.url}/ui/audit?after=1`)
    await page.getByText('Lines 2 to 3 follow each other').waitFor()
    const lines = await linesOf(hub.hub)
    hub.hub.audit = () => lines.filter(({ index }) => index !== 2)
    await page.goto(`${hub.url}/ui/audit`)
    const alert = page.getByRole('alert')
    await alert.waitFor()
    assert.match(await alert.innerText(), /broken at line 3: it comes after line 1/)
  })

  it('lead from what drifted in the fleet to both values of each field, and to what happened there', async () => {
    await using hub = await serve()
    hub.hub.emit({ type: 'drift.found', message: 'settings drifted', subject: 'cluster/edge-1' })
    hub.hub.emit({ type: 'drift.found', message: 'not here', subject: 'cluster/lab' })
    const { page } = await browser.visit(`${hub.url}/ui/drift`, 'viewer')
    await page.getByRole('link', { name: 'edge-1' }).click()
    await page.getByRole('heading', { name: 'Drift' }).waitFor()
    const [difference] = hub.hub.view.diffs[0]!.drift[0]!.fields
    const drift = page.locator('section.card .drift').first()
    const words = await drift.innerText()
    assert.ok(words.includes(difference!.desired) && words.includes(difference!.live), words)
    await page.getByText('settings drifted').waitFor()
    assert.equal(await page.getByText('not here').count(), 0)
  })

  it('T35: words that clusters, commits and people wrote are text there, too', async () => {
    await using hub = await serve()
    const text = '<img src=x onerror=\'document.title="owned"\'>'
    const preview = makePreview('r-next', true)
    const [web] = preview.changes!.objects
    const variants = web!.variants.map((one) => ({ ...one, patch: `+${text}\n` }))
    hub.hub.planRollout = async () => ({
      ...preview,
      changes: { ...preview.changes!, objects: [{ ...web!, object: text, variants }] },
      policy: [text],
      estimate: { ...preview.estimate!, uncounted: [text] },
      live: { ...preview.live!, unanswered: [text] },
    })
    const proposal = makeProposal('feature')
    hub.hub.propose = async () => ({ ...proposal, subject: text, author: text, gaps: [text] })
    const { items, ...others } = await hub.hub.pullRequests()
    const [asked] = items
    hub.hub.pullRequests = async () => ({
      ...{ ...others, items: [{ ...asked!, title: text, author: text, branch: text, url: text }] },
    })
    hub.hub.holds = () => [
      {
        ...{ application: 'shop', revision: text, contentDigest: text, rollout: 'r-1' },
        ...{ at: new Date(0).toISOString(), reason: text },
      },
    ]
    const [window] = await collect(hub.hub.windows(0))
    hub.hub.windows = () => [{ ...window!, reason: text, schedule: text, owner: text }]
    const lines = await linesOf(hub.hub)
    hub.hub.audit = () => lines.map((line) => ({ ...line, message: text, actor: text }))
    const [shop] = hub.hub.view.applications
    hub.hub.view.applications = [{ ...shop!, faults: [{ file: text, message: text }] }]
    hub.hub.drift = () => [
      { cluster: 'lab', application: 'shop', driftedObjects: 1, objects: [text] },
    ]
    hub.hub.view.diffs[0] = {
      ...hub.hub.view.diffs[0]!,
      drift: hub.hub.view.diffs[0]!.drift.map((one) => ({
        ...one,
        contestedBy: text,
        fields: [{ path: text, desired: text, live: text, manager: text }],
      })),
    }
    const { page, complaints } = await browser.visit(hub.url, 'operator')
    for (const path of paths.filter((one) => !one.startsWith('rollouts'))) {
      await page.goto(`${hub.url}/ui/${path}`)
      await page.getByText(text).first().waitFor()
    }
    assert.match(await page.title(), /Groundswell$/)
    assert.deepEqual(complaints, [])
  })

  it('keep nobody out, in light and dark, and fit a phone', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(hub.url, 'operator')
    const found: string[] = []
    await page.setViewportSize({ width: 375, height: 700 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const path of paths) {
        await page.goto(`${hub.url}/ui/${path}`)
        await page.getByRole('main').waitFor()
        await page.getByText('Loading…').first().waitFor({ state: 'detached' })
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
        if (wide > 375) found.push(`/${path} is ${wide} wide`)
        for (const barrier of await findBarriers(page)) {
          found.push(`${colorScheme} /${path}: ${barrier}`)
        }
      }
    }
    assert.deepEqual(found, [])
  })
})
